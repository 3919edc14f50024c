'use strict';
// The timers that a cell has set: where it waits for one and is interrupted, it must not go on when that comes.
const { promisify } = require('util');

const KINDS = { setTimeout: clearTimeout, setInterval: clearInterval, setImmediate: clearImmediate };
const pending = new Map();
let cellRuns = false;

function wrap(set, clear, repeats) {
  const wrapped = (callback, ...others) => {
    if (!cellRuns || typeof callback !== 'function') return set(callback, ...others);
    const call = function (...values) {
      if (!repeats) pending.delete(timer);
      return callback.apply(this, values);
    };
    const timer = set(call, ...others);
    pending.set(timer, clear);
    return timer;
  };
  if (set[promisify.custom]) Object.defineProperty(wrapped, promisify.custom, { value: set[promisify.custom] });
  return wrapped;
}

/** From now on timers are a cell's. */
function cellStarts() {
  cellRuns = true;
}

/** What a cell has set goes on after it, unless it was interrupted. */
function cellEnds(interrupted) {
  cellRuns = false;
  if (interrupted) for (const [timer, clear] of pending) clear(timer);
  pending.clear();
}

function installTimers() {
  for (const [name, clear] of Object.entries(KINDS)) {
    const value = wrap(globalThis[name], clear, name === 'setInterval');
    Object.defineProperty(value, 'name', { value: name });
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: true });
  }
}

module.exports = { cellEnds, cellStarts, installTimers };
