'use strict';
// The cells' thread's side of the wire's thread.
const { receiveMessageOnPort } = require('worker_threads');
const { encode, writeWhole } = require('./frames.js');

const FLUSH_MS = 5000;

class Link {
  constructor(wire, shared, answers, direct) {
    this._wire = wire;
    this.shared = shared;
    this._answers = answers;
    this._direct = direct;
    this._sent = 0; // by the wire's thread
    this._cell = '';
  }

  listen(handle) {
    this._wire.on('message', handle);
  }

  /** Messages that say no other id belong to this request, which stays so after its end. */
  belongTo(id) {
    this._cell = id;
  }

  /** A small message is written here, as another thread takes long to wake up, unless the pipe is full or others wait. */
  send(type, content, id = this._cell) {
    const frame = encode({ type, id, content });
    if (this._isWritten() && writeWhole(this._direct, frame)) return;
    this._sent += 1;
    this._wire.postMessage(frame);
  }

  _isWritten() {
    return this.shared.get('written') >= this._sent;
  }

  /** Ask the front end's user; waits for the answer. */
  ask(content) {
    while (receiveMessageOnPort(this._answers));
    this.shared.set('asking', 1);
    this.send('input_request', content);
    while (this.shared.get('asking')) this.shared.wait('asking', 1, 1000);
    const answer = receiveMessageOnPort(this._answers);
    return answer ? answer.message : { error: 'there is no answer' };
  }

  /** Wait until the host has what was sent. */
  flush() {
    for (const deadline = Date.now() + FLUSH_MS; ; ) {
      const written = this.shared.get('written');
      if (written >= this._sent || Date.now() > deadline) return;
      this.shared.wait('written', written, 100);
    }
  }
}

module.exports = { Link };
