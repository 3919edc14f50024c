'use strict';
// Properties of objects, read without running any code of theirs.
const util = require('util');

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const MOST = 5000;

/** An object and its prototypes; a proxy would run its handler's code. */
function* chainOf(value) {
  if (value === null || value === undefined) return;
  for (let object = Object(value); object && !util.types.isProxy(object); object = Object.getPrototypeOf(object)) yield object;
}

function namesOf(value) {
  const names = new Set();
  for (const object of chainOf(value)) {
    if (ArrayBuffer.isView(object) && object.length > MOST) continue;
    for (const name of Object.getOwnPropertyNames(object)) {
      if (names.size >= MOST) return [...names];
      if (IDENTIFIER.test(name)) names.add(name);
    }
  }
  return [...names];
}

/** {value} of a property; {} where a getter would have to be asked; undefined where there is none. */
function member(value, name) {
  for (const object of chainOf(value)) {
    const found = Object.getOwnPropertyDescriptor(object, name);
    if (found) return 'value' in found ? { value: found.value } : {};
  }
  return undefined;
}

module.exports = { member, namesOf };
