import { counterOf, modeOf } from './counted.ts';
import type { CompiledPolicy, Mode, RateLine } from './model.ts';
import type { PastCall } from './replay-tally.ts';
import { type Top, TopGroups } from './top-groups.ts';

/** Calls in any 60 seconds that one counter of a rate had too many of. */
export interface RateGroup {
  readonly rule: string;
  readonly text: string;
  readonly mode: Mode;
  readonly measure: 'requests' | 'countTokens';
  /** Most in any 60 seconds. */
  readonly limit: number;
  /** Whose counter, see counterOf. */
  readonly counter: string;
}

export interface RateReplayResult {
  /** Calls that would have been refused; one that two rates refuse counts for both. */
  readonly over: Top<RateGroup>;
}

const MINUTE = 60_000;

/**
 * Which calls of the past the rates of a candidate would have refused: requests and token counts in any 60 seconds. Feed the
 * calls in their order. What is refused does not fill the window, as at the gateway.
 */
export class RateReplay {
  readonly #policy: CompiledPolicy;
  readonly #windows = new Map<string, SlidingMinute>();
  readonly #over = new TopGroups<RateGroup>();
  #sweep = 0;

  constructor(policy: CompiledPolicy) {
    this.#policy = policy;
  }

  add(call: PastCall): void {
    const measure = MEASURES[call.action];
    if (measure === null) return;
    this.#forget(call.at);
    for (const line of this.#policy.rates) {
      const limit = line[measure];
      const counter = limit === null ? null : counterOf(line, call);
      if (limit !== null && counter !== null) this.#count({ line, measure, limit, counter }, call.at);
    }
  }

  result(): RateReplayResult {
    return { over: this.#over.top() };
  }

  #count({ line, measure, limit, counter }: Counting, at: number): void {
    const key = `${line.place.path} ${measure} ${counter}`;
    const window = this.#windows.get(key) ?? new SlidingMinute();
    this.#windows.set(key, window);
    if (window.countAt(at) < limit) window.push(at);
    else {
      const { path, text } = line.place;
      this.#over.add(key, { rule: path, text, mode: modeOf(this.#policy, line), measure, limit, counter }, at);
    }
  }

  /** Once a minute of the past, counters that stand empty are dropped: memory follows who is active, not who ever was. */
  #forget(now: number): void {
    if (now - this.#sweep < MINUTE) return;
    this.#sweep = now;
    for (const [key, window] of this.#windows) if (window.countAt(now) === 0) this.#windows.delete(key);
  }
}

/** Times of the last 60 seconds, oldest first. */
class SlidingMinute {
  #times: number[] = [];
  #head = 0;

  countAt(now: number): number {
    while ((this.#times[this.#head] ?? Infinity) <= now - MINUTE) this.#head += 1;
    // Cut off only when half of it is old, so that a busy counter costs no copy for each call.
    if (this.#head * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#head);
      this.#head = 0;
    }
    return this.#times.length - this.#head;
  }

  push(at: number): void {
    this.#times.push(at);
  }
}

/** What a call counts as; asking for one's own usage counts as nothing. */
const MEASURES = {
  'model.call': 'requests',
  'model.count': 'countTokens',
  'model.list': 'countTokens',
  'usage.own': null,
} as const;

interface Counting {
  readonly line: RateLine;
  readonly measure: 'requests' | 'countTokens';
  readonly limit: number;
  readonly counter: string;
}
