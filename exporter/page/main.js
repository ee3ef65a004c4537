// Puts the parts of the page together: what comes from the exporter goes to each of them, and keys to where they belong.

import { Chart } from './chart.js';
import { Detail } from './detail.js';
import { byId, setText } from './dom.js';
import { Events } from './events.js';
import { Tiles, health } from './health.js';
import { Sankey } from './sankey.js';
import { Model, Poll } from './state.js';
import { Table } from './table.js';

const model = new Model();
const events = new Events();
const detail = new Detail(model, (rule) => {
  events.watch(rule);
  byId('log').scrollIntoView({ block: 'center' });
});
const chosen = () => table.rows;
const table = new Table(model, { open: (row) => detail.open(row), changed: drawCharts });
const chart = new Chart(model, chosen, (row) => detail.open(row));
const sankey = new Sankey(model, chosen);
const tiles = new Tiles(model);
const poll = new Poll(show, trouble);

function drawCharts() {
  chart.show(table.measured(), table.columns[table.measured()].title);
  sankey.draw();
}

/** Shows what has arrived, and leaves a measure `refresh` from then to when it has been drawn. */
function show(state, arrived) {
  say('live');
  const isFirst = model.state?.columns.length !== state.columns.length;
  if (!model.add(state)) return;
  if (isFirst) {
    table.begin(state.columns);
    tiles.begin(state.columns);
  }
  setText(byId('host'), state.host);
  document.title = `${state.host} · doubleslit`;
  events.allow(state.events);
  tiles.draw();
  table.refresh();
  drawCharts();
  health(state);
  detail.refresh();
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      performance.clearMeasures('refresh');
      performance.measure('refresh', { start: arrived, end: performance.now(), detail: { rows: model.rows.size } });
    };
    port2.postMessage(0);
  });
}

function trouble(problem) {
  // Who answers next may have begun to count anew.
  model.forget();
  say('reconnecting', problem);
}

function say(word, title = '') {
  const status = byId('status');
  const shown = poll?.paused ? 'paused' : word;
  setText(status, shown);
  status.className = `status ${shown}`;
  status.title = title;
}

function pause() {
  const paused = !poll.paused;
  setText(byId('pause'), paused ? 'Go on' : 'Pause');
  byId('pause').setAttribute('aria-pressed', String(paused));
  events.pause(paused);
  poll.pause(paused);
  say(paused ? 'paused' : 'live');
}

const THEME = 'theme';
const prefersLight = matchMedia('(prefers-color-scheme: light)');

function theme(chosen) {
  const shown = chosen ?? (prefersLight.matches ? 'light' : 'dark');
  document.documentElement.dataset.theme = shown;
  byId('theme').textContent = shown === 'dark' ? 'Light' : 'Dark';
}

function switchTheme() {
  const other = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem(THEME, other);
  theme(other);
}

function focus(id) {
  byId(id).focus();
  byId(id).select?.();
}

function move(steps) {
  byId('scroll').focus({ preventScroll: true });
  table.move(steps);
}

const KEYS = {
  '/': () => focus('filter'),
  e: () => focus('select'),
  j: () => move(1),
  ArrowDown: () => move(1),
  k: () => move(-1),
  ArrowUp: () => move(-1),
  s: () => table.sortByNext(),
  r: () => table.sort(table.column, !table.reversed),
  p: pause,
  t: switchTheme,
  '?': () => byId('help').showModal(),
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return;
  const isTyping = event.target.matches('input[type=search], input:not([type])');
  const { id } = event.target;
  if (isTyping) {
    if (event.key === 'Escape' && id === 'filter') {
      byId('filter').value = '';
      table.filter('');
      byId('scroll').focus();
    } else if (id === 'filter' && (event.key === 'ArrowDown' || event.key === 'Enter')) {
      event.preventDefault();
      move(0);
    }
    return;
  }
  // Arrows scroll what has the focus, unless it is the table.
  if (event.key.startsWith('Arrow') && id !== 'scroll' && event.target !== document.body) return;
  const act = KEYS[event.key];
  if (act && (table.columns || event.key === '?')) {
    event.preventDefault();
    act();
  }
});

byId('filter').addEventListener('input', () => table.filter(byId('filter').value));
byId('pause').addEventListener('click', pause);
byId('theme').addEventListener('click', switchTheme);
byId('keys').addEventListener('click', () => byId('help').showModal());
byId('help-close').addEventListener('click', () => byId('help').close());
prefersLight.addEventListener('change', () => theme(localStorage.getItem(THEME)));
theme(localStorage.getItem(THEME));
poll.soon();
