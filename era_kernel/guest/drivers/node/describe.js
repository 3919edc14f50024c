'use strict';
// Values and errors as text.
const util = require('util');
const { cellFrames } = require('./stacks.js');

const INTERRUPTED = { ename: 'KeyboardInterrupt', evalue: '', traceback: ['KeyboardInterrupt'] };

function show(value) {
  try {
    return util.inspect(value);
  } catch (error) {
    return `[${typeof value} that cannot be shown: ${String(error && error.message)}]`;
  }
}

const isInterrupt = (thrown) =>
  util.types.isNativeError(thrown) && (thrown.code === 'EINTR' || thrown.signal === 'SIGINT' || thrown.status === 130);

/** The line that does not parse, and where in it. */
function syntaxPlace({ lineNumber, columnNumber }, cell) {
  const line = cell.content.code.split('\n')[lineNumber];
  if (line === undefined) return [];
  return [`${cell.name}:${lineNumber + 1}:${columnNumber + 1}`, line, `${' '.repeat(columnNumber)}^`];
}

/** Its own name; that of its class where it was given none. */
function nameOf({ name, constructor }) {
  const own = String(name ?? 'Error');
  return own === 'Error' && constructor && constructor.name ? String(constructor.name) : own;
}

/** What an error has beside its stack: what caused it, and the errors of a Promise.any. */
function partsOf(error) {
  const parts = error.cause === undefined ? [] : [`  [cause]: ${show(error.cause)}`];
  if (error instanceof AggregateError) parts.push(`  [errors]: ${show(error.errors)}`);
  return parts;
}

function describeError(error, details, cell, advice) {
  const name = nameOf(error);
  const frames = cellFrames(String(error.stack ?? error).split('\n'));
  frames[0] = frames[0].replace(/^Error\b/, name);
  const unparsed = error instanceof SyntaxError && !frames.some((line) => /^\s+at /.test(line));
  const traceback = [...(unparsed ? syntaxPlace(details, cell) : []), ...frames, ...partsOf(error), ...(advice ? [advice] : [])];
  return { ename: name, evalue: String(error.message ?? ''), traceback };
}

/** ename, evalue and traceback of what a cell threw, which may be anything. */
function describeThrown(thrown, details, cell, advice) {
  try {
    if (util.types.isNativeError(thrown) || thrown instanceof Error) return describeError(thrown, details, cell, advice);
  } catch {
    // its name, message or stack is a getter that throws
  }
  const shown = show(thrown);
  return { ename: 'Uncaught', evalue: shown, traceback: [`Uncaught ${shown}`] };
}

module.exports = { describeThrown, INTERRUPTED, isInterrupt, partsOf, show };
