'use strict';
// prompt(): asks the front end's user, as a browser's does.

/** A KeyboardInterrupt: the cell's thread goes on only to end it. */
function interrupted() {
  return Object.assign(new Error('interrupted'), { name: 'KeyboardInterrupt', code: 'EINTR' });
}

function installPrompt(link) {
  const ask = (prompt, password) => {
    if (!link.allowInput) throw new Error('this front end takes no input');
    const answer = link.ask({ prompt: String(prompt), password });
    if (answer.interrupted) throw interrupted();
    if (answer.error) throw new Error(String(answer.error));
    return String(answer.value ?? '');
  };
  const prompt = (text = '', options = {}) => ask(text, Boolean(options && options.password));
  Object.defineProperty(globalThis, 'prompt', { value: prompt, writable: true, configurable: true });
}

module.exports = { installPrompt };
