'use strict';
// The stacks of errors, wherever they are shown: without the driver, which calls the cells.

const OURS = ['node:inspector', __dirname]; // where a cell's frames end

/** The lines of a stack down to the first one of ours. */
function cellFrames(lines) {
  const end = lines.findIndex((line) => /^\s+at /.test(line) && OURS.some((mark) => line.includes(mark)));
  return end < 0 ? lines : lines.slice(0, end);
}

/** What Node writes above a stack. The error's properties may be getters that throw. */
function headOf(error) {
  try {
    const text = Error.prototype.toString.call(error);
    const { name, code } = error;
    const isPlain = text.startsWith(`${name}:`) && !name.includes(code);
    return /^ERR_/.test(code) && isPlain ? `${name} [${code}]${text.slice(name.length)}` : text;
  } catch {
    return 'an error that cannot be told';
  }
}

/** V8 asks this for each stack. Another that a cell puts in its place is its own affair. */
function installStacks() {
  Error.prepareStackTrace = (error, frames) => [headOf(error), ...cellFrames(frames.map((frame) => `    at ${frame}`))].join('\n');
}

module.exports = { cellFrames, installStacks };
