import type { BudgetLine } from '../policy/model.ts';
import type { CallFacts } from './counters.ts';
import type { Counter, LineBook } from './line-book.ts';

/** What a call holds under one line. */
export interface Hold {
  readonly book: LineBook;
  readonly counter: Counter;
  amount: number;
  /** The line's limit for whom it counts the call, without grants. */
  readonly limit: number;
  /** What the line held when the call was admitted; what it would have held, where it came into force later. */
  readonly heldAtFirst: number;
  /** False where the line is for others only: it is counted, and neither refused nor shown. */
  readonly applies: boolean;
}

/** A call with a reservation. Money is micro-dollars. */
export interface Running {
  readonly id: string;
  readonly facts: CallFacts;
  readonly bound: number | null;
  /** What it was expected to cost when it was admitted. */
  readonly estimate: number;
  /** `estimate`, as extended: what is held under lines that hold by estimate. */
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
 * By how much calls cost more than was held for them when they were admitted, micro-dollars: how far budgets that hold by estimate can
 * be passed (P2). A call is admitted where everything spent and held fits under the limit. From then on spending grows beyond that only
 * by what the calls that run at this moment cost beyond their holds, those that have ended since included: their sum is counted for
 * every counter, and begins anew with the next call that fits. So nothing spent is ever more than the limit and `worst`.
 */
export class Overshoot {
  #now = 0;
  #worst = 0;

  /** Of the calls that run, as extended. */
  get now(): number {
    return this.#now;
  }

  /** The most there was for one counter, with what calls were charged in the end. */
  get worst(): number {
    return this.#worst;
  }

  /** All that is spent and held under this line fits, one more call included. */
  fitted({ counter, applies }: Hold): void {
    if (applies) counter.passed = 0;
  }

  /** A running call's hold grew from `before` to what it is now; its holds have grown with it. */
  extended(call: Running, before: number): void {
    this.#now += beyond(call, call.held) - beyond(call, before);
    for (const hold of call.holds) this.#look(hold);
  }

  /** A call ended and was charged this much. */
  settled(call: Running, micros: number): void {
    this.#now -= beyond(call, call.held);
    for (const hold of call.holds) {
      hold.counter.beyond -= hold.amount - hold.heldAtFirst;
      hold.counter.passed += Math.max(0, micros - hold.heldAtFirst);
      this.#look(hold);
    }
  }

  /** Of a line that is for others nobody asks whether a call fits. */
  #look({ counter, applies }: Hold): void {
    if (applies) this.#worst = Math.max(this.#worst, counter.beyond + counter.passed);
  }
}

function beyond({ admitted }: Running, micros: number): number {
  return admitted === null ? 0 : Math.max(0, micros - admitted);
}
