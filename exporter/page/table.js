// The table of containers. Only the rows that can be seen are in the document, so that a thousand cost what thirty do.

import { byId, drawn, element, line, setAttribute, setText, short } from './dom.js';

/** Rows above and below what can be seen. */
const SPARE = 6;
const SPARK = { width: 90, height: 20, length: 60 };

export class Table {
  /** @param {import('./state.js').Model} model @param {{open: (row) => void, changed: () => void}} on */
  constructor(model, on) {
    Object.assign(this, { model, on, column: 0, reversed: false, text: '', rows: [], shown: new Map(), selected: '' });
    this.scroll = byId('scroll');
    this.body = byId('table').tBodies[0];
    this.head = byId('table').tHead.rows[0];
    [this.above, this.below] = [0, 1].map(() => element('tr', { class: 'spacer', 'aria-hidden': 'true' }, element('td')));
    this.body.append(this.above, this.below);
    this.height = 30;
    this.scroll.addEventListener('scroll', () => this.draw(), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.scroll);
    this.body.addEventListener('click', (event) => this.choose(event.target.closest('tr')?.dataset.key, true));
    this.scroll.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' || event.target !== this.scroll) return;
      // The key must not press the button that has the focus then, which closes what it opened.
      event.preventDefault();
      this.open();
    });
  }

  /** Titles: the names first, then a column for each that the exporter counts. */
  begin(columns) {
    this.columns = [{ name: 'all', title: 'events', help: 'All events, without system calls' }, ...columns];
    this.column = Math.min(this.column, this.columns.length - 1);
    for (const row of this.shown.values()) row.tr.remove();
    this.shown.clear();
    const sorts = (title, column, help) => {
      const button = element('button', { title: `${help}. Sorts.` }, title);
      button.addEventListener('click', () => this.sort(column));
      return button;
    };
    const titles = this.columns.map(({ name, title, help }, column) =>
      element('th', { scope: 'col', class: `number c-${name}` }, sorts(title, column, `${help}, a second`)));
    this.head.replaceChildren(
      element('th', { scope: 'col', class: 'name' }, sorts('container', -1, 'Whose it is')),
      element('th', { scope: 'col', class: 'spark' }, element('span', { class: 'hidden' }, 'last minute')),
      ...titles,
    );
    setAttribute(byId('table'), 'aria-colcount', String(this.columns.length + 2));
    this.mark();
  }

  /** Sorts by a column, or in the other direction if it is sorted by it; -1 is the name. */
  sort(column, reversed = column === this.column && !this.reversed) {
    Object.assign(this, { column, reversed });
    this.mark();
    this.refresh();
    this.on.changed();
  }

  sortByNext() {
    this.sort(this.column + 1 < this.columns.length ? this.column + 1 : -1, false);
  }

  mark() {
    [...this.head.cells].forEach((cell, at) => {
      const column = at === 0 ? -1 : at - 2;
      if (at !== 1 && column === this.column) {
        cell.setAttribute('aria-sort', (column === -1) !== this.reversed ? 'ascending' : 'descending');
      } else cell.removeAttribute('aria-sort');
      cell.classList.toggle('measured', at - 2 === this.measured());
    });
  }

  /** The column that charts show. */
  measured() {
    return Math.max(this.column, 0);
  }

  filter(text) {
    this.text = text.trim().toLowerCase();
    this.scroll.scrollTop = 0;
    if (!this.columns) return;
    this.refresh();
    this.on.changed();
  }

  /** Takes over what the model has now. */
  refresh() {
    const has = (row) => [row.name, row.id, row.image].some((text) => text?.toLowerCase().includes(this.text));
    const all = [...this.model.rows.values()];
    this.rows = this.text ? all.filter(has) : all;
    const sign = this.reversed ? -1 : 1;
    const { column } = this;
    const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
    this.rows.sort((a, b) => sign * (column < 0 ? byName(a, b) : (b.rates[column] || 0) - (a.rates[column] || 0)) || byName(a, b));
    setText(byId('shown'), this.text ? `${this.rows.length} of ${all.length}` : String(all.length));
    byId('none').hidden = this.rows.length > 0;
    setAttribute(byId('table'), 'aria-rowcount', String(this.rows.length + 1));
    this.draw();
  }

  /** Draws the rows that can be seen, each of them in the place that it already has. */
  draw() {
    if (!this.columns) return;
    const first = Math.max(0, Math.floor(this.scroll.scrollTop / this.height) - SPARE);
    const count = Math.ceil(this.scroll.clientHeight / this.height) + 2 * SPARE;
    const seen = this.rows.slice(first, first + count);
    const keys = new Set(seen.map((row) => row.key));
    const free = [...this.shown].filter(([key]) => !keys.has(key));
    let last = this.above;
    seen.forEach((row, at) => {
      let shown = this.shown.get(row.key);
      if (!shown) {
        const reused = free.pop();
        shown = reused ? reused[1] : this.make();
        if (reused) this.shown.delete(reused[0]);
        this.shown.set(row.key, shown);
      }
      this.fill(shown, row, first + at);
      if (last.nextSibling !== shown.tr) last.after(shown.tr);
      last = shown.tr;
    });
    for (const [key, { tr }] of free) {
      tr.remove();
      this.shown.delete(key);
    }
    const after = Math.max(0, this.rows.length - first - seen.length);
    this.above.cells[0].style.height = `${first * this.height}px`;
    this.below.cells[0].style.height = `${after * this.height}px`;
    if (seen.length > 0) this.height = last.offsetHeight || this.height;
  }

  make() {
    const path = drawn('path');
    const name = element('span', { class: 'called' });
    const note = element('span', { class: 'dim note' });
    const spark = drawn('svg', { viewBox: `0 -1 ${SPARK.width} ${SPARK.height + 2}`, 'aria-hidden': 'true' }, path);
    const cells = this.columns.map(({ name: column }) => element('td', { class: `number c-${column}` }));
    const tr = element('tr', {}, element('th', { scope: 'row', class: 'name' }, name, note), element('td', { class: 'spark' }, spark), ...cells);
    return { tr, name, note, path, cells };
  }

  fill({ tr, name, note, path, cells }, row, at) {
    if (tr.dataset.key !== row.key) {
      tr.dataset.key = row.key;
      tr.id = `row-${row.key}`;
    }
    setAttribute(tr, 'aria-rowindex', String(at + 2));
    setAttribute(tr, 'aria-selected', String(row.key === this.selected));
    setAttribute(tr, 'class', row.running ? row.scope : `${row.scope} gone`);
    setText(name, row.name);
    setText(note, row.containers > 1 ? ` ×${row.containers}` : row.scope === 'pod' ? ' pod' : row.running ? '' : ' ended');
    setAttribute(name, 'title', row.id ? `${row.name}\n${row.id}` : row.name);
    const past = this.model.past(row, this.measured(), SPARK.length);
    setAttribute(path, 'd', line(past, SPARK.width, SPARK.height, past.reduce((max, rate) => (rate > max ? rate : max), 0)));
    cells.forEach((cell, column) => {
      const rate = row.rates[column];
      setText(cell, short(rate));
      cell.classList.toggle('zero', !(rate > 0));
      cell.classList.toggle('measured', column === this.measured());
    });
  }

  /** Selects the next row, or another one further on. */
  move(steps) {
    const at = this.rows.findIndex((row) => row.key === this.selected);
    const to = Math.min(Math.max(at < 0 ? 0 : at + steps, 0), this.rows.length - 1);
    if (to < 0) return;
    const top = to * this.height;
    const room = this.scroll.clientHeight - this.head.offsetHeight;
    if (top < this.scroll.scrollTop) this.scroll.scrollTop = top;
    else if (top + this.height > this.scroll.scrollTop + room) this.scroll.scrollTop = top + this.height - room;
    this.choose(this.rows[to].key, false);
  }

  choose(key, opens) {
    if (key === undefined) return;
    this.selected = key;
    this.draw();
    setAttribute(byId('table'), 'aria-activedescendant', `row-${key}`);
    if (opens) this.open();
  }

  open() {
    const row = this.model.rows.get(this.selected);
    if (row) this.on.open(row);
  }
}
