import { Session } from 'node:inspector';

interface Taken {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Counts, from V8 itself, how often each block of the product's code ran. Nothing is instrumented. */
export class Coverage {
  readonly #session = new Session();
  readonly #part: string;

  /** @param part what the address of a script must contain to count, such as `/src/` */
  constructor(part: string) {
    this.#part = part;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Blocks that ran since the last call, with their counts. The session answers before `post` returns. */
  #take(): Map<string, number> {
    const blocks = new Map<string, number>();
    this.#session.post('Profiler.takePreciseCoverage', (error: Error | null, taken: unknown) => {
      if (error !== null) throw error;
      for (const { url, functions } of (taken as Taken).result) {
        if (!url.includes(this.#part)) continue;
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) blocks.set(`${url}:${startOffset}-${endOffset}`, count);
          }
        }
      }
    });
    return blocks;
  }

  /** How many blocks ran since the last call, in all: a measure of work that no load on the machine changes. */
  work(): number {
    return [...this.#take().values()].reduce((sum, count) => sum + count, 0);
  }

  /** True when since the last call something ran that is not in `seen` yet, or an order of magnitude more often. Adds it. */
  novel(seen: Set<string>): boolean {
    const before = seen.size;
    for (const [block, count] of this.#take()) seen.add(`${block}@${Math.floor(Math.log2(count) / 3)}`);
    return seen.size > before;
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.post('Profiler.disable');
    this.#session.disconnect();
  }
}
