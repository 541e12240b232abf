/** Refusals recorded one by one for one caller in a window. A person at work causes a handful. */
const MOST = 100;
const WINDOW_MS = 60_000;

/**
 * How many refusals of one caller get a record of their own. Whoever still holds a revoked key could otherwise fill the disk
 * and the queue of the journal, and with them stop everybody's calls (P1, P9): a thousand bytes for every request they send.
 * What is over the quota is counted with the strangers.
 */
export class RefusalQuota {
  /** One entry for each owner in the directory at most. */
  readonly #windows = new Map<string, { since: number; count: number }>();

  /** True while `owner` has records left; takes one. `now` is monotonic, in milliseconds. */
  take(owner: string, now: number): boolean {
    const window = this.#windows.get(owner);
    if (window === undefined || now - window.since >= WINDOW_MS) {
      this.#windows.set(owner, { since: now, count: 1 });
      return true;
    }
    window.count++;
    return window.count <= MOST;
  }
}
