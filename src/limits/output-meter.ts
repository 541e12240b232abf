/** A gap between two visible parts of an answer that costs nothing. */
const ORDINARY_GAP_MS = 1000;
/** Fewest bytes of text a token stands for, as metered: what is not reported is rather charged too high. */
const BYTES_PER_TOKEN = 3;

export interface OutputMeterOptions {
  /** The request's `max_tokens`: no meter runs over it. Null for none. */
  readonly maxTokens: number | null;
  /** Fastest output of the model, tokens per second. */
  readonly topSpeed: number;
  /** When the answer may have begun: silence counts from here. Milliseconds of any clock that only moves forward. */
  readonly since: number;
}

/**
 * How many tokens a running answer may have used so far, at most: from the text that is seen and, while nothing is seen (hidden
 * thinking, a call without a stream), the time that passes at the model's top speed (P2). Has no clock: every time comes from the
 * caller, who believes what the provider reports where that is more.
 */
export class OutputMeter {
  readonly #maxTokens: number;
  readonly #tokensPerMs: number;
  #now: number;
  /** When something was last seen. */
  #visibleAt: number;
  #bytes = 0;
  /** Silence that has ended, milliseconds: it stays. */
  #silent = 0;

  constructor({ maxTokens, topSpeed, since }: OutputMeterOptions) {
    this.#maxTokens = maxTokens ?? Number.POSITIVE_INFINITY;
    this.#tokensPerMs = topSpeed / 1000;
    this.#now = since;
    this.#visibleAt = since;
  }

  /** The time is `now`, milliseconds. A clock that goes back stands still. */
  time(now: number): void {
    this.#now = Math.max(this.#now, now);
  }

  /** So many bytes of visible text came, at the time said last. None is no sign of life: an empty frame ends no silence. */
  text(bytes: number): void {
    if (bytes <= 0) return;
    this.#bytes += bytes;
    this.#silent += this.#silence();
    this.#visibleAt = this.#now;
  }

  /** Tokens until `now`, a whole number that never falls. */
  tokens(now: number): number {
    this.time(now);
    const seen = Math.ceil(this.#bytes / BYTES_PER_TOKEN);
    const unseen = Math.ceil((this.#silent + this.#silence()) * this.#tokensPerMs);
    return Math.min(this.#maxTokens, seen + unseen);
  }

  #silence(): number {
    return Math.max(0, this.#now - this.#visibleAt - ORDINARY_GAP_MS);
  }
}
