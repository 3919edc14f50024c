'use strict';
// Cells: run one, tell how it ended.
const { describeThrown, INTERRUPTED, isInterrupt, show } = require('./describe.js');
const { rewriteImports } = require('./imports.js');
const { literalAsExpression } = require('./literal.js');
const order = require('./order.js');
const { runOtherwise } = require('./redeclare.js');
const { cellEnds, cellStarts } = require('./timers.js');

const MOST = 100; // characters of a name that is told in any case

class Cells {
  constructor(link, evaluator) {
    this._link = link;
    this._evaluator = evaluator;
    this._number = 0;
    this._current = null;
  }

  run(id, content) {
    this._number += 1;
    const cell = { number: this._number, id, content, name: `In[${content.execution_count ?? ''}]` };
    this._current = cell;
    this._link.belongTo(id);
    this._link.allowInput = Boolean(content.allow_stdin);
    this._link.shared.set('running', cell.number);
    order.cellStarts();
    cellStarts();
    const run = (code, done) => this._evaluator.run(code, cell.name, done);
    const isDeclared = (name) => Object.hasOwn(globalThis, name) || this._evaluator.lexicalNames().includes(name);
    const code = literalAsExpression(rewriteImports(content.code));
    runOtherwise(code, isDeclared, run, (outcome) => this._ran(cell, outcome));
  }

  /** The cell waits for something, or was terminated. */
  interrupt(number) {
    const cell = this._current;
    if (cell && cell.number === number) this._fail(cell, INTERRUPTED);
  }

  _ran(cell, outcome) {
    if (cell !== this._current) return; // it was interrupted
    if (outcome.terminated || this._wasInterrupted(cell, outcome)) this._fail(cell, INTERRUPTED);
    else if ('thrown' in outcome) this._fail(cell, describeThrown(outcome.thrown, outcome.details, cell, outcome.advice));
    else this._succeed(cell, outcome.value);
  }

  /** What it threw comes of the signal: a system call that broke off, a child that it ended. */
  _wasInterrupted(cell, outcome) {
    return 'thrown' in outcome && (this._link.shared.get('interrupted') === cell.number || isInterrupt(outcome.thrown));
  }

  _succeed(cell, value) {
    if (value !== undefined && !cell.content.silent) {
      const data = { 'text/plain': show(value) };
      try {
        this._link.send('execute_result', { execution_count: cell.content.execution_count, data, metadata: {} });
      } catch (error) {
        this._fail(cell, describeThrown(error, {}, cell)); // it is too long
        return;
      }
    }
    this._answerExpressions(cell, Object.entries(cell.content.user_expressions ?? {}), {});
  }

  _answerExpressions(cell, left, found) {
    if (cell !== this._current) return;
    if (!left.length) {
      this._reply(cell, { status: 'ok', user_expressions: found });
      return;
    }
    const [[key, expression], ...others] = left;
    this._evaluator.run(rewriteImports(expression), cell.name, (outcome) => {
      found[key] =
        'value' in outcome
          ? { status: 'ok', data: { 'text/plain': show(outcome.value) }, metadata: {} }
          : { status: 'error', ...describeThrown(outcome.thrown, outcome.details ?? {}, cell) };
      this._answerExpressions(cell, others, found);
    });
  }

  _fail(cell, error) {
    cellEnds(error === INTERRUPTED);
    let told = error;
    try {
      this._link.send('error', told);
    } catch {
      told = { ename: error.ename.slice(0, MOST), evalue: '', traceback: ['an error that is too long to be shown'] };
      this._link.send('error', told);
    }
    this._reply(cell, { status: 'error', ...told, user_expressions: {} });
  }

  _reply(cell, content) {
    this._current = null;
    cellEnds(false);
    this._link.shared.set('running', 0);
    this._link.send('execute_reply', { execution_count: cell.content.execution_count, ...content }, cell.id);
  }
}

module.exports = { Cells };
