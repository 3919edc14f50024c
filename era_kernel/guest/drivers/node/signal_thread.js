'use strict';
// Tells the wire's thread of each SIGINT. Node's own handler needs the main thread's event loop, which a busy cell does not
// serve; but a script that runs with breakOnSigint is broken off by a thread of Node's, in whatever thread it runs.
const vm = require('vm');
const { parentPort, workerData } = require('worker_threads');

const SIGNALLED = 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
// A SIGINT breaks off the innermost script; where none runs, Node lets SIGINT end the process. So scripts run within
// scripts: a signal that comes before the innermost runs again breaks off the next, and there are more than come in a burst.
const LEVELS = 16;
const never = new Int32Array(new SharedArrayBuffer(4));
const script = new vm.Script('eraSleep()');
let level = 0;
let up = false;

function sleepUntilSigint() {
  const outside = level;
  try {
    script.runInThisContext({ breakOnSigint: true });
  } catch (error) {
    if (error.code !== SIGNALLED) throw error;
    workerData.port.postMessage('SIGINT');
  }
  level = outside;
}

globalThis.eraSleep = () => {
  level += 1;
  if (level < LEVELS) for (;;) sleepUntilSigint();
  if (!up) parentPort.postMessage('up');
  up = true;
  Atomics.wait(never, 0, 0);
};
for (;;) sleepUntilSigint();
