/** What a call used and what it costs. Money is integer micro-dollars (1 USD = 1,000,000); arithmetic inside is exact. */

/** What one call used, read from the provider's usage report. */
export interface UsageCounts {
  readonly inputTokens: number;
  readonly cacheWrite5mTokens: number;
  readonly cacheWrite1hTokens: number;
  readonly cacheReadTokens: number;
  readonly outputTokens: number;
  readonly webSearches: number;
  /** `inference_geo` of the report, lower case; null when it says nothing. */
  readonly geo: string | null;
  readonly fast: boolean;
  readonly batch: boolean;
  /** False where a number is missing or cannot be believed. */
  readonly whole: boolean;
}

/** What of a request bounds its price before it is sent. */
export interface RequestSize {
  /** Bytes of the body: text never yields more tokens than bytes. */
  readonly bytes: number;
  /** Null when the request does not say: then its output cannot be bounded. */
  readonly maxTokens: number | null;
  /** The request holds images, documents, files or addresses: their tokens are bounded by the context window only. */
  readonly opaque: boolean;
  /** Uses of tools that the provider runs: null when there are some without a bound, 0 for none. Each may read the whole window again. */
  readonly serverUses: number | null;
  readonly webSearch: boolean;
  /** The request asks for something whose further passes nothing bounds, such as compaction on the server. */
  readonly unbounded: boolean;
  readonly fast: boolean;
}

/** Price of one model at one time, from list or contract. */
export interface Price {
  /** Names the row, for records: `claude-opus-5-5@2026-09-22`, with `+contract` when overridden, `unknown` for no row. */
  readonly id: string;
  /** False when no row is known for the model: the dearest of every class is used. */
  readonly known: boolean;
  /** Tokens. */
  readonly contextWindow: number;
  readonly maxOutput: number;
  /** Fastest output the model is known for, tokens per second: the meter of a silent stream. */
  readonly topSpeed: number;
  /** Micro-dollars for these counts, rounded up to the next whole one. */
  cost(counts: UsageCounts): number;
  /** The most this request can cost, micro-dollars; null when it cannot be bounded. */
  bound(request: RequestSize): number | null;
}

export interface PriceQuery {
  readonly model: string;
  /** Milliseconds since the epoch: rows have dates. */
  readonly at: number;
}

export interface PriceTable {
  /** Version of the shipped table. */
  readonly version: string;
  find(query: PriceQuery): Price;
}
