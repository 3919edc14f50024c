'use strict';
// import in cells: the inspector has no way to import, so that `import(…)` calls a function of ours, whose name is as long.
const fs = require('fs');
const { builtinModules, createRequire } = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const { codeOnly } = require('./scan.js');

const IMPORT = '__impt';
const NAMES = String.raw`[\p{ID_Continue}$*{},\s]+?`;
const OPTIONS = String.raw`\s*\b(?:with|assert)\s*(?<options>\{[^{}]*\})`;
const STATEMENT = String.raw`(?<=^|;)[ \t]*import\b\s*(?:(?<names>${NAMES})\s*\bfrom\b\s*)?(?<specifier>"\s*"|'\s*')(?:${OPTIONS})?[ \t]*;?`;
const CALL = String.raw`(?<![.\p{ID_Continue}$#])import(?=\s*\()`;
const PARTS = new RegExp(`(?<statement>${STATEMENT})|${CALL}`, 'dgmu');

/** What an import statement's names become: `a, {b as c}` and `* as d`. */
function declarations(names, wanted) {
  const lines = [];
  const braces = /\{([^}]*)\}/.exec(names);
  const namespace = /\*\s*as\s+([\p{ID_Continue}$]+)/u.exec(names);
  const [first] = names.split(/[,{*]/, 1);
  if (first.trim()) lines.push(`{default: ${first.trim()}}`);
  if (namespace) lines.push(namespace[1]);
  if (braces) lines.push(`{${braces[1].replace(/([\p{ID_Continue}$]+)\s+as\s+([\p{ID_Continue}$]+)/gu, '$1: $2')}}`);
  return lines.map((target) => `const ${target} = await ${wanted};`).join(' ');
}

/** As many lines as it had. */
function rewriteStatement(code, { indices }) {
  const [whole, names, specifier, options] = [indices[0], ...['names', 'specifier', 'options'].map((name) => indices.groups[name])].map(
    (place) => place && code.slice(...place),
  );
  const wanted = `${IMPORT}(${specifier}${options ? `, {with: ${options}}` : ''})`;
  const statement = names ? declarations(names, wanted) : `await ${wanted};`;
  return statement + '\n'.repeat(whole.split('\n').length - statement.split('\n').length);
}

function rewriteImports(code) {
  if (!code.includes('import')) return code;
  const parts = [];
  let done = 0;
  for (const found of codeOnly(code).matchAll(PARTS)) {
    parts.push(code.slice(done, found.index), found.groups.statement === undefined ? IMPORT : rewriteStatement(code, found));
    done = found.index + found[0].length;
  }
  return parts.join('') + code.slice(done);
}

let here = { folder: '', require: null };

/** As from a file in the working directory. */
function requireHere() {
  const folder = process.cwd();
  if (folder !== here.folder) here = { folder, require: createRequire(path.join(folder, 'cell.js')) };
  return here.require;
}

/** A path stays what it is; a package is looked for from the working directory on. */
function locate(specifier) {
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return specifier;
  if (/^\.{0,2}\//.test(specifier)) return pathToFileURL(path.resolve(specifier)).href;
  if (/^[a-z]+:/.test(specifier)) return specifier;
  return packageUrl(specifier);
}

/** import's own resolution, from a file of the working directory's: a package may have one file for it, one for require. */
function packageUrl(specifier) {
  const found = requireHere().resolve(specifier);
  return fs.existsSync(found) ? pathToFileURL(found).href : specifier;
}

function installImports() {
  const require = (name) => requireHere()(name);
  require.resolve = (name, options) => requireHere().resolve(name, options);
  require.cache = requireHere().cache;
  const values = { require, module: { exports: {} }, [IMPORT]: async (specifier, ...options) => importModule(locate(String(specifier)), ...options) };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

module.exports = { installImports, rewriteImports };
