'use strict';
// Runs code as Chrome's console does (replMode): names can be declared again, await stands anywhere.
const { Session } = require('inspector');

const TAKE = 'function (value) { this.value = value; }';
const GROUP = 'era';
const THE_CONTEXT = 1; // Node's main one

class Evaluator {
  constructor() {
    this._session = new Session();
    this._session.connect();
    this._slot = { value: undefined };
    globalThis.eraSlot = this._slot;
    this._slotId = this._now('Runtime.evaluate', { expression: 'eraSlot' }).result.objectId;
    delete globalThis.eraSlot;
  }

  /** A command that is answered before this returns; undefined where it fails. */
  _now(method, params) {
    let found;
    this._session.post(method, params, (error, result) => {
      if (!error) found = result;
    });
    return found;
  }

  /** The value that the inspector describes: most are told as they are, the others are passed in the slot. */
  _take({ type, objectId, value, unserializableValue }) {
    if (type === 'undefined') return undefined;
    if (!objectId && !unserializableValue) return value;
    const argument = objectId ? { objectId } : { unserializableValue };
    this._now('Runtime.callFunctionOn', { objectId: this._slotId, functionDeclaration: TAKE, arguments: [argument] });
    const taken = this._slot.value;
    this._slot.value = undefined;
    return taken;
  }

  _outcome(error, answer) {
    if (error) return { terminated: true };
    const details = answer.exceptionDetails;
    const outcome = details ? { thrown: this._take(details.exception), details } : { value: this._take(answer.result) };
    this._session.post('Runtime.releaseObjectGroup', { objectGroup: GROUP });
    return outcome;
  }

  /** Run a cell; `done` gets {value}, {thrown, details} or {terminated}; never called where an await was terminated. */
  run(code, name, done) {
    const expression = `${code}\n//# sourceURL=${name}`;
    const options = { replMode: true, awaitPromise: true, objectGroup: GROUP };
    this._session.post('Runtime.evaluate', { expression, ...options }, (error, answer) => {
      done(this._outcome(error, answer));
    });
  }

  /** {value} of an expression that does nothing but to look; undefined of any other. */
  look(expression) {
    const options = { throwOnSideEffect: true, silent: true, objectGroup: GROUP };
    const answer = this._now('Runtime.evaluate', { expression, ...options });
    if (!answer || answer.exceptionDetails) return undefined;
    return this._outcome(null, answer);
  }

  /** The names that let, const and class declared. */
  lexicalNames() {
    const answer = this._now('Runtime.globalLexicalScopeNames', { executionContextId: THE_CONTEXT });
    return answer ? answer.names : [];
  }
}

module.exports = { Evaluator };
