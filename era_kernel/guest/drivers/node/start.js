'use strict';
// The driver's threads: this one runs the cells and nothing else; wire_thread.js talks with the host and interrupts this
// one; signal_thread.js learns of SIGINT while this one is busy.
const path = require('path');
const { Worker, MessageChannel } = require('worker_threads');
const { adoptHostPipes } = require('./pipes.js');
const { Shared } = require('./shared.js');

function startThread(name, workerData, transferList) {
  // Their standard streams are not used: what goes there would need this thread's event loop.
  const worker = new Worker(path.join(__dirname, name), { workerData, transferList, env: process.env });
  worker.on('error', (error) => {
    require('fs').writeSync(2, `the driver's ${name} failed: ${error && error.stack}\n`);
    process.reallyExit(70);
  });
  return worker;
}

function main() {
  const { pipes, direct } = adoptHostPipes();
  const shared = new Shared(new SharedArrayBuffer(Shared.BYTES));
  const signals = new MessageChannel();
  const answers = new MessageChannel();
  const signalThread = startThread('signal_thread.js', { port: signals.port1 }, [signals.port1]);
  const wire = startThread(
    'wire_thread.js',
    { ...pipes, memory: shared.memory, signals: signals.port2, answers: answers.port1 },
    [signals.port2, answers.port1],
  );
  const { Link } = require('./link.js');
  const { serve } = require('./session.js');
  // From then on an interrupt does not end us.
  signalThread.once('message', () => serve(new Link(wire, shared, answers.port2, direct)));
}

main();
