import type { Clock } from '../../kernel/clock.ts';

export interface BucketSize {
  /** What one holds. */
  readonly holds: number;
  /** How long a full one takes to run dry, milliseconds. */
  readonly dryMs: number;
  /** Buckets in all. Those that were used longest ago are forgotten for new ones; the newer half never is. */
  readonly most: number;
}

interface Bucket {
  readonly level: number;
  readonly at: number;
}

/** Leaky buckets by name: what happened of late, each time counting less the longer it is ago. Bounded in memory. */
export class Buckets {
  readonly #clock: Clock;
  readonly #size: BucketSize;
  /** Two generations, because to take out the oldest one by one costs more the more there are, and strangers make them. */
  #young = new Map<string, Bucket>();
  #old = new Map<string, Bucket>();

  constructor(clock: Clock, size: BucketSize) {
    this.#clock = clock;
    this.#size = size;
  }

  get count(): number {
    return this.#young.size + this.#old.size;
  }

  /** Room that is left in it. */
  room(name: string): number {
    return this.#size.holds - this.#level(name);
  }

  /** Seconds until there is room for one more; 0 when there is. */
  wait(name: string): number {
    const missing = 1 - this.room(name);
    if (missing <= 0) return 0;
    return Math.ceil((missing * this.#size.dryMs) / this.#size.holds / 1000);
  }

  /** Pours in, or takes out what is negative; never more than it holds, never less than nothing. */
  pour(name: string, amount: number): void {
    const level = Math.min(this.#size.holds, Math.max(0, this.#level(name) + amount));
    this.#old.delete(name);
    if (level === 0) return void this.#young.delete(name);
    this.#young.set(name, { level, at: this.#clock.monotonic() });
    if (this.#young.size * 2 < this.#size.most) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  #level(name: string): number {
    const bucket = this.#young.get(name) ?? this.#old.get(name);
    if (bucket === undefined) return 0;
    const { holds, dryMs } = this.#size;
    return Math.max(0, bucket.level - ((this.#clock.monotonic() - bucket.at) * holds) / dryMs);
  }
}
