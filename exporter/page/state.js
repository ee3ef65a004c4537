// What the exporter says, again and again, and the rates that follow from it.

/** How many rates are kept of each row: two minutes. */
export const HISTORY = 120;
const INTERVAL = 1000;
/** So much of the last rate of a flow is in the next one. */
const INERTIA = 0.7;

/**
 * A row: what the exporter says of it, and `rates` of its columns, the first of which is all events. `history` has them of the
 * last refreshes, of one column after the other, in a ring; `flows` has rates of system calls by class and result.
 * @typedef {{key: string, name: string, scope: string, running: boolean, counts: number[], rates: Float64Array,
 *   history: Float32Array, flows: Map<number, {count: number, rate: number}>}} Row
 */

export class Model {
  constructor() {
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    this.head = 0;
    this.taken = NaN;
    this.state = null;
    /** Rates of the whole machine, as a row has them. */
    this.sum = null;
  }

  /** What comes next is no continuation: the exporter may be another one. */
  forget() {
    this.taken = NaN;
    for (const row of this.rows.values()) row.counts = null;
  }

  /** Takes in what the exporter says. Tells whether it is news. */
  add(state) {
    if (state.taken === this.taken) return false;
    const columns = state.columns.length + 1;
    if (this.state?.columns.length !== state.columns.length) this.begin(columns);
    const seconds = state.taken - this.taken;
    this.head = (this.head + 1) % HISTORY;
    this.sum.rates.fill(Number.isNaN(seconds) ? NaN : 0);
    for (const told of state.rows) {
      const row = this.row(told, columns, seconds);
      for (let column = 0; column < columns; column += 1) {
        // A row that was gone and is there again begins anew.
        const before = row.counts?.[column] ?? 0;
        const more = told.counts[column] >= before ? told.counts[column] - before : told.counts[column];
        row.rates[column] = row.counts || !Number.isNaN(this.taken) ? more / seconds : NaN;
        row.history[column * HISTORY + this.head] = row.rates[column];
        this.sum.rates[column] += row.rates[column];
      }
      this.flow(row, told.calls ?? [], seconds);
      Object.assign(row, told);
    }
    for (let column = 0; column < columns; column += 1) {
      this.sum.history[column * HISTORY + this.head] = this.sum.rates[column];
    }
    this.drop(state);
    this.state = state;
    this.taken = state.taken;
    return true;
  }

  begin(columns) {
    this.rows.clear();
    this.sum = { rates: new Float64Array(columns).fill(NaN), history: new Float32Array(columns * HISTORY).fill(NaN) };
  }

  row(told, columns) {
    let row = this.rows.get(told.key);
    if (!row) {
      const history = new Float32Array(columns * HISTORY).fill(NaN);
      row = { counts: null, rates: new Float64Array(columns), history, flows: new Map() };
      this.rows.set(told.key, row);
    }
    return row;
  }

  flow(row, calls, seconds) {
    for (const [group, error, count] of calls) {
      const key = group * 4096 + error;
      const flow = row.flows.get(key);
      if (!flow) {
        row.flows.set(key, { count, rate: row.counts ? count / seconds : 0 });
      } else {
        const rate = row.counts && count >= flow.count ? (count - flow.count) / seconds : 0;
        flow.rate = flow.rate * INERTIA + rate * (1 - INERTIA);
        flow.count = count;
      }
    }
  }

  drop(state) {
    if (this.rows.size === state.rows.length) return;
    const there = new Set(state.rows.map((row) => row.key));
    for (const key of this.rows.keys()) if (!there.has(key)) this.rows.delete(key);
  }

  /** The history of a row's column, the latest rate at the end. */
  past(row, column, length = HISTORY) {
    const from = column * HISTORY;
    return Array.from({ length }, (_, at) => row.history[from + ((this.head + 1 + HISTORY - length + at) % HISTORY)]);
  }
}

/** Asks again and again, while the page is seen and not paused. */
export class Poll {
  /** @param {(state: object, arrived: number) => void} onState @param {(problem: string) => void} onProblem */
  constructor(onState, onProblem) {
    Object.assign(this, { onState, onProblem, paused: false, timer: 0, asking: false });
    document.addEventListener('visibilitychange', () => this.soon());
  }

  pause(paused) {
    this.paused = paused;
    this.soon();
  }

  soon() {
    clearTimeout(this.timer);
    if (!this.paused && !document.hidden && !this.asking) this.ask();
  }

  async ask() {
    this.asking = true;
    const begun = performance.now();
    try {
      const answer = await fetch('/-/page/state', { signal: AbortSignal.timeout(10000) });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail);
      this.onState(body, performance.now());
    } catch (error) {
      this.onProblem(error.message);
    }
    this.asking = false;
    if (!this.paused) this.timer = setTimeout(() => this.soon(), Math.max(50, INTERVAL - (performance.now() - begun)));
  }
}
