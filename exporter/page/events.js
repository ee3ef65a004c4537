// Single events as they happen: the lines of `doubleslit watch`, as long as they are read.

import { byId, element, setText } from './dom.js';

/** Lines that are kept. */
const LINES = 500;
/** Lines that are taken in before the page is drawn again. What comes faster is read later, and the exporter tells what is missed. */
const AT_ONCE = 200;
const AGAIN = 2000;

export class Events {
  constructor() {
    Object.assign(this, { reader: null, abort: null, wanted: false, paused: false, lines: 0, timer: 0 });
    this.log = byId('log');
    byId('rules').addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.wanted && !this.changed()) this.stop();
      else this.start();
    });
    for (const id of ['select', 'drop']) byId(id).addEventListener('input', () => this.label());
    byId('stream-clear').addEventListener('click', () => {
      this.log.replaceChildren();
      this.lines = 0;
      this.say();
    });
    this.label();
  }

  /** Whether others may be seen at all. */
  allow(allowed) {
    if (this.allowed === allowed) return;
    this.allowed = allowed;
    byId('rules').hidden = !allowed;
    byId('stream-clear').hidden = !allowed;
    this.problem(allowed ? '' : 'Single events tell what others execute, and this page may be reached from elsewhere. The setting `web.live_events: always` shows them nevertheless; `doubleslit watch` on the machine shows them in any case.');
  }

  /** The rules, one for each text between semicolons. */
  query() {
    const pairs = ['select', 'drop'].flatMap((id) =>
      byId(id).value.split(';').map((rule) => rule.trim()).filter(Boolean).map((rule) => `${id}=${encodeURIComponent(rule)}`));
    return pairs.join('&');
  }

  changed() {
    return this.query() !== this.asked;
  }

  label() {
    setText(byId('stream'), this.wanted ? (this.changed() ? 'Apply' : 'Stop') : 'Watch');
  }

  /** Watches what a rule selects. */
  watch(rule) {
    byId('select').value = rule;
    this.start();
  }

  start() {
    this.stop();
    this.wanted = true;
    this.asked = this.query();
    this.label();
    this.read();
  }

  stop() {
    clearTimeout(this.timer);
    this.wanted = false;
    this.abort?.abort();
    this.say('');
    this.label();
  }

  pause(paused) {
    this.paused = paused;
    if (!paused) this.resume?.();
  }

  async read() {
    const abort = new AbortController();
    this.abort = abort;
    this.say('starting');
    try {
      const answer = await fetch(`/-/page/events?${this.asked}`, { signal: abort.signal });
      if (!answer.ok) {
        const { detail } = await answer.json();
        this.stop();
        return this.problem(detail);
      }
      this.problem('');
      this.say('live');
      await this.take(answer.body.pipeThrough(new TextDecoderStream()).getReader(), abort.signal);
    } catch {
      // It ended, by either side.
    }
    if (abort.signal.aborted || !this.wanted) return;
    this.say('reconnecting');
    this.timer = setTimeout(() => this.read(), AGAIN);
  }

  async take(reader, signal) {
    let rest = '';
    while (!signal.aborted) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop();
      for (let at = 0; at < lines.length; at += AT_ONCE) {
        if (this.paused) await new Promise((resolve) => { this.resume = resolve; });
        if (signal.aborted) return;
        this.append(lines.slice(at, at + AT_ONCE));
        await new Promise((resolve) => { requestAnimationFrame(resolve); });
      }
    }
  }

  append(lines) {
    const isAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 30;
    this.log.append(...lines.map((text) => element('li', {}, ...painted(text))));
    while (this.log.childElementCount > LINES) this.log.firstElementChild.remove();
    this.lines += lines.length;
    this.say('live');
    if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  say(word = this.word) {
    this.word = word;
    setText(byId('stream-state'), this.lines > 0 ? `${word} · ${this.lines} seen` : word);
  }

  problem(text) {
    setText(byId('rule-error'), text);
    byId('rule-error').hidden = !text;
  }
}

/** A line in the colours that a terminal would have for it. */
function painted(text) {
  return text.split('\x1b[').flatMap((part, at) => {
    if (at === 0) return part ? [part] : [];
    const end = part.indexOf('m');
    const [code, rest] = [part.slice(0, end), part.slice(end + 1)];
    if (!rest) return [];
    return [code === '0' ? rest : element('span', { class: `t${code}` }, rest)];
  });
}
