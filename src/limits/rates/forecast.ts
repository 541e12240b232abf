import { type Share, type Shares, WINDOW_MS } from './shares.ts';

/** What was booked at one moment, by one caller where the window is shared. */
export interface Bucket {
  at: number;
  amount: number;
  readonly share: Share | null;
}

/** A window as it stands: buckets in order of time from `head`, their sum, and who has them where it is shared. */
export interface WindowState {
  readonly log: readonly Bucket[];
  readonly head: number;
  readonly sum: number;
  readonly shares: Shares | null;
}

/** What is asked of a window: room for `amount` under `limit`, by `who` where the window is shared. `amount` is at most `limit`. */
export interface Ask {
  readonly who: string | null;
  readonly amount: number;
  readonly limit: number;
}

let forecasts = 0;

/**
 * Whether this ask passes at this time, when nothing happens until then.
 *
 * It passes when the window has room and, in a shared window, when the caller is not holding up others: while somebody who
 * was refused within a minute has less than an equal share, whoever has its share or more is refused. Otherwise the client
 * that retries fastest takes every place that becomes free.
 *
 * The state must not be pruned to a later time.
 */
export function passes(state: WindowState, ask: Ask, time: number): boolean {
  const ahead = new Ahead(state, ask);
  ahead.advance(time);
  return ahead.passes(time);
}

/**
 * The earliest time from `from` on at which this ask passes if nothing else happens; `from` itself when it passes then.
 * Costs one step for each bucket that must go before the ask passes.
 */
export function earliest(state: WindowState, ask: Ask, from: number): number {
  const ahead = new Ahead(state, ask);
  let time = from;
  ahead.advance(time);
  while (!ahead.passes(time)) {
    const next = ahead.next();
    if (next === null) return time;
    time = next;
    ahead.advance(time);
  }
  return time;
}

/** The window as it will be: buckets leave, callers stop waiting, nothing is added. */
class Ahead {
  readonly #id = ++forecasts;
  readonly #log: readonly Bucket[];
  readonly #shares: Shares | null;
  readonly #ask: Ask;
  readonly #own: Share | null;
  #head: number;
  #sum: number;
  /** First of the waiting whose minute is not over. */
  #waiting: Share | null;
  /** Callers, active or waiting. The one who asks counts until it has nothing left, and then it is below any share. */
  #callers: number;
  /** A waiting caller below its share. It stays below until its minute ends: its use only falls, and shares only grow. */
  #witness: Share | null = null;

  constructor(state: WindowState, ask: Ask) {
    this.#log = state.log;
    this.#head = state.head;
    this.#sum = state.sum;
    this.#ask = ask;
    this.#shares = ask.who === null ? null : state.shares;
    this.#own = ask.who === null ? null : (state.shares?.find(ask.who) ?? null);
    this.#waiting = this.#shares?.oldest ?? null;
    this.#callers = this.#shares?.count ?? 0;
  }

  advance(time: number): void {
    for (let share = this.#waiting; share !== null && over(share.refusedAt, time); share = share.newer) {
      if (this.#use(share) === 0) this.#callers--;
      this.#waiting = share.newer;
    }
    for (let bucket = this.#log[this.#head]; bucket !== undefined && over(bucket.at, time); ) {
      this.#sum -= bucket.amount;
      this.#drop(bucket, time);
      bucket = this.#log[++this.#head];
    }
  }

  /** When something changes next; null when nothing is left that could. */
  next(): number | null {
    const bucket = this.#log[this.#head]?.at ?? Number.POSITIVE_INFINITY;
    const waiting = this.#waiting?.refusedAt ?? Number.POSITIVE_INFINITY;
    const next = Math.min(bucket, waiting) + WINDOW_MS;
    return next === Number.POSITIVE_INFINITY ? null : next;
  }

  passes(time: number): boolean {
    return this.#sum + this.#ask.amount <= this.#ask.limit && !this.#holdsUpOthers(time);
  }

  #holdsUpOthers(time: number): boolean {
    if (this.#own === null || this.#below(this.#own)) return false;
    if (this.#witness === null || over(this.#witness.refusedAt, time)) this.#witness = this.#findWitness(time);
    return this.#witness !== null;
  }

  /** The one refused last is looked for first: it stays a witness longest. */
  #findWitness(time: number): Share | null {
    let share = this.#shares?.newest ?? null;
    while (share !== null && !over(share.refusedAt, time)) {
      if (this.#below(share)) return share;
      share = share.older;
    }
    return null;
  }

  /** Less than the limit divided by all callers that are active or waiting. */
  #below(share: Share): boolean {
    return this.#use(share) * this.#callers < this.#ask.limit;
  }

  #use(share: Share): number {
    return share.forecast === this.#id ? share.ahead : share.use;
  }

  #drop(bucket: Bucket, time: number): void {
    const { share, amount } = bucket;
    if (this.#shares === null || share === null || amount === 0) return;
    share.ahead = this.#use(share) - amount;
    share.forecast = this.#id;
    if (share.ahead === 0 && !(share.waiting && !over(share.refusedAt, time))) this.#callers--;
  }
}

/** True from exactly a minute after `at`. */
function over(at: number, time: number): boolean {
  return at + WINDOW_MS <= time;
}
