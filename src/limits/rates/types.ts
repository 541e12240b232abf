import type { Observation, RateLine } from '../../policy/model.ts';

/** `call`: a model call. `count`: a token count, which costs nothing and has a rate of its own. */
export type RatedAction = 'call' | 'count';

/** What is counted over 60 seconds. */
export type Metered = 'requests' | 'count_tokens' | 'input_tokens' | 'output_tokens';

/** Why a call is refused. */
export interface RateRefusal {
  readonly line: RateLine;
  /** Who the line counted the call for. */
  readonly subject: string;
  readonly what: Metered | 'concurrent';
  readonly limit: number;
  /**
   * Milliseconds after which, and not before, the same call passes this gate if nothing else happens. Null where no clock
   * says it: another call must end first, or it can never pass.
   */
  readonly retryAfterMs: number | null;
  /** The call alone is more than the limit: waiting does not help. */
  readonly never: boolean;
}

/** What a gate says when it lets a call through. `observed`: lines that only observe and would have refused it. */
export interface Passed {
  readonly refusal: null;
  readonly observed: readonly Observation[];
}

/** What a gate says when it refuses. Nothing stays booked. */
export interface Refused {
  readonly refusal: RateRefusal;
  readonly observed: readonly Observation[];
}

/** Tokens of a call: estimated at the gate, reported when it is settled. Whatever is no positive number counts as 0. */
export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}
