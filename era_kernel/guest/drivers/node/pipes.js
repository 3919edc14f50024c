'use strict';
// The pipes to the host, opened again: so they are close-on-exec, which Node cannot make of the fds it was given.
const fs = require('fs');

function reopen(fd, flags) {
  try {
    const again = fs.openSync(`/proc/self/fd/${fd}`, flags);
    fs.closeSync(fd);
    return again;
  } catch {
    return fd; // no /proc, or a socket
  }
}

function adoptHostPipes() {
  return { input: reopen(3, fs.constants.O_RDONLY), output: reopen(4, fs.constants.O_WRONLY) };
}

module.exports = { adoptHostPipes };
