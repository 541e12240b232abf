/** What is asked of the ledger of budgets and what it answers. Money is micro-dollars, whole numbers. */
import type { BudgetLine, Observation, Place } from '../policy/model.ts';
import type { CallFacts, Matches } from './counters.ts';
import type { Counter } from './line-book.ts';

/** Extra money on top of a budget now: the sum of the grants for this line's scope and subject. */
export type Grants = (line: BudgetLine, subject: string) => number;

/** Somebody has spent this fraction of a budget. */
export interface Warning {
  readonly line: BudgetLine;
  readonly subject: string;
  /** One of `line.warn`. */
  readonly mark: number;
  readonly period: string;
}

export interface LedgerOptions {
  readonly matches: Matches;
  /**
   * The journal's last record before this process takes calls, those of its recovery included: what was charged up to there is known from
   * the views alone, so lines cannot start from views that have not followed that far.
   */
  readonly since: number;
  /** Hears of every mark once per counter, after the charge that passed it is booked. */
  readonly onWarn?: (warning: Warning) => void;
  /** Charges kept until the views contain them. Default 100,000. */
  readonly mostRecent?: number;
}

/** A call that wants to run. */
export interface Demand {
  /** Names the call, for example by its intent's record id; never used twice. */
  readonly id: string;
  readonly facts: CallFacts;
  /** The most it can cost; null when nothing bounds it. */
  readonly bound: number | null;
  readonly estimate: number;
}

export interface Reserved {
  readonly refused: false;
  /** What the intent must record: the bound where a strict line counts it, else the estimate, also where no line does. */
  readonly micros: number;
  /** What lines that hold by estimate hold: the estimate, never more than the bound. Extended while it runs. */
  readonly held: number;
  /** A strict line counts it, so `micros` is its bound. */
  readonly strict: boolean;
  /** Lines that only observe and would have refused it. */
  readonly observed: readonly Observation[];
}

export interface Refused {
  readonly refused: true;
  /**
   * `spent`: nothing is left, or the limit is 0. `unbounded`: the line is strict and nothing bounds the call. `no_room`: what is left is
   * less than this call needs.
   */
  readonly kind: 'spent' | 'unbounded' | 'no_room';
  /** Of `no_room`: it would fit if the calls that run cost nothing, so waiting can help. */
  readonly fitsLater: boolean;
  /** What the call needs under this line; null where unbounded. */
  readonly amount: number | null;
  readonly at: Position;
}

/** Where one counter stands. */
export interface Position {
  readonly line: BudgetLine;
  readonly place: Place;
  readonly subject: string;
  readonly period: string;
  readonly spent: number;
  readonly reserved: number;
  readonly limit: number;
  readonly extra: number;
}

/** Spending that the views found in the journal. */
export interface Loaded {
  /** The last journal record it contains. */
  readonly seq: number;
  /**
   * By line id: sums of outcomes by chargedSubject and periodOf the booked day, whatever `only` says. An entry for every new line,
   * empty where nothing was spent.
   */
  readonly spent: ReadonlyMap<string, readonly LoadedSum[]>;
}

export interface LoadedSum {
  readonly subject: string;
  readonly period: string;
  readonly micros: number;
}

/** A running call under lines that came into force meanwhile: more is held than its intent says. */
export interface Raised {
  readonly id: string;
  /** What is held now, for an `extension` record. */
  readonly micros: number;
}

/** New lines cannot start from views that are too far behind. Loading again, once they have followed, helps. */
export class LedgerBehind extends Error {
  constructor(seq: number, needed: number) {
    super(`the spending of new budgets was loaded up to record ${seq}, and is needed up to ${needed}`);
    this.name = 'LedgerBehind';
  }
}

/** What is left of an amount that cannot be negative, fractional or too large to add exactly. */
export function wholeMicros(micros: number): number {
  if (!Number.isSafeInteger(micros) || micros < 0) throw new RangeError('micro-dollars are whole and not negative');
  return micros;
}

/** Whether this much more fits under the limit. A limit of 0 blocks also what costs nothing. */
export function fits(counter: Pick<Counter, 'spent' | 'reserved'>, amount: number, cap: number): boolean {
  return cap > 0 && counter.spent + counter.reserved + amount <= cap;
}
