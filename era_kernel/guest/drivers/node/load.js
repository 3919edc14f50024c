'use strict';
// Loads the driver's modules with the globals that they use in their hands. Cells are scripts, and what a script declares,
// such as `process` or `Map`, takes a global's place in all code.
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const GLOBALS = (
  'AggregateError Array ArrayBuffer Atomics Boolean Buffer Date Error Function Int32Array JSON Map Math Number Object Promise ' +
  'RangeError RegExp Set SharedArrayBuffer String SyntaxError Uint32Array process clearImmediate clearInterval clearTimeout ' +
  'setImmediate setInterval setTimeout'
).split(' ');
const values = GLOBALS.map((name) => globalThis[name]);
const loaded = new Map();

const requireOne = (wanted) => (wanted.startsWith('./') ? load(wanted.slice(2)) : require(wanted));
/** What is compiled as a function may not say `import(…)`. */
const importModule = (specifier, options) => (options ? import(specifier, options) : import(specifier));

function load(name) {
  if (!loaded.has(name)) {
    const file = path.join(__dirname, name);
    const parameters = ['module', 'require', '__dirname', 'importModule', ...GLOBALS];
    const run = vm.compileFunction(fs.readFileSync(file, 'utf8'), parameters, { filename: file });
    const module = { exports: {} };
    loaded.set(name, module);
    run(module, requireOne, __dirname, importModule, ...values);
  }
  return loaded.get(name).exports;
}

module.exports = { load };
