// Lines of the busiest containers, of whatever the table is sorted by.

import { byId, drawn, element, setText, short } from './dom.js';
import { HISTORY } from './state.js';

const LINES = 6;
const HEIGHT = 190;
const MARGIN = { left: 40, right: 6, top: 8, bottom: 18 };
/** How many of the last rates say who is busy. */
const RECENT = 20;

export class Chart {
  /** `chosen` has the rows that the table shows. */
  constructor(model, chosen, open) {
    Object.assign(this, { model, chosen, open, colors: new Map() });
    this.place = byId('chart');
    this.drawing = drawn('svg', { role: 'img', height: String(HEIGHT) });
    this.place.append(this.drawing);
    new ResizeObserver(() => this.draw()).observe(this.place);
  }

  show(column, title) {
    this.column = column;
    setText(byId('measure'), `${title} a second, two minutes`);
    this.draw();
  }

  /** The busiest rows, whose colours stay theirs as long as they are among them. */
  busiest() {
    const mean = (row) => {
      const known = this.model.past(row, this.column, RECENT).filter((rate) => !Number.isNaN(rate));
      return known.reduce((sum, rate) => sum + rate, 0) / Math.max(known.length, 1);
    };
    const rows = this.chosen().filter((row) => row.scope === 'container').map((row) => ({ row, mean: mean(row) }));
    const top = rows.filter(({ mean: busy }) => busy > 0).sort((a, b) => b.mean - a.mean).slice(0, LINES);
    const keys = new Set(top.map(({ row }) => row.key));
    for (const key of this.colors.keys()) if (!keys.has(key)) this.colors.delete(key);
    for (const key of keys) {
      if (this.colors.has(key)) continue;
      const taken = new Set(this.colors.values());
      this.colors.set(key, Array.from({ length: LINES }, (_, at) => at).find((at) => !taken.has(at)));
    }
    return top;
  }

  draw() {
    const width = this.place.clientWidth;
    if (this.column === undefined || width === 0) return;
    const top = this.busiest();
    const lines = top.map(({ row }) => this.model.past(row, this.column));
    const highest = nice(Math.max(0, ...lines.flat().filter((rate) => !Number.isNaN(rate))));
    const [inner, tall] = [width - MARGIN.left - MARGIN.right, HEIGHT - MARGIN.top - MARGIN.bottom];
    const x = (at) => MARGIN.left + (at / (HISTORY - 1)) * inner;
    const y = (rate) => MARGIN.top + tall - (rate / highest) * tall;
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      const at = y(share * highest);
      parts.push(drawn('line', { class: 'grid', x1: MARGIN.left, x2: width - MARGIN.right, y1: at, y2: at }));
      parts.push(drawn('text', { class: 'tick', x: MARGIN.left - 6, y: at + 4, 'text-anchor': 'end' }, short(share * highest)));
    }
    for (const [seconds, name, anchor] of [[120, '2 min ago', 'start'], [60, '1 min', 'middle'], [0, 'now', 'end']]) {
      const at = x(HISTORY - 1 - Math.min(seconds, HISTORY - 1));
      parts.push(drawn('text', { class: 'tick', x: at, y: HEIGHT - 4, 'text-anchor': anchor }, name));
    }
    top.forEach(({ row }, number) => {
      let path = '';
      let pen = 'M';
      lines[number].forEach((rate, at) => {
        if (Number.isNaN(rate)) return;
        path += `${pen}${x(at).toFixed(1)} ${y(rate).toFixed(1)}`;
        pen = 'L';
      });
      parts.push(drawn('path', { class: `line s${this.colors.get(row.key)}`, d: path }));
    });
    this.drawing.setAttribute('width', width);
    this.drawing.setAttribute('aria-label', `The busiest: ${top.map(({ row, mean }) => `${row.name} ${short(mean)}`).join(', ')}`);
    this.drawing.replaceChildren(...parts);
    byId('legend').replaceChildren(...top.map((one) => this.entry(one)));
  }

  entry({ row, mean }) {
    const button = element('button', { title: 'All counts' }, element('i', { class: `s${this.colors.get(row.key)}` }), element('span', {}, row.name), element('b', {}, short(mean)));
    button.addEventListener('click', () => this.open(row));
    return element('li', {}, button);
  }
}

/** The least of 1, 2, 5, 10 and so on that is not less. */
function nice(number) {
  if (!(number > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(number));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= number * 0.999) ?? 10 * power;
}
