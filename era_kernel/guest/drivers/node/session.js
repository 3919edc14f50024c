'use strict';
// Requests of the host, one by one.
const { Cells } = require('./cells.js');
const { completeness } = require('./completeness.js');
const { Evaluator } = require('./evaluator.js');
const { complete, inspect } = require('./editor.js');
const { installGlobals } = require('./globals.js');

function serve(link) {
  const evaluator = new Evaluator();
  const cells = new Cells(link, evaluator);
  const answers = {
    complete_request: ['complete_reply', (content) => complete(evaluator, content)],
    inspect_request: ['inspect_reply', (content) => inspect(evaluator, content)],
    is_complete_request: ['is_complete_reply', (content) => completeness(content.code)],
  };
  installGlobals(link);
  link.listen(({ type, id, content }) => {
    if (type === 'execute_request') cells.run(id, content);
    else if (type === 'interrupt') cells.interrupt(content.cell);
    else if (type === 'end') process.exit(0);
    else if (Object.hasOwn(answers, type)) {
      const [reply, answer] = answers[type];
      link.send(reply, answer(content), id);
    }
  });
  process.on('exit', () => link.flush());
  link.send('ready', { language_version: process.versions.node, driver: 'node' }, '');
}

module.exports = { serve };
