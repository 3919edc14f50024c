'use strict';
// The thread that talks with the host: requests to the cells' thread, its messages to the host.
const net = require('net');
const { parentPort, workerData } = require('worker_threads');
const { FrameReader, writeAll } = require('./frames.js');
const { Interrupter } = require('./interrupter.js');
const { Shared } = require('./shared.js');

const { input, output, memory, signals, answers } = workerData;
const shared = new Shared(memory);
const interrupter = new Interrupter(shared, parentPort, answerInput);
let written = 0;

/** Give the cell that waits in an input request what it waits for. */
function answerInput(answer) {
  if (!shared.get('asking')) return;
  answers.postMessage(answer);
  shared.set('asking', 0);
}

function forward(request) {
  if (request.type === 'input_reply') answerInput(request.content);
  else interrupter.whenQuiet(() => parentPort.postMessage(request));
}

function readRequests() {
  const reader = new FrameReader();
  const socket = new net.Socket({ fd: input, readable: true, writable: false });
  socket.on('data', (chunk) => {
    for (const request of reader.feed(chunk)) forward(request);
  });
  socket.on('error', () => interrupter.end());
  socket.on('end', () => interrupter.end());
}

parentPort.on('message', (frame) => {
  try {
    writeAll(output, frame);
  } catch (error) {
    if (error.code === 'EPIPE') interrupter.end();
    else throw error;
  }
  shared.set('written', ++written);
});
signals.on('message', () => interrupter.interrupt());
readRequests();
