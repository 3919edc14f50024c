'use strict';
// V8 lets cells declare a name again by the same keyword only: `let` after `let`, `const` after `const`. So a cell that
// takes another is run again with the keyword of then, or with `let`, which means the same here, in place of `const`.
const { parses } = require('./literal.js');
const { codeOnly } = require('./scan.js');

const CONFLICT = /^Identifier '(.+)' has already been declared$/;
const COMPILES_ITSELF = /\b(?:eval|Function|vm)\b/; // what such a cell throws may come of a part of it, when others have run
const KEYWORDS = /\b(?:const|let|var|class|function)\b|[()[\]{}]/g;
const OPENING = '([{';
const MOST = 16; // ways to try a cell
/** By which keywords to try it: those of variables, as a constant's name cannot become one. */
const OTHERS = { const: ['let', 'var'], let: ['var'], var: ['let'] };

/** The name that a cell which did not come to run declares as something else than before; undefined for other errors. */
function conflict(thrown, code) {
  const found = thrown instanceof SyntaxError && CONFLICT.exec(thrown.message);
  if (!found || COMPILES_ITSELF.test(code)) return undefined;
  return parses(`(async () => {${code}\n})`) ? found[1] : undefined; // else it declares the name twice itself
}

/** Where the declarations at the top of a cell begin, and up to where they may go on. */
function declarations(text) {
  const found = [];
  let depth = 0;
  for (const { 0: word, index } of text.matchAll(KEYWORDS)) {
    if (word.length === 1) depth += OPENING.includes(word) ? 1 : -1;
    else if (depth === 0) found.push({ word, index });
  }
  return found.map((each, at) => ({ ...each, end: found[at + 1]?.index ?? text.length }));
}

/** The cell with other keywords where it declares a name: each way to try it. */
function* otherwise(code, name) {
  const text = codeOnly(code);
  const has = new RegExp(`(?<![\\p{ID_Continue}$.])${name.replace(/\$/g, '\\$')}(?![\\p{ID_Continue}$])`, 'u');
  const own = declarations(text).filter(({ word, index, end }) => OTHERS[word] && has.test(text.slice(index, end)));
  for (const wanted of ['let', 'var']) {
    let made = code;
    for (const { word, index } of own) {
      if (!OTHERS[word].includes(wanted)) continue;
      made = made.slice(0, index) + wanted.padEnd(word.length) + made.slice(index + word.length);
    }
    if (made !== code) yield made;
  }
}

/** Run a cell in the first way in which V8 finds no name of earlier cells declared by another keyword. */
function runOtherwise(code, isDeclared, run, done) {
  const waiting = [code];
  let first;
  let left = MOST;
  const next = () => {
    const now = waiting.shift();
    run(now, (outcome) => {
      const name = 'thrown' in outcome ? conflict(outcome.thrown, now) : undefined;
      if (name === undefined || !isDeclared(name)) return done(name === undefined ? outcome : (first ?? outcome));
      first ??= { ...outcome, advice: adviceFor(name) };
      waiting.unshift(...otherwise(now, name));
      left -= 1;
      return waiting.length && left ? next() : done(first);
    });
  };
  next();
}

/** What to do where no other keyword helps. */
const adviceFor = (name) =>
  `An earlier cell declared ${name} by another keyword, which V8 keeps: take another name, or restart the session.`;

module.exports = { runOtherwise };
