import { Refusal } from '../kernel/errors.ts';
import type { Prepared } from './batch.ts';
import type { Receipt } from './records.ts';

/** An append that waits. */
export interface Waiting {
  readonly prepared: Prepared;
  /** Kept through trouble instead of being rejected. */
  readonly eventual: boolean;
  readonly resolve: (receipt: Receipt) => void;
  readonly reject: (error: Error) => void;
}

/** How much may wait; beyond it appends are refused, so that a hanging disk cannot fill the memory. */
export interface QueueBounds {
  readonly records: number;
  readonly bytes: number;
}

/** Records in the order in which they will be written. */
export class Queue {
  #waiting: Waiting[] = [];
  #size = 0;
  readonly #bounds: QueueBounds;

  constructor(bounds: QueueBounds) {
    this.#bounds = bounds;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** True when one more record of this size would break the bounds, of which such records may fill this share, from 0 to 1. */
  full(size: number, share: number): boolean {
    return this.#waiting.length >= this.#bounds.records * share || this.#size + size > this.#bounds.bytes * share;
  }

  push(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#size += waiting.prepared.size;
  }

  /** Removes the oldest ones, up to `limit` in size, at least one when there is any. */
  take(limit: number): Waiting[] {
    let count = 0;
    let size = 0;
    for (const { prepared } of this.#waiting) {
      if (count > 0 && size + prepared.size > limit) break;
      size += prepared.size;
      count++;
    }
    this.#size -= size;
    return this.#waiting.splice(0, count);
  }

  /** After a failure: eventual records stay, those of the failed batch first; everything else is handed back to be rejected. */
  split(failed: readonly Waiting[]): Waiting[] {
    const all = [...failed, ...this.#waiting];
    this.#waiting = all.filter((waiting) => waiting.eventual);
    this.#size = this.#waiting.reduce((sum, { prepared }) => sum + prepared.size, 0);
    return all.filter((waiting) => !waiting.eventual);
  }
}

/** What an append is refused with. `detail` is for the log and never reaches a caller. */
export function unavailable(detail: string): Refusal {
  return new Refusal('journal_unavailable', { detail, retryAfter: 2 });
}
