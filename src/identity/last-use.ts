/**
 * When each credential was last accepted, kept in memory because writing it on every call would put SQL on the path. The
 * caller saves it now and then: `const entries = lastUse.snapshot(); await store.saveLastUse(entries); lastUse.saved(entries)`.
 * A crash loses what was not saved yet; the journal still has the calls themselves.
 */
export class LastUse {
  readonly #unsaved = new Map<string, number>();

  /** `now` in milliseconds since the epoch. Call it for accepted credentials only: strangers must not fill the memory. */
  touch(credential: string, now: number): void {
    const before = this.#unsaved.get(credential);
    if (before === undefined || before < now) this.#unsaved.set(credential, now);
  }

  /** What was not saved yet, as [credential id, milliseconds]. */
  snapshot(): Array<readonly [string, number]> {
    return [...this.#unsaved];
  }

  /** Forgets entries that reached the store, unless a newer use came in between. */
  saved(entries: ReadonlyArray<readonly [string, number]>): void {
    for (const [credential, at] of entries) {
      if (this.#unsaved.get(credential) === at) this.#unsaved.delete(credential);
    }
  }
}
