'use strict';
// A cell that is an object literal: as a statement `{a: 1}` would be a block with a label, and `{a: 1, b: 2}` an error.
const vm = require('vm');

const LITERAL = /^\s*\{[^]*\}\s*$/;

function parses(code) {
  try {
    new vm.Script(code, { filename: 'cell' });
    return true;
  } catch {
    return false;
  }
}

/** Code as an expression, if it is one that begins and ends with a brace. */
function literalAsExpression(code) {
  return LITERAL.test(code) && parses(`(async () => (${code}\n))`) ? `(${code}\n)` : code;
}

module.exports = { literalAsExpression, parses };
