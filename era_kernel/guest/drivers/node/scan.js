'use strict';
// JavaScript without what is in its strings, templates, regular expressions and comments: those are blanked out, so that
// what is left can be searched. Every character keeps its place; quotes stay.

const WORD = /[\p{ID_Continue}$]+/uy;
const COMMENT = /\/\/.*|\/\*[^]*?(?:\*\/|$)/y;
const STRING = /"(?:[^"\\\n]+|\\[^])*"?|'(?:[^'\\\n]+|\\[^])*'?/y;
const TEMPLATE = /(?:[^\\`$]+|\\[^]|\$(?!\{))*(?:`|\$\{|$)/y;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
// Behind these words and marks a slash begins a regular expression; behind others it divides.
const BEFORE_REGEX = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof'.split(' ').concat([...'([{,;=:!&|?+-*%^~<>}']),
);

class Scanner {
  constructor(code) {
    this._code = code;
    this._at = 0;
    this._before = ''; // the last word or mark
    this._braces = []; // of the open ones, whether it is a template's
    this._left = [];
  }

  scan() {
    while (this._at < this._code.length) this._next();
    return this._left.join('');
  }

  /** What a pattern finds right here. */
  _take(pattern) {
    pattern.lastIndex = this._at;
    const found = pattern.exec(this._code);
    if (!found) return '';
    this._at += found[0].length;
    return found[0];
  }

  _keep(text) {
    this._left.push(text);
    if (text.trim()) this._before = text;
  }

  /** Blank it out but for so many characters at its begin and end. */
  _blank(text, kept = 0) {
    const inner = text.slice(kept, text.length - kept).replace(/[^\n]/g, ' ');
    this._left.push(text.slice(0, kept), inner, text.slice(Math.max(kept, text.length - kept)));
  }

  _next() {
    const mark = this._code[this._at];
    if (mark === '/') this._slash();
    else if (mark === '"' || mark === "'") this._value(this._take(STRING));
    else if (mark === '`') this._template(1);
    else if (mark === '}' && this._braces.pop()) this._template(1);
    else this._plain(mark);
  }

  _plain(mark) {
    const word = this._take(WORD);
    if (mark === '{') this._braces.push(false);
    if (!word) this._at += 1;
    this._keep(word || mark);
  }

  _slash() {
    const comment = this._take(COMMENT);
    if (comment) return this._blank(comment);
    const regex = !this._before || BEFORE_REGEX.has(this._before) ? this._take(REGEX) : '';
    return regex ? this._value(regex) : this._plain('/');
  }

  _value(text) {
    this._blank(text, 1);
    this._before = '""';
  }

  /** A template from a quote, or from the end of an expression in it. */
  _template(opening) {
    this._left.push(this._code.slice(this._at, this._at + opening));
    this._at += opening;
    const text = this._take(TEMPLATE);
    const isOpen = text.endsWith('${');
    if (isOpen) this._braces.push(true);
    this._blank(isOpen ? text.slice(0, -2) : text.slice(0, -1));
    this._left.push(isOpen ? '${' : text.slice(-1));
    this._before = isOpen ? '{' : '""';
  }
}

const codeOnly = (code) => new Scanner(code).scan();

module.exports = { codeOnly };
