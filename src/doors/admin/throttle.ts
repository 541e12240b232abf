import type { Clock } from '../../kernel/clock.ts';

/**
 * Counts wrong attempts in a sliding window, whoever makes them: the guarded secret is one for the whole installation, so
 * guessing from many addresses must not be faster than guessing from one.
 */
export class AttemptThrottle {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #windowMs: number;
  #failures: number[] = [];

  constructor(clock: Clock, options: { most: number; windowMs: number }) {
    this.#clock = clock;
    this.#most = options.most;
    this.#windowMs = options.windowMs;
  }

  /** Seconds until the next attempt is allowed; 0 when one is allowed now. */
  wait(): number {
    const now = this.#clock.monotonic();
    this.#failures = this.#failures.filter((at) => now - at < this.#windowMs);
    const oldest = this.#failures[0];
    if (this.#failures.length < this.#most || oldest === undefined) return 0;
    return Math.ceil((oldest + this.#windowMs - now) / 1000);
  }

  /**
   * Counts an attempt before its outcome is known, so that attempts running side by side cannot pass together.
   * Call the result when it was not a wrong one after all.
   */
  begin(): () => void {
    const at = this.#clock.monotonic();
    this.#failures.push(at);
    return () => {
      const index = this.#failures.indexOf(at);
      if (index >= 0) this.#failures.splice(index, 1);
    };
  }
}
