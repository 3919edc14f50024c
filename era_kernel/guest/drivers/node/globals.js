'use strict';
// What cells find beside what Node has.
const { installDisplay } = require('./display.js');
const { installImports } = require('./imports.js');
const { installOutput } = require('./output.js');
const { installPrompt } = require('./prompt.js');
const { installRandom } = require('./random.js');

function installGlobals(link) {
  installOutput();
  installImports();
  installRandom();
  installPrompt(link);
  installDisplay(link);
}

module.exports = { installGlobals };
