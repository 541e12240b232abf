import { setImmediate as breathe } from 'node:timers/promises';
import type { Follower } from './follower.ts';

export interface FollowLoopOptions {
  readonly follower: Follower;
  /** Milliseconds between looks at the journal when nobody asks to be caught up. */
  readonly pollInterval: number;
  /** After every batch, and when trouble comes or goes. */
  readonly onProgress: (trouble: string | null) => void;
}

/** Pauses after failures, milliseconds: doubled up to this. */
const LONGEST_PAUSE = 5000;

/** Runs the follower for ever, batch by batch, letting requests in between. */
export class FollowLoop {
  readonly #options: FollowLoopOptions;
  #trouble: string | null = null;
  #pause = 0;
  #stopped = false;
  #wake: (() => void) | null = null;
  #woken = false;
  #passes: { resolve: () => void; reject: (error: Error) => void }[] = [];
  readonly #running: Promise<void>;

  constructor(options: FollowLoopOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Resolves when everything written before this call has been applied; rejects when following fails. */
  caughtUp(): Promise<void> {
    const pass = new Promise<void>((resolve, reject) => this.#passes.push({ resolve, reject }));
    this.#lookNow();
    return pass;
  }

  /** Resolves when no more batch will be applied. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#lookNow();
    await this.#running;
    this.#settle(new Error('the views are closing'));
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      await breathe();
      this.#woken = false;
      // Those who ask from here on may have seen records that this step does not: they wait for the next pass.
      const asked = this.#passes.length;
      if (this.#step(asked)) await this.#sleep();
    }
  }

  /** True when there is nothing to do for now. */
  #step(asked: number): boolean {
    const { follower, onProgress } = this.#options;
    try {
      const atEnd = follower.step();
      if (!atEnd || this.#trouble !== null) onProgress(null);
      this.#trouble = null;
      this.#pause = 0;
      if (atEnd) this.#settle(null, asked);
      return atEnd;
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      this.#trouble = failure.message;
      this.#pause = Math.min(LONGEST_PAUSE, Math.max(this.#pause * 2, this.#options.pollInterval));
      onProgress(failure.message);
      this.#settle(failure);
      return true;
    }
  }

  #settle(error: Error | null, count = this.#passes.length): void {
    for (const { resolve, reject } of this.#passes.splice(0, count)) {
      if (error === null) resolve();
      else reject(error);
    }
  }

  #lookNow(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async #sleep(): Promise<void> {
    if (this.#woken || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#pause || this.#options.pollInterval);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }
}
