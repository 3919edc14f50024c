'use strict';
// Math.random of our own: V8's is seeded when the driver starts, which clones of a snapshot share. Seeded when it is first
// used, by the guest's kernel, which has its own entropy in each clone.
const fs = require('fs');

let state = null;

/** From the device: OpenSSL's generator may have been seeded before the snapshot. */
function seed() {
  const bytes = Buffer.alloc(16);
  const fd = fs.openSync('/dev/urandom', 'r');
  try {
    fs.readSync(fd, bytes, 0, 16, null);
  } finally {
    fs.closeSync(fd);
  }
  state = new Uint32Array(4);
  for (let n = 0; n < 4; n++) state[n] = bytes.readUInt32LE(4 * n);
  state[0] |= 1; // never all zero
}

/** xoshiro128: 32 bits. */
function next() {
  const sum = Math.imul(state[1], 5);
  const result = Math.imul((sum << 7) | (sum >>> 25), 9) >>> 0;
  const shifted = state[1] << 9;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = (state[3] << 11) | (state[3] >>> 21);
  return result;
}

function random() {
  if (!state) seed();
  return ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 2 ** 53;
}

function installRandom() {
  Object.defineProperty(Math, 'random', { value: random, writable: true, configurable: true });
}

module.exports = { installRandom };
