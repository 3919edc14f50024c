'use strict';
// fds 1 and 2, written at once: what a cell printed is with the host before its reply, whatever happens next.
const { Console } = require('console');
const { Writable } = require('stream');
const util = require('util');
const { partsOf, show } = require('./describe.js');
const { writeAll, writeText } = require('./frames.js');
const { turnTo } = require('./order.js');
const { cellFrames } = require('./stacks.js');

class Output extends Writable {
  constructor(fd) {
    super({ decodeStrings: true, emitClose: false, autoDestroy: false });
    this.fd = fd;
    this.isTTY = false;
  }

  write(chunk, encoding, callback) {
    const name = typeof encoding === 'string' ? encoding : undefined;
    const done = typeof encoding === 'function' ? encoding : callback;
    turnTo(this.fd);
    if (typeof chunk === 'string' && !name) writeText(this.fd, chunk);
    else writeAll(this.fd, Buffer.from(chunk, name));
    if (done) process.nextTick(done);
    return true;
  }

  _write(chunk, encoding, done) {
    writeAll(this.fd, chunk);
    done();
  }

  /** Nobody can end what later cells need; but who waits for the end, as stream.pipeline does, is told that it has come. */
  end(...given) {
    const done = given.find((each) => typeof each === 'function');
    const [chunk, encoding] = given.filter((each) => each !== done);
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    process.nextTick(() => {
      if (done) done();
      this.emit('finish');
    });
    return this;
  }

  destroy() {
    return this;
  }
}

function told(thrown) {
  if (!util.types.isNativeError(thrown)) return show(thrown);
  return [...cellFrames(String(thrown.stack).split('\n')), ...partsOf(thrown)].join('\n');
}

/** What nothing waited for ends no session. */
function report(stderr, title) {
  return (thrown) => {
    stderr.write(`${title}: ${told(thrown)}\n`);
  };
}

function installOutput() {
  const streams = { stdout: new Output(1), stderr: new Output(2) };
  for (const [name, value] of Object.entries(streams)) {
    Object.defineProperty(process, name, { value, writable: true, configurable: true, enumerable: true });
  }
  // Else it would listen for errors, which ours never tell of, at each call: that takes twice as long as the rest.
  globalThis.console = new Console({ ...streams, ignoreErrors: false });
  process.on('unhandledRejection', report(streams.stderr, 'Unhandled rejection'));
  process.on('uncaughtException', report(streams.stderr, 'Uncaught'));
  process.on('warning', () => {}); // Node's own listener prints them
}

module.exports = { installOutput };
