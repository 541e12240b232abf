import type { BudgetLine } from '../policy/model.ts';
import type { CallFacts } from './counters.ts';
import type { Counter, LineBook } from './line-book.ts';

/** What a call holds under one line. */
export interface Hold {
  readonly book: LineBook;
  readonly counter: Counter;
  amount: number;
  /** False where the line is for others only: it is counted, and neither refused nor shown. */
  readonly applies: boolean;
}

/** A call with a reservation. Money is micro-dollars. */
export interface Running {
  readonly id: string;
  readonly facts: CallFacts;
  readonly bound: number | null;
  /** The estimate, as extended: what is held under lines that hold by estimate. */
  held: number;
  /** What the journal says is held: charged if a crash leaves the end unknown. */
  recorded: number;
  /** The least that any line held when it was admitted; null where none counted it. */
  readonly admitted: number | null;
  /** Sequence number of its outcome, where that is known before it is settled. */
  seq: number | null;
  holds: readonly Hold[];
}

/** What a line holds for a call. A strict one that came into force while it ran cannot hold more than is known. */
export function amountUnder({ hold }: Pick<BudgetLine, 'hold'>, call: Pick<Running, 'bound' | 'held'>): number {
  return hold === 'strict' ? (call.bound ?? call.held) : call.held;
}

/**
 * By how much calls cost more than was reserved when they were admitted, micro-dollars: how far budgets that hold by estimate can
 * be passed (P2).
 */
export class Overshoot {
  #now = 0;
  #worst = 0;

  /** Of the calls that run, as extended. */
  get now(): number {
    return this.#now;
  }

  /** The most there was at one time, with what calls were charged in the end. */
  get worst(): number {
    return this.#worst;
  }

  /** A running call's hold grew from `before` to what it is now. */
  extended(call: Running, before: number): void {
    this.#now += beyond(call, call.held) - beyond(call, before);
    this.#worst = Math.max(this.#worst, this.#now);
  }

  /** A call ended and was charged this much. */
  settled(call: Running, micros: number): void {
    this.#now -= beyond(call, call.held);
    this.#worst = Math.max(this.#worst, this.#now + beyond(call, micros));
  }
}

function beyond({ admitted }: Running, micros: number): number {
  return admitted === null ? 0 : Math.max(0, micros - admitted);
}
