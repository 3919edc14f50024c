'use strict';
// What cells find beside what Node has.
const { installDisplay } = require('./display.js');
const { installImports } = require('./imports.js');
const { installOrder } = require('./order.js');
const { installOutput } = require('./output.js');
const { installPrompt } = require('./prompt.js');
const { installRandom } = require('./random.js');
const { installStacks } = require('./stacks.js');
const { installTimers } = require('./timers.js');

function installGlobals(link) {
  installStacks();
  installOrder(link);
  installOutput();
  installImports();
  installRandom();
  installTimers();
  installPrompt(link);
  installDisplay(link);
}

module.exports = { installGlobals };
