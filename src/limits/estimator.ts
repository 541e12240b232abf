import type { Price, UsageCounts } from '../pricing/model.ts';

/** Models remembered; the one not asked about for longest goes first. A caller can invent any number of names. */
const MOST_MODELS = 500;
/** Calls remembered of a model: older ones are forgotten, so what is learnt follows the use. */
const WINDOW = 64;
/** Below this many calls the start values still stand as the least: one tiny first call teaches little. */
const ENOUGH = 16;
const QUANTILE = 0.9;
const START_OUTPUT = 4096;
const START_BYTES_PER_TOKEN = 3;

/**
 * Price of each class of input relative to a five-minute cache write, from Anthropic's multipliers of the input price
 * (platform.claude.com, "Prompt caching", pricing): write 1.25 and 2, read 0.1.
 */
const INPUT = 1 / 1.25;
const WRITE_1H = 2 / 1.25;
const READ = 0.1 / 1.25;

/** The last calls of one model. */
class Recent {
  readonly #values: number[] = [];
  #next = 0;
  #quantile: number | null = null;

  add(value: number): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % WINDOW;
    this.#quantile = null;
  }

  get count(): number {
    return this.#values.length;
  }

  /**
   * Nearest rank: the smallest value that nine in ten do not exceed. Calls that are not known yet count as nothing, so that one
   * odd call does not decide what is held for the next.
   */
  quantile(): number {
    if (this.#quantile === null) {
      const sorted = this.#values.toSorted((a, b) => a - b);
      const unknown = Math.max(0, ENOUGH - sorted.length);
      this.#quantile = sorted[Math.ceil((sorted.length + unknown) * QUANTILE) - 1 - unknown] ?? 0;
    }
    return this.#quantile;
  }
}

interface Learnt {
  readonly output: Recent;
  /** Input in tokens at the five-minute write price, for each byte of the request. */
  readonly inputPerByte: Recent;
}

export interface EstimateQuery {
  readonly model: string;
  /** Bytes of the request's body. */
  readonly bytes: number;
  readonly maxTokens: number | null;
  readonly price: Price;
  /** The most it can cost, micro-dollars; null where nothing bounds it. No estimate is above it. */
  readonly bound: number | null;
}

/**
 * What calls of a model usually cost: the reservation under budgets that hold by estimate. The ninetieth percentile of the
 * last 64 calls, of output tokens and of input cost per byte apart; before sixteen calls at least a token for three bytes of
 * the request, written to the cache, and 4,096 tokens of output. In memory: a restart starts again.
 */
export class Estimator {
  readonly #models = new Map<string, Learnt>();

  /** Micro-dollars, a whole number. */
  estimate({ model, bytes, maxTokens, price, bound }: EstimateQuery): number {
    const learnt = this.#recall(model);
    const output = Math.min(maxTokens ?? Number.POSITIVE_INFINITY, usual(learnt?.output, START_OUTPUT, 1));
    const input = usual(learnt?.inputPerByte, bytes / START_BYTES_PER_TOKEN, bytes);
    const cost = price.cost({
      inputTokens: 0,
      cacheWrite5mTokens: Math.ceil(input),
      cacheWrite1hTokens: 0,
      cacheReadTokens: 0,
      outputTokens: Math.ceil(output),
      webSearches: 0,
      geo: null,
      fast: false,
      batch: false,
      whole: true,
    });
    return bound === null ? cost : Math.min(cost, bound);
  }

  /** Learns from a finished call. A report that is not whole teaches nothing. */
  learn({
    model,
    bytes,
    counts,
  }: {
    readonly model: string;
    readonly bytes: number;
    readonly counts: UsageCounts;
  }): void {
    if (!counts.whole) return;
    const learnt = this.#recall(model) ?? this.#remember(model);
    learnt.output.add(counts.outputTokens);
    const input =
      counts.cacheWrite5mTokens +
      counts.inputTokens * INPUT +
      counts.cacheWrite1hTokens * WRITE_1H +
      counts.cacheReadTokens * READ;
    if (bytes > 0) learnt.inputPerByte.add(input / bytes);
  }

  #recall(model: string): Learnt | undefined {
    const learnt = this.#models.get(model);
    if (learnt !== undefined) {
      this.#models.delete(model);
      this.#models.set(model, learnt);
    }
    return learnt;
  }

  #remember(model: string): Learnt {
    const oldest = this.#models.size >= MOST_MODELS ? this.#models.keys().next().value : undefined;
    if (oldest !== undefined) this.#models.delete(oldest);
    const learnt = { output: new Recent(), inputPerByte: new Recent() };
    this.#models.set(model, learnt);
    return learnt;
  }
}

function usual(recent: Recent | undefined, start: number, factor: number): number {
  if (recent === undefined) return start;
  const learnt = recent.quantile() * factor;
  return recent.count < ENOUGH ? Math.max(start, learnt) : learnt;
}
