'use strict';
// What a cell prints and shows, in the order in which it does so. The agent reads stdout, stderr and messages from a pipe
// each. What was printed before a message it sends before that, and knows no other order. So whoever turns to another of
// the three waits until the agent has read what is in the last: when it sleeps again, as Node cannot ask a pipe.
const fs = require('fs');
const { performance } = require('perf_hooks');

const LIMIT_MS = 200; // an agent that is so busy is not waited for
const PAUSE_MS = 0.05;
const FREE_MS = 1000; // a cell waits for so long, and for this share of its time
const SHARE = 0.2;
const MESSAGES = 4;
const pause = new Int32Array(new SharedArrayBuffer(4));
const text = Buffer.alloc(256);
let agent = -1;
let last = 0;
let flush = () => {};
let since = 0;
let spent = 0;

function installOrder(link) {
  flush = () => link.flush();
  try {
    agent = fs.openSync(`/proc/${process.ppid}/stat`, 'r');
  } catch {
    // no /proc: then as it comes
  }
}

/** Whether the agent, which started us, has something to do: its state comes after its name, which is in parentheses. */
function isBusy() {
  const stat = text.toString('latin1', 0, fs.readSync(agent, text, 0, text.length, 0));
  return 'RD'.includes(stat[stat.lastIndexOf(')') + 2]);
}

function waitUntilRead() {
  const start = performance.now();
  if (agent < 0 || spent > FREE_MS + SHARE * (start - since)) return;
  if (last === MESSAGES) flush();
  while (isBusy() && performance.now() - start < LIMIT_MS) Atomics.wait(pause, 0, 0, PAUSE_MS);
  spent += performance.now() - start;
}

/** Called before something is printed to an fd. */
function turnTo(fd) {
  if (last && last !== fd) waitUntilRead();
  last = fd;
}

/** A message, which need not wait for what was printed. */
function sentMessage() {
  last = MESSAGES;
}

function cellStarts() {
  since = performance.now();
  spent = 0;
}

module.exports = { cellStarts, installOrder, sentMessage, turnTo };
