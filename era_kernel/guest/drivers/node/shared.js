'use strict';
// What the threads have to know of each other while the cells' thread is busy.
const FIELDS = { running: 0, interrupted: 1, asking: 2, written: 3 };

class Shared {
  static BYTES = 4 * Object.keys(FIELDS).length;

  constructor(memory) {
    this.memory = memory;
    this._view = new Int32Array(memory);
  }

  get(field) {
    return Atomics.load(this._view, FIELDS[field]);
  }

  set(field, value) {
    Atomics.store(this._view, FIELDS[field], value);
    Atomics.notify(this._view, FIELDS[field]);
  }

  /** Wait while a field has a value, at most for so many ms. */
  wait(field, value, limit) {
    return Atomics.wait(this._view, FIELDS[field], value, limit);
  }
}

module.exports = { Shared };
