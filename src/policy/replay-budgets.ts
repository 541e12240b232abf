import { firstDayOf } from '../kernel/days.ts';
import { counterOf, limitOf, modeOf } from './counted.ts';
import type { BudgetLine, CompiledPolicy, Mode, Period, Place, Scope, Subject } from './model.ts';

/** What one call of the past was charged, from its outcome record. */
export interface PastSpend {
  /** The caller with the teams that the candidate gives it. */
  readonly subject: Subject;
  readonly model: string | null;
  /** `YYYY-MM-DD`, as booked. */
  readonly day: string;
  /** When it ended, milliseconds since the epoch. */
  readonly at: number;
  /** Micro-dollars. */
  readonly micros: number;
}

/** One counter of a budget in one of its windows, which the past went over. */
export interface PassedBudget {
  readonly place: Place;
  readonly mode: Mode;
  readonly scope: Scope;
  /** Whose counter, see counterOf. */
  readonly counter: string;
  readonly period: Period;
  /** First day of the day, week or month; empty for a lifetime. */
  readonly window: string;
  /** Micro-dollars. */
  readonly limit: number;
  /** When it was first over the limit; of a limit of 0, its first call. */
  readonly at: number;
  /** All that was spent in the window, micro-dollars. */
  readonly spent: number;
  /** Calls that came when nothing was left: they would have been refused. */
  readonly late: number;
}

export interface BudgetReplayResult {
  /** The earliest first; at most 50. */
  readonly passed: readonly PassedBudget[];
  /** How many more there are. */
  readonly rest: number;
}

const SHOWN = 50;
const KEPT = 10_000;

interface Window {
  spent: number;
  late: number;
  passedAt: number | null;
}

/**
 * Which budgets of a candidate the past would have passed. Feed the outcomes in their order. Each budget stands alone: what one
 * of them would have refused is still counted in the others and in itself, so that the sums are those of the past.
 */
export class BudgetReplay {
  readonly #policy: CompiledPolicy;
  /** By budget and counter: the newest windows. */
  readonly #open = new Map<string, Map<string, Window>>();
  readonly #passed: { readonly window: Window; readonly found: Omit<PassedBudget, 'spent' | 'late'> }[] = [];
  #more = 0;

  constructor(policy: CompiledPolicy) {
    this.#policy = policy;
  }

  add(spend: PastSpend): void {
    for (const budget of this.#policy.budgets) {
      const counter = counterOf(budget, spend);
      if (counter !== null) this.#count(budget, counter, spend);
    }
  }

  #count(budget: BudgetLine, counter: string, spend: PastSpend): void {
    const start = budget.period === 'lifetime' ? '' : firstDayOf(spend.day, budget.period);
    const window = this.#window(`${budget.place.path} ${counter}`, start);
    const limit = limitOf(budget, spend);
    if (window.spent >= limit) window.late += 1;
    window.spent += spend.micros;
    if (window.passedAt !== null || (window.spent <= limit && limit > 0)) return;
    window.passedAt = spend.at;
    const { place, scope, period } = budget;
    const found = {
      place,
      mode: modeOf(this.#policy, budget),
      scope,
      counter,
      period,
      window: start,
      limit,
      at: spend.at,
    };
    if (this.#passed.length < KEPT) this.#passed.push({ window, found });
    else this.#more += 1;
  }

  /** Two windows of each counter are kept: a call that runs over midnight is booked on the day it was admitted. */
  #window(key: string, start: string): Window {
    const windows = this.#open.get(key) ?? new Map<string, Window>();
    this.#open.set(key, windows);
    const window = windows.get(start) ?? { spent: 0, late: 0, passedAt: null };
    windows.set(start, window);
    if (windows.size > 2) windows.delete([...windows.keys()].sort()[0] ?? '');
    return window;
  }

  result(): BudgetReplayResult {
    const sorted = this.#passed.toSorted((a, b) => a.found.at - b.found.at);
    const passed = sorted.slice(0, SHOWN).map(({ window: { spent, late }, found }) => ({ ...found, spent, late }));
    return { passed, rest: this.#passed.length - passed.length + this.#more };
  }
}
