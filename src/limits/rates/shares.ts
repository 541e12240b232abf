/** Length of every window, milliseconds; also how long a refused caller counts as waiting. */
export const WINDOW_MS = 60_000;
/** Waiting callers remembered for one window: the longest silent is forgotten first, so that a crowd cannot fill the memory. */
const MOST_WAITING = 10_000;

/** What one caller has of a shared window, and whether it waits for more. */
export interface Share {
  readonly who: string;
  /** Booked in the last 60 seconds. */
  use: number;
  /** When it was last refused; counts while `waiting`. */
  refusedAt: number;
  waiting: boolean;
  /** Neighbours among the waiting, in order of `refusedAt`. */
  older: Share | null;
  newer: Share | null;
  /** Scratch of one forecast: which one, and the use it has reached. */
  forecast: number;
  ahead: number;
}

/**
 * The callers of a shared window: those with use in the last minute and those refused in the last minute. A linked list keeps
 * the waiting in order; a Map that is emptied at its front and filled at its back grows slow.
 */
export class Shares {
  readonly #all = new Map<string, Share>();
  #oldest: Share | null = null;
  #newest: Share | null = null;
  #waiting = 0;

  /** Callers that are active or waiting. */
  get count(): number {
    return this.#all.size;
  }

  get waiting(): number {
    return this.#waiting;
  }

  get oldest(): Share | null {
    return this.#oldest;
  }

  get newest(): Share | null {
    return this.#newest;
  }

  find(who: string): Share | null {
    return this.#all.get(who) ?? null;
  }

  /** The caller's share, made when it has none. */
  claim(who: string): Share {
    const found = this.#all.get(who);
    if (found !== undefined) return found;
    const share: Share = {
      who,
      use: 0,
      refusedAt: 0,
      waiting: false,
      older: null,
      newer: null,
      forecast: 0,
      ahead: 0,
    };
    this.#all.set(who, share);
    return share;
  }

  /** Books (or with a negative amount gives back) use; a share with nothing left is forgotten. */
  add(share: Share, amount: number): void {
    share.use += amount;
    this.#forget(share);
  }

  /** This caller was refused now and waits for a minute. */
  wait(who: string, now: number): void {
    const share = this.claim(who);
    this.#unlink(share);
    share.refusedAt = now;
    share.waiting = true;
    share.older = this.#newest;
    if (this.#newest === null) this.#oldest = share;
    else this.#newest.newer = share;
    this.#newest = share;
    this.#waiting++;
    if (this.#waiting > MOST_WAITING) this.#endOldest();
  }

  /** Those refused a minute ago wait no longer. */
  expire(now: number): void {
    while (this.#oldest !== null && this.#oldest.refusedAt + WINDOW_MS <= now) this.#endOldest();
  }

  #endOldest(): void {
    const share = this.#oldest;
    if (share === null) return;
    this.#unlink(share);
    this.#forget(share);
  }

  #unlink(share: Share): void {
    if (!share.waiting) return;
    if (share.older === null) this.#oldest = share.newer;
    else share.older.newer = share.newer;
    if (share.newer === null) this.#newest = share.older;
    else share.newer.older = share.older;
    share.older = null;
    share.newer = null;
    share.waiting = false;
    this.#waiting--;
  }

  #forget(share: Share): void {
    if (share.use === 0 && !share.waiting) this.#all.delete(share.who);
  }
}
