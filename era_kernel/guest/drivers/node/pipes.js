'use strict';
// The pipes to the host, opened again: so they are close-on-exec, which Node cannot make of the fds it was given.
const fs = require('fs');

function reopen(fd, flags) {
  try {
    const other = fs.openSync(`/proc/self/fd/${fd}`, flags);
    fs.closeSync(fd);
    return other;
  } catch {
    return fd; // no /proc, or a socket
  }
}

/** `direct` is the output once more, for writes that never wait; -1 where there is none. */
function adoptHostPipes() {
  const [input, output] = [reopen(3, fs.constants.O_RDONLY), reopen(4, fs.constants.O_WRONLY)];
  return { pipes: { input, output }, direct: again(output, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK) };
}

function again(fd, flags) {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, flags);
  } catch {
    return -1;
  }
}

module.exports = { adoptHostPipes };
