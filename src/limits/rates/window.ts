import { type Ask, type Bucket, earliest, passes, type WindowState } from './forecast.ts';
import { Shares, WINDOW_MS } from './shares.ts';

/** Buckets that were given back or have left, before the log is copied without them. */
const SLACK = 64;

/**
 * What was booked in the last 60 seconds, exactly: a log, not a bucket that refills, so that no minute ever holds more than
 * the limit. What is booked within one millisecond by one caller is one entry, and counts from its latest booking.
 */
export class Window {
  #log: Bucket[] = [];
  #head = 0;
  /** Buckets in the log that hold nothing any more. */
  #empty = 0;
  #sum = 0;
  #shares: Shares | null = null;

  /** Buckets held. */
  get size(): number {
    return this.#log.length - this.#head;
  }

  /** Callers of a shared window that are active or waiting. */
  get callers(): number {
    return this.#shares?.count ?? 0;
  }

  passes(ask: Ask, now: number): boolean {
    this.#prune(now);
    return passes(this.#state, ask, now);
  }

  /** When this ask passes, from a time on that may not have come yet; see `earliest`. */
  earliest(ask: Ask, from: number): number {
    return earliest(this.#state, ask, from);
  }

  /** Books an amount at this time, whatever the limit. `who` is given where callers share the window. */
  book(amount: number, who: string | null, now: number): Bucket {
    this.#prune(now);
    const share = who === null ? null : this.#sharing().claim(who);
    if (share !== null) this.#shares?.add(share, amount);
    this.#sum += amount;
    const last = this.size === 0 ? undefined : this.#log[this.#log.length - 1];
    if (last !== undefined && last.share === share && Math.floor(last.at) === Math.floor(now)) {
      if (last.amount === 0) this.#empty--;
      last.at = now;
      last.amount += amount;
      return last;
    }
    const bucket = { at: now, amount, share };
    this.#log.push(bucket);
    return bucket;
  }

  /**
   * Changes what was booked in this bucket, at the bucket's own time. Does nothing once that is a minute ago.
   * `change` gives back at most what the same call had booked.
   */
  adjust(bucket: Bucket, change: number, now: number): void {
    this.#prune(now);
    if (bucket.at + WINDOW_MS <= now) return;
    this.#sum += change;
    bucket.amount += change;
    if (bucket.share !== null) this.#shares?.add(bucket.share, change);
    if (bucket.amount === 0) {
      this.#empty++;
      this.#compact();
    }
  }

  /** This caller was refused for want of room: it waits for a minute. */
  refuse(who: string, now: number): void {
    this.#prune(now);
    this.#sharing().wait(who, now);
  }

  /** True when the last minute left nothing here. */
  idle(now: number): boolean {
    this.#prune(now);
    return this.size === 0 && this.callers === 0;
  }

  get #state(): WindowState {
    return { log: this.#log, head: this.#head, sum: this.#sum, shares: this.#shares };
  }

  #sharing(): Shares {
    this.#shares ??= new Shares();
    return this.#shares;
  }

  #prune(now: number): void {
    this.#shares?.expire(now);
    for (let bucket = this.#log[this.#head]; bucket !== undefined && bucket.at + WINDOW_MS <= now; ) {
      this.#sum -= bucket.amount;
      if (bucket.amount === 0) this.#empty--;
      else if (bucket.share !== null) this.#shares?.add(bucket.share, -bucket.amount);
      bucket = this.#log[++this.#head];
    }
    if (this.#head === this.#log.length) {
      this.#log = [];
      this.#head = 0;
    }
    this.#compact();
  }

  /** Keeps the log within twice what it must hold: calls that a later gate refuses leave empty buckets in its middle. */
  #compact(): void {
    const waste = this.#head + this.#empty;
    if (waste <= SLACK || waste * 2 <= this.#log.length) return;
    const live = this.#log.slice(this.#head);
    this.#log = this.#empty === 0 ? live : live.filter((bucket) => bucket.amount !== 0);
    this.#head = 0;
    this.#empty = 0;
  }
}
