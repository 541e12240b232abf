import type { BudgetLine } from '../policy/model.ts';

/** Money of one subject in one period under one line, micro-dollars. */
export interface Counter {
  readonly subject: string;
  readonly period: string;
  spent: number;
  /** Held by calls that run. */
  reserved: number;
  /** How many calls hold it, those that hold nothing included. */
  open: number;
  /** See Overshoot: of the calls that run. */
  beyond: number;
  /** See Overshoot: of those that ended since the line last had room for one more. */
  passed: number;
  /** Warning marks people were told of; null where they passed before this process could know (loaded spending). */
  told: readonly number[] | null;
}

/**
 * Periods of a line whose counters are kept although nothing runs in them, the most recently used. More than the running one, so
 * that a clock set forward by mistake and back again finds what was spent.
 */
const PERIODS_KEPT = 3;

const NONE: readonly number[] = [];

/** The counters of one budget line in force. */
export class LineBook {
  line: BudgetLine;
  /** Spending of outcomes up to this journal record was loaded, not counted here. */
  readonly loadedSeq: number;
  /** By period, the least recently used first, then by subject. */
  readonly #periods = new Map<string, Map<string, Counter>>();
  #newest: string | null = null;

  constructor(line: BudgetLine, loadedSeq: number) {
    this.line = line;
    this.loadedSeq = loadedSeq;
  }

  find(subject: string, period: string): Counter | undefined {
    return this.#periods.get(period)?.get(subject);
  }

  /** The counter, made where there is none. */
  counter(subject: string, period: string): Counter {
    const counters = this.#touch(period);
    let counter = counters.get(subject);
    if (counter === undefined) {
      counter = { subject, period, spent: 0, reserved: 0, open: 0, beyond: 0, passed: 0, told: NONE };
      counters.set(subject, counter);
    }
    return counter;
  }

  /** Adds spending of before: its marks are not told again. */
  load(subject: string, period: string, micros: number): void {
    if (micros === 0) return;
    const counter = this.counter(subject, period);
    counter.spent += micros;
    counter.told = null;
  }

  /** Forgets a counter that says nothing: names of models that were only tried would fill the memory. */
  dropEmpty({ subject, period, spent, open }: Counter): void {
    if (spent === 0 && open === 0) this.#periods.get(period)?.delete(subject);
  }

  *counters(): Generator<Counter> {
    for (const counters of this.#periods.values()) yield* counters.values();
  }

  /** The same spending under another line of the same id. */
  copyFor(line: BudgetLine): LineBook {
    const copy = new LineBook(line, this.loadedSeq);
    for (const { subject, period, spent } of this.counters()) copy.load(subject, period, spent);
    return copy;
  }

  #touch(period: string): Map<string, Counter> {
    const existing = this.#periods.get(period);
    if (existing !== undefined && this.#newest === period) return existing;
    const counters = existing ?? new Map<string, Counter>();
    this.#periods.delete(period);
    this.#periods.set(period, counters);
    this.#newest = period;
    if (existing === undefined) this.#prune();
    return counters;
  }

  #prune(): void {
    for (const period of [...this.#periods.keys()].slice(0, -PERIODS_KEPT)) {
      const counters = this.#periods.get(period);
      if (counters === undefined) continue;
      for (const { subject, open } of counters.values()) if (open === 0) counters.delete(subject);
      if (counters.size === 0) this.#periods.delete(period);
    }
  }
}
