import type { StrangersBody } from '../journal/bodies.ts';
import type { Journal } from '../journal/records.ts';
import type { Clock } from '../kernel/clock.ts';
import { safeText } from '../kernel/redact.ts';

const MAX_SAMPLES = 10;

/**
 * Callers nobody knows are counted and sampled, never recorded one by one: a flood of them costs one record a minute and cannot
 * fill the disk (P1). So are refusals of a known caller over its quota.
 */
export class Strangers {
  readonly #journal: Journal;
  readonly #clock: Clock;
  #since: number;
  #counts = new Map<string, number>();
  #samples: StrangersBody['samples'][number][] = [];

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    this.#since = clock.now();
  }

  count(code: string, peer: string, userAgent: string | null): void {
    const seen = this.#counts.get(code) ?? 0;
    this.#counts.set(code, seen + 1);
    if (seen === 0 && this.#samples.length < MAX_SAMPLES) {
      this.#samples.push({ code, peer, user_agent: userAgent === null ? null : safeText(userAgent, 200) });
    }
  }

  /** Writes what was counted since the last time, if anything. A failing journal keeps the counts for the next time. */
  async flush(): Promise<void> {
    if (this.#counts.size === 0) return;
    const counts = this.#counts;
    const samples = this.#samples;
    const body: StrangersBody = {
      since: new Date(this.#since).toISOString(),
      counts: Object.fromEntries(counts),
      samples,
    };
    this.#counts = new Map();
    this.#samples = [];
    try {
      await this.#journal.append({ kind: 'strangers', body });
      this.#since = this.#clock.now();
    } catch {
      for (const [code, count] of counts) this.#counts.set(code, (this.#counts.get(code) ?? 0) + count);
      this.#samples = [...samples, ...this.#samples].slice(0, MAX_SAMPLES);
    }
  }
}
