'use strict';
// Tells the wire's thread of each SIGINT. Node's own handler needs the main thread's event loop, which a busy cell does not
// serve; but a script that runs with breakOnSigint is broken off by a thread of Node's, in whatever thread it runs.
const vm = require('vm');
const { workerData } = require('worker_threads');

const SIGNALLED = 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
const never = new Int32Array(new SharedArrayBuffer(4));

function sleepUntilSigint(script) {
  try {
    script.runInThisContext({ breakOnSigint: true });
  } catch (error) {
    if (error.code !== SIGNALLED) throw error;
    workerData.port.postMessage('SIGINT');
  }
}

globalThis.eraSleep = () => Atomics.wait(never, 0, 0);
const inner = new vm.Script('eraSleep()');
globalThis.eraWatch = () => {
  for (;;) sleepUntilSigint(inner);
};
// The outer one keeps Node's handler in place while the inner one is between two sleeps: without it SIGINT would end us.
const outer = new vm.Script('eraWatch()');
for (;;) sleepUntilSigint(outer);
