'use strict';
// Completion and help, by live objects; no getter of theirs is called. Positions are in code points.
const util = require('util');
const { member, namesOf } = require('./members.js');

const NAME = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;
const LITERAL = String.raw`"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'`;
const ROOT = new RegExp(`^(?:${NAME}|${LITERAL})`, 'u');
const STEP = String.raw`\??\.(?<name>${NAME})|(?:\?\.)?\[(?<index>\d+|${LITERAL})\]`;
const STEPS = new RegExp(STEP, 'gu');
const CHAIN = `(?:${NAME}|${LITERAL})(?:${STEP.replace(/\?<\w+>/g, '?:')})*`;
const BEFORE = new RegExp(`(?:(${CHAIN})\\s*\\??\\.\\s*)?(${NAME})?$`, 'u');
// A property of what no chain can tell; three dots spread something.
const OF_ANOTHER = /(?<!\.\.)\.\s*$/;
const AFTER = /^[\p{ID_Continue}$]*/u;
const WORDS = (
  'async await break case catch class const continue debugger default delete do else export extends false finally for ' +
  'function if import in instanceof let new null of return super switch this throw true try typeof var void while yield'
).split(' ');

const points = (text) => [...text].length;
const before = ({ code, cursor_pos: position }) => [...code].slice(0, position).join('');
const after = ({ code, cursor_pos: position }) => [...code].slice(position).join('');

/** {value} of a chain `a.b[0]["c"]`, each step a plain property. */
function valueOf(evaluator, chain) {
  const [root] = ROOT.exec(chain);
  let found = evaluator.look(root);
  for (const { groups } of chain.slice(root.length).matchAll(STEPS)) {
    const key = groups.name ?? evaluator.look(groups.index)?.value;
    found = found && 'value' in found ? member(found.value, String(key)) : undefined;
  }
  return found && 'value' in found ? found : undefined;
}

function candidates(evaluator, chain, unfinished) {
  if (chain === undefined && OF_ANOTHER.test(unfinished)) return [];
  if (chain === undefined) return [...evaluator.lexicalNames(), ...namesOf(globalThis), ...WORDS];
  const found = valueOf(evaluator, chain);
  return found ? namesOf(found.value) : [];
}

function complete(evaluator, content) {
  const text = before(content);
  const [, chain, prefix = ''] = BEFORE.exec(text);
  const all = candidates(evaluator, chain, text.slice(0, text.length - prefix.length)).filter((name) => name.startsWith(prefix));
  const end = points(text);
  const matches = [...new Set(all)].sort();
  return { status: 'ok', matches, cursor_start: end - points(prefix), cursor_end: end, metadata: {} };
}

function describe(value, detail) {
  if (typeof value === 'function') {
    const source = Function.prototype.toString.call(value);
    return detail ? source : source.split('\n', 1)[0];
  }
  const shown = util.inspect(value, { customInspect: false, getters: false, depth: detail ? 4 : 1 });
  return `${value === null ? 'null' : typeof value}: ${shown}`;
}

function inspect(evaluator, content) {
  const [, chain, name = ''] = BEFORE.exec(before(content));
  const whole = name + AFTER.exec(after(content))[0];
  const wanted = chain === undefined ? whole : whole ? `${chain}.${whole}` : chain;
  const found = wanted ? valueOf(evaluator, wanted) : undefined;
  if (!found) return { status: 'ok', found: false, data: {}, metadata: {} };
  const text = `${wanted}\n${describe(found.value, content.detail_level)}`;
  return { status: 'ok', found: true, data: { 'text/plain': text }, metadata: {} };
}

module.exports = { complete, inspect };
