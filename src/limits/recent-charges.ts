import type { CallFacts } from './counters.ts';

/** What a call was charged. */
export interface Charge {
  readonly facts: CallFacts;
  /** Micro-dollars. */
  readonly micros: number;
}

interface Durable {
  readonly charge: Charge;
  readonly seq: number;
}

/** Charges that were dropped, before the list is copied without them. */
const SLACK = 64;

/** A call that costs a thousand bytes here ends a hundred thousand times before the views must have followed. */
const MOST = 100_000;

/**
 * Charges that views of the journal may not contain yet: the outcome is on its way to the disk, or durable and not read. A budget line
 * that is new starts from what the views say and these.
 */
export class RecentCharges {
  /** Sequence number not known yet, by call. */
  readonly #pending = new Map<string, Charge>();
  /** From `#first` on, in the order in which they became durable. */
  #durable: Durable[] = [];
  #first = 0;
  readonly #most: number;
  #forgotten: number;

  /** What was charged up to the record `since` was never here. */
  constructor(since: number, most = MOST) {
    this.#forgotten = since;
    this.#most = most;
  }

  /** Views that end before this journal record cannot be completed from here. */
  get forgotten(): number {
    return this.#forgotten;
  }

  add(id: string, charge: Charge): void {
    this.#pending.set(id, charge);
    if (this.#pending.size + this.#durable.length - this.#first > this.#most) this.#dropOldest();
  }

  /** Tells the sequence number of the call's outcome; returns the charge, once. */
  durable(id: string, seq: number): Charge | undefined {
    const charge = this.#pending.get(id);
    if (charge === undefined) return undefined;
    this.#pending.delete(id);
    this.#durable.push({ charge, seq });
    return charge;
  }

  /** The views contain every record up to this one. */
  seen(seq: number): void {
    // Whatever stands behind a later one is dropped with it.
    for (let next = this.#durable[this.#first]; next !== undefined && next.seq <= seq; ) {
      next = this.#dropFirst(next);
    }
  }

  /** The charges whose outcome is not known to be among the records up to `seq`. */
  *after(seq: number): Generator<Charge> {
    yield* this.#pending.values();
    for (const { charge, seq: at } of this.#durable.slice(this.#first)) if (at > seq) yield charge;
  }

  #dropOldest(): void {
    const oldest = this.#durable[this.#first];
    if (oldest !== undefined) {
      this.#dropFirst(oldest);
      return;
    }
    // Nothing is durable: the journal has stopped, and so will calls. Until a restart no view can be completed.
    for (const id of this.#pending.keys()) {
      this.#pending.delete(id);
      this.#forgotten = Number.POSITIVE_INFINITY;
      return;
    }
  }

  /** Returns what is first then. */
  #dropFirst({ seq }: Durable): Durable | undefined {
    this.#forgotten = Math.max(this.#forgotten, seq);
    this.#first++;
    if (this.#first >= SLACK && this.#first * 2 >= this.#durable.length) {
      this.#durable = this.#durable.slice(this.#first);
      this.#first = 0;
    }
    return this.#durable[this.#first];
  }
}
