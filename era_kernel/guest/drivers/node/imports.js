'use strict';
// import in cells: the inspector has no way to import, so that `import(…)` calls a function of ours, whose name is as long.
const fs = require('fs');
const { builtinModules, createRequire } = require('module');
const path = require('path');
const { pathToFileURL } = require('url');

const IMPORT = '__impt';
const SKIPPED = String.raw`\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|` + '`(?:\\\\[\\s\\S]|[^`\\\\])*`';
const STATEMENT = String.raw`^[ \t]*import\b\s*(?:([\w$*{},\s]+?)\s*\bfrom\b\s*)?(?<quote>["'])([^"'\n]+)\k<quote>[ \t]*;?`;
const CALL = String.raw`(?<![.\w$#])import(?=\s*\()`;
const PARTS = new RegExp(`(?<statement>${STATEMENT})|(?<call>${CALL})|${SKIPPED}`, 'gm');

/** What an import statement's names become: `a, {b as c}` and `* as d`. */
function declarations(names, wanted) {
  const lines = [];
  const braces = /\{([^}]*)\}/.exec(names);
  const namespace = /\*\s*as\s+([\w$]+)/.exec(names);
  const [first] = names.split(/[,{*]/, 1);
  if (first.trim()) lines.push(`{default: ${first.trim()}}`);
  if (namespace) lines.push(namespace[1]);
  if (braces) lines.push(`{${braces[1].replace(/([\w$]+)\s+as\s+([\w$]+)/g, '$1: $2')}}`);
  return lines.map((target) => `const ${target} = await ${wanted};`).join(' ');
}

function rewriteStatement(names, specifier) {
  const wanted = `${IMPORT}(${JSON.stringify(specifier)})`;
  return names ? declarations(names, wanted) : `await ${wanted};`;
}

function rewriteImports(code) {
  if (!code.includes('import')) return code;
  return code.replace(PARTS, (whole, statement, names, quote, specifier) => {
    if (statement !== undefined) return rewriteStatement(names, specifier);
    return whole === 'import' ? IMPORT : whole;
  });
}

const requireHere = () => createRequire(path.join(process.cwd(), 'cell.js'));

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
  const values = { require, module: { exports: {} }, [IMPORT]: async (specifier) => import(locate(String(specifier))) };
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

module.exports = { installImports, rewriteImports };
