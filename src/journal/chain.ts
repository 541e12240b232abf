import { ZERO_HASH } from './line.ts';
import type { Json, RecordKind } from './records.ts';

/** What a record does to the journal's own bookkeeping. */
export interface Effect {
  /** The intent this record opens. */
  readonly opens: string | null;
  /** The intent this record closes. */
  readonly closes: string | null;
  /** The outbox number this change carries; 0 for none. */
  readonly outbox: number;
}

/**
 * Reads a record's effect.
 *
 * @throws TypeError for an outcome that names no intent
 */
export function effectOf(kind: RecordKind, id: string, body: { readonly [key: string]: Json }): Effect {
  const { intent, outbox } = body;
  if (kind === 'outcome' && typeof intent !== 'string') throw new TypeError('an outcome must name its intent');
  return {
    opens: kind === 'intent' ? id : null,
    closes: kind === 'outcome' && typeof intent === 'string' ? intent : null,
    outbox: kind === 'change' && typeof outbox === 'number' && Number.isSafeInteger(outbox) ? outbox : 0,
  };
}

/** Where the chain stands durably, plus what is on its way there. */
export class Chain {
  seq = 0;
  hash = ZERO_HASH;
  /** Highest outbox number recorded. */
  outbox = 0;
  readonly open = new Set<string>();
  readonly #opening = new Set<string>();
  readonly #closing = new Set<string>();

  /**
   * Takes a record's effect into account before it is durable, so that no intent can ever have two outcomes (P1).
   *
   * @throws TypeError for an intent that is open already, and for an outcome of one that is not durably open
   */
  admit({ opens, closes }: Effect): void {
    if (opens !== null && (this.open.has(opens) || this.#opening.has(opens))) {
      throw new TypeError(`intent ${opens} is open already`);
    }
    if (closes !== null && (!this.open.has(closes) || this.#closing.has(closes))) {
      throw new TypeError(`intent ${closes} is not open: it has an outcome already, or was never recorded`);
    }
    if (opens !== null) this.#opening.add(opens);
    if (closes !== null) this.#closing.add(closes);
  }

  /** Takes back `admit` for a record that was rejected. */
  release({ opens, closes }: Effect): void {
    if (opens !== null) this.#opening.delete(opens);
    if (closes !== null) this.#closing.delete(closes);
  }

  /** The record is durable: the chain ends with it. */
  advance(effect: Effect, seq: number, hash: string): void {
    this.release(effect);
    if (effect.opens !== null) this.open.add(effect.opens);
    if (effect.closes !== null) this.open.delete(effect.closes);
    this.outbox = Math.max(this.outbox, effect.outbox);
    this.seq = seq;
    this.hash = hash;
  }
}
