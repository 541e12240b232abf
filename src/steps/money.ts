import type { Ledger } from '../limits/ledger.ts';
import type { Grants } from '../limits/ledger-types.ts';
import { OutputMeter } from '../limits/output-meter.ts';
import type { Price, UsageCounts } from '../pricing/model.ts';

/** Held beyond what is seen when a reservation is raised, so that a long answer raises it a few times and not for every word. */
const STEP = 1.25;
/** Tokens between two looks at what an answer costs. */
const LOOK_EVERY = 64;

interface Parts {
  readonly id: string;
  readonly ledger: Ledger;
  readonly price: Price;
  readonly maxTokens: number | null;
  /** What the request is expected to hold, tokens; until the provider reports it. */
  readonly inputTokens: number;
  /** Micro-dollars held under lines that hold by estimate. */
  readonly held: number;
  /** What the intent says is held: never less is recorded afterwards. */
  readonly recorded: number;
  readonly bound: number | null;
  /** Grants as of when the call was admitted. */
  readonly extra: Grants;
}

/** The money of one call that runs: what is held for it, and what it has cost as far as can be seen (P2). */
export class Money {
  readonly price: Price;
  readonly #parts: Parts;
  #meter: OutputMeter | null = null;
  #textSeen = 0;
  /** Output tokens at which it is worth a look again. */
  #nextLook = 0;
  #held: number;
  #recorded: number;

  constructor(parts: Parts) {
    this.price = parts.price;
    this.#parts = parts;
    this.#held = parts.held;
    this.#recorded = parts.recorded;
  }

  /** What the journal says is held: the most that any line holds. Micro-dollars. */
  get held(): number {
    return this.#recorded;
  }

  /** The model may be answering since `since` (monotonic milliseconds): from then on silence costs. The first call counts. */
  begin(since: number): void {
    const { price, maxTokens } = this.#parts;
    this.#meter ??= new OutputMeter({ topSpeed: price.topSpeed, maxTokens, since });
  }

  /** So many bytes of text, thinking and tool input were seen, in all. */
  text(visibleBytes: number, now: number): void {
    this.#meter?.time(now);
    this.#meter?.text(visibleBytes - this.#textSeen);
    this.#textSeen = visibleBytes;
  }

  /** What was used as far as was reported, and for the rest as far as was seen: the larger counts. */
  seen(reported: UsageCounts, now: number): UsageCounts {
    const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens } = reported;
    const read = inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens;
    return {
      ...reported,
      inputTokens: read > 0 ? inputTokens : this.#parts.inputTokens,
      outputTokens: Math.max(reported.outputTokens, this.#meter?.tokens(now) ?? 0),
    };
  }

  /** True when enough was said, or passed in silence, since the last look. */
  isDue(now: number): boolean {
    return (this.#meter?.tokens(now) ?? 0) >= this.#nextLook;
  }

  /**
   * Raises what is held when more was seen: by a step beyond the cost, or by what a budget that ends answers has room for, so that
   * none is ended before its budget is spent. `record` is the amount the journal has to learn, or null; `over` when such a budget
   * has no room for the cost itself.
   */
  keepUp(reported: UsageCounts, now: number): { record: number | null; over: boolean } {
    const { id, ledger, bound, extra } = this.#parts;
    const counts = this.seen(reported, now);
    this.#nextLook = counts.outputTokens + LOOK_EVERY;
    const cost = this.price.cost(counts);
    const most = bound ?? Number.MAX_SAFE_INTEGER;
    if (cost <= this.#held || this.#held >= most) return { record: null, over: false };
    const room = this.#held + Math.max(0, ledger.room(id, extra));
    this.#held = Math.min(most, Math.max(cost, Math.min(Math.ceil(cost * STEP), room)));
    const over = ledger.extend(id, this.#held, extra) === 'over';
    if (this.#held <= this.#recorded) return { record: null, over };
    this.#recorded = this.#held;
    return { record: this.#recorded, over };
  }
}
