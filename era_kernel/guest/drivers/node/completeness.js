'use strict';
// Whether code is all that its author means to type.
const vm = require('vm');

const UNFINISHED = [/^Unexpected end of input/, /^Unterminated template/, /^missing \) after argument list/, /^Unterminated regular/];

/** What the parser says of it; empty where it parses. */
function complaint(code) {
  try {
    new vm.Script(code, { filename: 'cell' });
    return '';
  } catch (error) {
    return error.message;
  }
}

/** Code's complaint where await may stand at its top. Unfinished code is told by it never closing the function. */
function complaintOf(code) {
  const plain = complaint(code);
  if (!plain || !/\bawait\b/.test(code)) return plain;
  if (!complaint(`(async () => {${code}\n})`)) return '';
  const open = complaint(`(async () => {${code}\n`);
  return UNFINISHED.some((pattern) => pattern.test(open)) ? open : plain;
}

/** Only at its end does it lack something: a closing parenthesis there makes another complaint. */
function unfinished(code, text) {
  if (!UNFINISHED.some((pattern) => pattern.test(text))) return false;
  return !text.startsWith('missing )') || complaint(`${code}\n)`) !== text;
}

function indentOf(code) {
  const last = code.trimEnd().split('\n').pop();
  const margin = /^\s*/.exec(last)[0];
  return /[{[(]$/.test(last) ? `${margin}  ` : margin;
}

function completeness(code) {
  const { rewriteImports } = require('./imports.js');
  const { literalAsExpression } = require('./literal.js');
  const text = complaintOf(literalAsExpression(rewriteImports(code)));
  if (!text) return { status: 'complete', indent: '' };
  return unfinished(code, text) ? { status: 'incomplete', indent: indentOf(code) } : { status: 'invalid', indent: '' };
}

module.exports = { completeness };
