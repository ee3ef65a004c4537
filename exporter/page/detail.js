// All that is known of one container, and all that was counted of it.

import { age, byId, element, setText, short, whole } from './dom.js';

export class Detail {
  constructor(model, watch) {
    this.model = model;
    this.dialog = byId('detail');
    this.dialog.addEventListener('close', () => { this.key = undefined; });
    byId('detail-close').addEventListener('click', () => this.dialog.close());
    byId('detail-events').addEventListener('click', () => {
      const { scope, id, container } = this.model.rows.get(this.key) ?? {};
      this.dialog.close();
      if (scope) watch(id ? `container_id=${id}` : `container=${container ?? ''}`);
    });
  }

  open(row) {
    this.key = row.key;
    this.last = undefined;
    byId('detail-counts').replaceChildren();
    this.facts(row);
    if (!this.dialog.open) this.dialog.showModal();
    this.refresh();
  }

  /** Asks for its counts, if it is open. */
  async refresh() {
    const { key } = this;
    if (key === undefined || this.asking) return;
    this.asking = true;
    try {
      const answer = await fetch(`/-/page/counts?key=${encodeURIComponent(key)}`);
      const body = await answer.json();
      if (key !== this.key) return;
      if (!answer.ok) byId('detail-counts').replaceChildren(element('p', { class: 'note' }, body.detail));
      else if (body.taken !== this.last?.taken) this.show(body);
    } catch {
      // The page says already that nobody answers.
    } finally {
      this.asking = false;
    }
  }

  facts(row) {
    setText(byId('detail-title'), row.name);
    const now = this.model.state.time;
    const facts = [
      ['id', row.id], ['image', row.image], ['runtime', row.runtime], ['namespace', row.namespace], ['pod', row.pod],
      ['started', row.started && `${age(now - row.started)} ago`], ['state', row.running ? 'running' : 'ended'],
    ];
    const shown = facts.filter(([, value]) => value).map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)));
    byId('detail-facts').replaceChildren(...shown);
  }

  show(body) {
    const seconds = body.taken - (this.last?.taken ?? NaN);
    const before = new Map();
    for (const { name, rows } of this.last?.families ?? []) {
      for (const [labels, count] of rows) before.set(`${name} ${labels.join(' ')}`, count);
    }
    const rate = (name, labels, count) => (count - (before.get(`${name} ${labels.join(' ')}`) ?? 0)) / seconds;
    const families = body.families.map(({ name, help, rows }) => {
      const counted = rows.filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
      if (counted.length === 0) return '';
      const lines = counted.map(([labels, count]) => element('tr', {},
        element('th', { scope: 'row' }, labels.filter(Boolean).join(' ') || 'all'),
        element('td', { class: 'number' }, whole(count)),
        element('td', { class: 'number dim' }, `${short(rate(name, labels, count))}/s`)));
      return element('table', {}, element('caption', { title: name }, help), element('tbody', {}, ...lines));
    });
    byId('detail-counts').replaceChildren(...families);
    this.last = body;
  }
}
