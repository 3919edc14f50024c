'use strict';
// display: what a cell shows beside text. `era` is another name of it, with input().
const { show } = require('./describe.js');
const { sentMessage } = require('./order.js');

const TEXTS = { html: 'text/html', markdown: 'text/markdown', latex: 'text/latex', svg: 'image/svg+xml', text: 'text/plain' };
const IMAGES = { png: 'image/png', jpeg: 'image/jpeg', gif: 'image/gif' };

/** Bytes as Jupyter has them; a string is base64 already. */
const base64 = (data) => (typeof data === 'string' ? data : Buffer.from(data).toString('base64'));

function shower(link) {
  return (data, metadata = {}, { id, update = false } = {}) => {
    const transient = id === undefined ? {} : { display_id: String(id) };
    link.send(update ? 'update_display_data' : 'display_data', { data, metadata, transient });
    sentMessage();
  };
}

function installDisplay(link) {
  const bundle = shower(link);
  const display = (value, options) => bundle({ 'text/plain': show(value) }, {}, options);
  for (const [name, mime] of Object.entries(TEXTS)) {
    display[name] = (text, options) => bundle({ 'text/plain': `<${name}>`, [mime]: String(text) }, {}, options);
  }
  for (const [name, mime] of Object.entries(IMAGES)) {
    display[name] = (data, options) => bundle({ 'text/plain': `<${name}>`, [mime]: base64(data) }, {}, options);
  }
  display.json = (value, options) =>
    bundle({ 'application/json': JSON.parse(JSON.stringify(value)), 'text/plain': show(value) }, {}, options);
  display.mime = (data, metadata, options) => bundle({ ...data }, { ...metadata }, options);
  display.clear = (wait = false) => {
    link.send('clear_output', { wait: Boolean(wait) });
    sentMessage();
  };
  const era = { ...display, display, clearOutput: display.clear, input: (...asked) => globalThis.prompt(...asked) };
  for (const [name, value] of Object.entries({ display, era })) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
}

module.exports = { installDisplay };
