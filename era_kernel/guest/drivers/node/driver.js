'use strict';
// The driver of JavaScript: runs in the guest, evaluates cells, speaks Jupyter message contents on fds 3 and 4.
// Node's own modules only, Node 18 or newer.
require('./load.js').load('start.js');
