import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The part of Node's histogram of delays that is used; nanoseconds. */
export interface DelayHistogram {
  readonly count: number;
  percentile(share: number): number;
  reset(): void;
}

/** How often the loop is looked at: its delays include this pause, which is taken off again. */
const RESOLUTION_MS = 10;
const RESOLUTION_NS = RESOLUTION_MS * 1e6;
/** Fewer looks say nothing about a hundredth of them: about a second's worth. */
const ENOUGH = 90;

/** How late the event loop runs: what everything that waits for it, every call and every chunk, has to wait in addition. */
export class LoopLag {
  readonly #delays: DelayHistogram;
  #last = 0;

  constructor(delays: DelayHistogram) {
    this.#delays = delays;
  }

  /** 99th percentile in seconds since it was asked before, but never of less than about a second: then it is what it was. */
  p99(): number {
    if (this.#delays.count < ENOUGH) return this.#last;
    this.#last = Math.max(0, this.#delays.percentile(99) - RESOLUTION_NS) / 1e9;
    this.#delays.reset();
    return this.#last;
  }
}

/** Watches the event loop of this thread until `stop`. It keeps no process alive. */
export function watchLoop(): { readonly lag: LoopLag; stop(): void } {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  return { lag: new LoopLag(delays), stop: () => void delays.disable() };
}
