'use strict';
// Values and errors as text.
const util = require('util');

const INTERRUPTED = { ename: 'KeyboardInterrupt', evalue: '', traceback: ['KeyboardInterrupt'] };
const OURS = ['node:inspector', __dirname]; // where a cell's frames end

function show(value) {
  try {
    return util.inspect(value);
  } catch (error) {
    return `[${typeof value} that cannot be shown: ${String(error && error.message)}]`;
  }
}

const isInterrupt = (thrown) =>
  util.types.isNativeError(thrown) && (thrown.code === 'EINTR' || thrown.signal === 'SIGINT' || thrown.status === 130);

function cellFrames(stack) {
  const lines = stack.split('\n');
  const end = lines.findIndex((line) => /^\s+at /.test(line) && OURS.some((mark) => line.includes(mark)));
  return end < 0 ? lines : lines.slice(0, end);
}

/** The line that does not parse, and where in it. */
function syntaxPlace({ lineNumber, columnNumber }, cell) {
  const line = cell.content.code.split('\n')[lineNumber];
  if (line === undefined) return [];
  return [`${cell.name}:${lineNumber + 1}:${columnNumber + 1}`, line, `${' '.repeat(columnNumber)}^`];
}

function describeError(error, details, cell) {
  const frames = cellFrames(String(error.stack ?? error));
  const unparsed = error instanceof SyntaxError && !frames.some((line) => /^\s+at /.test(line));
  const extra = error.cause === undefined ? [] : [`  [cause]: ${show(error.cause)}`];
  const traceback = [...(unparsed ? syntaxPlace(details, cell) : []), ...frames, ...extra];
  return { ename: String(error.name ?? 'Error'), evalue: String(error.message ?? ''), traceback };
}

/** ename, evalue and traceback of what a cell threw, which may be anything. */
function describeThrown(thrown, details, cell) {
  try {
    if (util.types.isNativeError(thrown) || thrown instanceof Error) return describeError(thrown, details, cell);
  } catch {
    // its name, message or stack is a getter that throws
  }
  const shown = show(thrown);
  return { ename: 'Uncaught', evalue: shown, traceback: [`Uncaught ${shown}`] };
}

module.exports = { cellFrames, describeThrown, INTERRUPTED, isInterrupt, show };
