'use strict';
// Messages on the host's pipes: u32 length (big endian), then a JSON object in UTF-8.
const fs = require('fs');

const { writeSync } = fs; // not what a cell may put in its place
const MAX_MESSAGE = 64 << 20;
const PIPE_BUF = 4096; // Linux's pipe(7)
const LONE_SURROGATE = /\p{Surrogate}/gu; // UTF-8 has no such thing

const wellFormed = (key, value) => (typeof value === 'string' ? value.replace(LONE_SURROGATE, '\ufffd') : value);

function encode(message) {
  const body = Buffer.from(JSON.stringify(message, wellFormed));
  if (body.length > MAX_MESSAGE) throw new RangeError(`a message of ${body.length} bytes is too long`);
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, 4);
  return frame;
}

/** Cuts what arrives into messages. */
class FrameReader {
  constructor() {
    this._chunks = [];
    this._size = 0;
  }

  *feed(chunk) {
    this._chunks.push(chunk);
    this._size += chunk.length;
    for (;;) {
      if (this._size < 4) return;
      if (this._chunks[0].length < 4) this._chunks = [Buffer.concat(this._chunks)];
      const length = this._chunks[0].readUInt32BE();
      if (length > MAX_MESSAGE) throw new RangeError('the host sent a message that is too long');
      if (this._size < 4 + length) return;
      const all = this._chunks.length === 1 ? this._chunks[0] : Buffer.concat(this._chunks);
      this._chunks = [all.subarray(4 + length)];
      this._size -= 4 + length;
      yield JSON.parse(all.subarray(4, 4 + length).toString());
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));

/** Write all of it, whatever mode the pipe is in. */
function writeAll(fd, data) {
  for (let at = 0; at < data.length; ) {
    try {
      at += fs.writeSync(fd, data, at);
    } catch (error) {
      if (error.code === 'EAGAIN') Atomics.wait(pause, 0, 0, 2);
      else if (error.code !== 'EINTR') throw error;
    }
  }
}

/** Write a frame at once and as a whole, which a pipe grants to so many bytes; false where it cannot. */
function writeWhole(fd, frame) {
  if (fd < 0 || frame.length > PIPE_BUF) return false;
  try {
    return writeSync(fd, frame) === frame.length;
  } catch {
    return false; // the pipe is full, or nobody reads it
  }
}

/** Text, at once if it may be: a buffer takes longer to make than to write. */
function writeText(fd, text) {
  let done = 0;
  try {
    done = fs.writeSync(fd, text);
  } catch (error) {
    if (error.code !== 'EAGAIN' && error.code !== 'EINTR') throw error;
  }
  if (done < Buffer.byteLength(text)) writeAll(fd, Buffer.from(text).subarray(done));
}

module.exports = { encode, FrameReader, writeAll, writeText, writeWhole };
