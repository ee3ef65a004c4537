// How the machine does, and how the exporter does.

import { byId, drawn, element, line, setAttribute, setText, short, whole } from './dom.js';

const SIZE = { width: 200, height: 34, length: 60 };

/** Large numbers for the whole machine. */
export class Tiles {
  constructor(model) {
    Object.assign(this, { model, tiles: [] });
  }

  begin(columns) {
    const tile = (title, column, help) => {
      const [number, path, area] = [element('b'), drawn('path', { class: 'stroke' }), drawn('path', { class: 'area' })];
      const spark = drawn('svg', { viewBox: `0 -2 ${SIZE.width} ${SIZE.height + 2}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, area, path);
      return { column, number, path, area, node: element('div', { class: 'tile', title: help }, element('span', {}, title), number, column < 0 ? '' : spark) };
    };
    const wanted = ['exec', 'failed', 'signal', 'connect', 'refused', 'oom', 'syscall'];
    const found = columns.map((column, at) => ({ ...column, at: at + 1 })).filter(({ name }) => wanted.includes(name));
    this.tiles = [
      tile('containers', -1, 'Containers that run'),
      tile('events / s', 0, 'All events, without system calls'),
      ...found.map(({ title, at, help }) => tile(`${title} / s`, at, help)),
    ];
    byId('tiles').replaceChildren(...this.tiles.map(({ node }) => node));
  }

  draw() {
    const { model } = this;
    for (const { column, number, path, area } of this.tiles) {
      if (column < 0) {
        const running = [...model.rows.values()].filter((row) => row.scope === 'container' && row.running);
        setText(number, whole(running.reduce((sum, row) => sum + (row.containers ?? 1), 0)));
        continue;
      }
      setText(number, short(model.sum.rates[column]));
      const past = model.past(model.sum, column, SIZE.length);
      const highest = past.reduce((max, rate) => (rate > max ? rate : max), 0);
      const drawnLine = line(past, SIZE.width, SIZE.height, highest);
      path.setAttribute('d', drawnLine);
      const first = past.findIndex((rate) => !Number.isNaN(rate));
      const left = ((first * SIZE.width) / (SIZE.length - 1)).toFixed(1);
      area.setAttribute('d', first < 0 ? '' : `${drawnLine}V${SIZE.height}H${left}Z`);
    }
  }
}

/** Probes, sources of names, and what should be 0. */
export function health({ probes, sources, health: told, version }) {
  const chip = (name, state, title) => element('li', { class: `chip ${state}`, title }, element('i'), name, element('span', { class: 'dim' }, state === 'up' ? '' : ` ${state}`));
  byId('probes').replaceChildren(
    ...probes.map(({ name, state, reason, summary }) => chip(name, state, reason ? `${summary}\n${reason}` : summary)),
    ...sources.map(([name, up]) => chip(`${name} socket`, up ? 'up' : 'failed', up ? 'It answers' : 'It does not answer')),
  );
  const numbers = [
    ['lost', whole(told.lost), 'Events that the kernel could not store where they belong', told.lost],
    ['skipped', whole(told.skipped), 'Runs of programs that the kernel skipped', 0],
    ['in rows "other"', whole(told.folded), 'Counts that found no row of their own', 0],
    ['failed readings', whole(told.failures), 'Readings of the maps that failed', told.failures],
    ['reading takes', `${(told.reading * 1000).toFixed(1)} ms`, 'Time that the last reading of the maps took', 0],
    ['fullest map', `${(told.fullest * 100).toFixed(0)} %`, 'How full the fullest map is', told.fullest > 0.9],
    ['version', version, 'Of the exporter', 0],
  ];
  byId('numbers').replaceChildren(...numbers.map(([name, value, title, isBad]) =>
    element('div', { title, class: isBad ? 'bad' : '' }, element('dt', {}, name), element('dd', {}, value))));
  const bad = probes.filter(({ state }) => state === 'failed' || state === 'unsupported').length;
  const silent = sources.filter(([, up]) => !up).length;
  const troubles = [[bad, 'probes missing'], [silent, 'sources silent'], [told.lost, 'events lost']].filter(([count]) => count > 0);
  setText(byId('verdict'), troubles.length ? troubles.map(([count, what]) => `${whole(count)} ${what}`).join(', ') : 'all is well');
  setAttribute(byId('verdict'), 'class', troubles.length ? 'bad' : 'good');
}
