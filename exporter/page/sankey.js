// The flow of system calls: from their classes through containers to their results.

import { byId, drawn, setText, short } from './dom.js';

const MOST = { classes: 9, containers: 9, results: 7 };
const NODE = 10;
const GAP = 9;
const OK = 'OK';

export class Sankey {
  /** `chosen` has the rows that the table shows. */
  constructor(model, chosen) {
    Object.assign(this, { model, chosen });
    this.place = byId('sankey');
    this.drawing = drawn('svg', { role: 'img' });
    this.place.append(this.drawing);
    new ResizeObserver(() => this.draw()).observe(this.place);
    for (const id of ['errors-only', 'with-host']) byId(id).addEventListener('change', () => this.draw());
  }

  draw() {
    const { state } = this.model;
    const width = this.place.clientWidth;
    if (!state || width === 0) return;
    const flows = this.flows(state);
    const total = flows.reduce((sum, flow) => sum + flow.rate, 0);
    this.explain(state, total);
    if (total === 0) return this.drawing.replaceChildren();
    const height = width < 520 ? 340 : 380;
    const columns = [
      { of: (flow) => flow.group, nodes: nodes(flows, (flow) => flow.group, MOST.classes, 'other classes') },
      { of: (flow) => flow.owner, nodes: nodes(flows, (flow) => flow.owner, MOST.containers, 'other containers') },
      { of: (flow) => flow.result, nodes: nodes(flows, (flow) => flow.result, MOST.results, 'other errors') },
    ];
    columns.forEach((column, at) => place(column.nodes, height, at === 0 ? 0 : at === 1 ? (width - NODE) / 2 : width - NODE, total));
    const ribbons = [...this.ribbons(flows, columns[0], columns[1], 0), ...this.ribbons(flows, columns[1], columns[2], 1)];
    const labels = columns.flatMap((column, at) => column.nodes.list.flatMap((node) => label(node, at, width)));
    this.drawing.setAttribute('width', width);
    this.drawing.setAttribute('height', height);
    this.drawing.setAttribute('aria-label', `System calls: ${columns.map(({ nodes: { list } }) => list.map((node) => `${node.name} ${short(node.rate)}`).join(', ')).join('; ')}`);
    this.drawing.replaceChildren(...ribbons, ...labels);
  }

  /** Every flow that there is now. */
  flows(state) {
    const [errorsOnly, withHost] = ['errors-only', 'with-host'].map((id) => byId(id).checked);
    const found = [];
    for (const row of this.chosen()) {
      if (row.scope === 'host' && !withHost) continue;
      for (const [key, { rate }] of row.flows) {
        const [group, result] = [state.classes[Math.floor(key / 4096)], state.errors[key % 4096]];
        if (rate > 0.05 && !(errorsOnly && result === OK)) found.push({ group, owner: row.name, result, rate });
      }
    }
    return found;
  }

  explain(state, total) {
    const probe = state.probes.find(({ name }) => name === 'syscall');
    const note = byId('flow-note');
    note.hidden = total > 0;
    if (probe?.state === 'up') setText(note, byId('errors-only').checked ? 'No system call fails.' : 'No system call returns yet.');
    else setText(note, `System calls are not counted${probe?.reason ? `: ${probe.reason}` : ''}. The setting \`probes.syscall: true\` counts them; it costs something for every system call of the machine.`);
  }

  *ribbons(flows, from, to, stage) {
    const links = new Map();
    for (const flow of flows) {
      const [source, target] = [from.nodes.of(from.of(flow)), to.nodes.of(to.of(flow))];
      const key = `${from.nodes.list.indexOf(source)} ${to.nodes.list.indexOf(target)}`;
      const link = links.get(key) ?? { source, target, rate: 0 };
      link.rate += flow.rate;
      links.set(key, link);
    }
    const sorted = [...links.values()].sort((a, b) => a.source.y - b.source.y || a.target.y - b.target.y);
    for (const { source, target, rate } of sorted) {
      const [thick, thin] = [(rate / source.rate) * source.height, (rate / target.rate) * target.height];
      const [x0, x1, y0, y1] = [source.x + NODE, target.x, source.y + source.out, target.y + target.in];
      source.out += thick;
      target.in += thin;
      const middle = (x0 + x1) / 2;
      const path = `M${x0} ${y0}C${middle} ${y0} ${middle} ${y1} ${x1} ${y1}V${y1 + thin}C${middle} ${y1 + thin} ${middle} ${y0 + thick} ${x0} ${y0 + thick}Z`;
      const color = stage === 0 ? `s${source.number % 8}` : target.name === OK ? 'ok' : 'bad';
      yield drawn('path', { class: `ribbon ${color}`, d: path }, drawn('title', {}, `${source.name} → ${target.name}: ${short(rate)} a second`));
    }
  }
}

/** The nodes of a column: the largest ones, and one for the others. */
function nodes(flows, name, most, others) {
  const rates = new Map();
  for (const flow of flows) rates.set(name(flow), (rates.get(name(flow)) ?? 0) + flow.rate);
  const sorted = [...rates].sort((a, b) => b[1] - a[1]);
  const kept = sorted.length > most ? sorted.slice(0, most - 1) : sorted;
  const list = kept.map(([named, rate], number) => ({ name: named, rate, number }));
  const rest = sorted.slice(kept.length);
  if (rest.length > 0) list.push({ name: `${rest.length} ${others}`, rate: rest.reduce((sum, [, rate]) => sum + rate, 0), number: list.length });
  const byName = new Map(list.map((node) => [node.name, node]));
  return { list, of: (named) => byName.get(named) ?? list[list.length - 1] };
}

function place({ list }, height, x, total) {
  const room = height - GAP * (list.length - 1) - 8;
  const least = 2;
  const spare = room - least * list.length;
  let y = 4;
  for (const node of list) {
    Object.assign(node, { x, y, height: least + (node.rate / total) * spare, in: 0, out: 0 });
    y += node.height + GAP;
  }
}

function label(node, column, width) {
  const rest = Math.max(8, Math.floor(width / (column === 1 ? 19 : 24)));
  const name = node.name.length > rest ? `${node.name.slice(0, rest - 1)}…` : node.name;
  const [x, anchor] = column === 2 ? [node.x - 6, 'end'] : [node.x + NODE + 6, 'start'];
  const color = column === 0 ? `s${node.number % 8}` : column === 1 ? 'owner' : node.name === OK ? 'ok' : 'bad';
  const rate = drawn('tspan', { class: 'rate', dx: '5' }, short(node.rate));
  return [
    drawn('rect', { class: `node ${color}`, x: node.x, y: node.y, width: NODE, height: node.height, rx: 2 }, drawn('title', {}, `${node.name}: ${short(node.rate)} a second`)),
    drawn('text', { class: 'label', x, y: node.y + node.height / 2 + 4, 'text-anchor': anchor }, name, rate),
  ];
}
