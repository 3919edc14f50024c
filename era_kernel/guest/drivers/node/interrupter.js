'use strict';
// Interrupts the cells' thread, from the wire's thread.
const { Session } = require('inspector');

const ASK_MS = 100; // for a cell that waits in the event loop, to be told
const TERMINATE_MS = 1000;
const END_MS = 2000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** End what the cells' thread computes. Connected no longer than that: Node's exit would wait for us, and say so. */
async function terminate(limit) {
  const session = new Session();
  session.connectToMainThread();
  const done = new Promise((resolve) => session.post('Runtime.terminateExecution', resolve));
  await Promise.race([done, sleep(limit)]);
  session.disconnect();
}

class Interrupter {
  constructor(shared, port, answerInput) {
    this._shared = shared;
    this._port = port;
    this._answerInput = answerInput;
    this._quiet = Promise.resolve();
    this._terminating = false;
  }

  /** Call it once nothing is being terminated: a request's own handler could be what is. */
  whenQuiet(call) {
    if (this._terminating) this._quiet.then(call);
    else call();
  }

  /** Nothing runs: nothing happens. */
  interrupt() {
    const cell = this._shared.get('running');
    if (!cell) return;
    this._shared.set('interrupted', cell);
    this._answerInput({ interrupted: true });
    this._tell(cell);
    if (!this._terminating) this._quiet = this._insist(cell);
  }

  _tell(cell) {
    this._port.postMessage({ type: 'interrupt', content: { cell } });
  }

  /** A cell that computes does not hear of it: it is terminated. */
  async _insist(cell) {
    this._terminating = true;
    await sleep(ASK_MS);
    if (this._shared.get('running') === cell) await this._terminate(cell);
    this._terminating = false;
  }

  async _terminate(cell) {
    // Were it idle by now, this is what is terminated.
    this._tell(cell);
    await terminate(TERMINATE_MS);
    this._tell(cell);
  }

  /** The host has gone: so does the driver, whatever the cell does. */
  async end() {
    for (const deadline = Date.now() + END_MS; Date.now() < deadline; ) {
      this._port.postMessage({ type: 'end' });
      this._answerInput({ interrupted: true });
      await sleep(ASK_MS);
      await terminate(ASK_MS);
    }
    process.kill(process.pid, 'SIGKILL');
  }
}

module.exports = { Interrupter };
