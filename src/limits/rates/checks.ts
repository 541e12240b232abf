import type { LineState, Tally } from './lines.ts';
import type { Metered, RatedAction, RateRefusal, Tokens } from './types.ts';

/** Tokens of one call are cut to this: larger numbers are nonsense and would end exact arithmetic. */
const MOST_TOKENS = 1e12;

/** One number of one line, to be checked for one call. */
export interface Check {
  readonly state: LineState;
  readonly subject: string;
  readonly tally: Tally;
  readonly what: Metered | 'concurrent';
  readonly limit: number;
  /** What the call takes. */
  readonly amount: number;
  /** The caller where several share the window and compete for it; null elsewhere. */
  readonly who: string | null;
}

/** A line and who it counts this call for. */
export interface Counting {
  readonly state: LineState;
  readonly subject: string;
  readonly tally: Tally;
  /** `per_…` or `svc_…`: keys of one owner share one share. */
  readonly caller: string;
}

/** What a line says of requests, counts and open calls. */
export function callChecks(counting: Counting, action: RatedAction): Check[] {
  const { line } = counting.state;
  const rate = action === 'call' ? line.requests : line.countTokens;
  return [
    ...check(counting, action === 'call' ? 'requests' : 'count_tokens', { limit: rate, amount: 1 }),
    ...check(counting, 'concurrent', { limit: line.concurrent, amount: 1 }),
  ];
}

/**
 * What a line says of tokens. An estimate of output is the caller's `max_tokens`, which few calls reach: one above the limit
 * is cut to it, so that such a call passes while nothing else runs.
 */
export function tokenChecks(counting: Counting, tokens: Tokens): Check[] {
  const { inputTokens, outputTokens } = counting.state.line;
  const output = whole(tokens.outputTokens);
  return [
    ...check(counting, 'input_tokens', { limit: inputTokens, amount: whole(tokens.inputTokens) }),
    ...check(counting, 'output_tokens', {
      limit: outputTokens,
      amount: outputTokens === null || outputTokens <= 0 ? output : Math.min(output, outputTokens),
    }),
  ];
}

function check(counting: Counting, what: Check['what'], need: { limit: number | null; amount: number }): Check[] {
  if (need.limit === null) return [];
  const { state, subject, tally, caller } = counting;
  // A line that observes refuses nobody, so nobody waits at it and nobody can be held up.
  const who = state.shared && state.line.mode === 'enforce' ? caller : null;
  return [{ state, subject, tally, what, limit: need.limit, amount: need.amount, who }];
}

/** Tokens as a whole number from 0; what is no number is 0. */
export function whole(tokens: number): number {
  return tokens > 0 ? Math.min(Math.ceil(tokens), MOST_TOKENS) : 0;
}

/** True when no waiting makes room for this call. */
function never(check: Check): boolean {
  return check.amount > check.limit;
}

function passes(check: Check, now: number): boolean {
  if (never(check)) return false;
  if (check.what === 'concurrent') return check.tally.open + check.amount <= check.limit;
  return check.amount === 0 || check.tally.window(check.what).passes(check, now);
}

/** The checks that this call fails now. */
export function failing(checks: readonly Check[], now: number): Check[] {
  return checks.filter((check) => !passes(check, now));
}

/** How long a caller waits for somebody's open call to end before it asks again, milliseconds. */
const OPEN_CALL_MS = 1000;

/**
 * The refusal for these checks of lines that enforce, some of which fail: the one that takes longest. Who is refused waits
 * in the windows that refused it.
 */
export function refuse(checks: readonly Check[], failed: readonly Check[], now: number): RateRefusal | null {
  const impossible = failed.find(never);
  // A call that can never pass must not wait: it would hold others to their share for nothing.
  if (impossible !== undefined) return refusalOf(impossible, null);
  let worst: { check: Check; wait: number } | null = null;
  for (const check of failed) {
    const wait = check.what === 'concurrent' ? OPEN_CALL_MS : check.tally.window(check.what).earliest(check, now) - now;
    if (worst === null || wait > worst.wait) worst = { check, wait };
  }
  if (worst === null) return null;
  const { check } = worst;
  const retry = check.what === 'concurrent' ? null : allPass(checks, now) - now;
  for (const { tally, what, who } of failed)
    if (who !== null && what !== 'concurrent') tally.window(what).refuse(who, now);
  return refusalOf(check, retry);
}

/**
 * When all windows pass together. The longest wait alone would not do: in a shared window somebody who waits can fall below
 * its share meanwhile and come first. After a minute every window is empty, so this ends.
 */
function allPass(checks: readonly Check[], now: number): number {
  let time = now;
  for (let before = Number.NaN; before !== time; ) {
    before = time;
    for (const check of checks) {
      if (check.what === 'concurrent' || check.amount === 0) continue;
      time = check.tally.window(check.what).earliest(check, time);
    }
  }
  return time;
}

function refusalOf(check: Check, retryAfterMs: number | null): RateRefusal {
  const { state, subject, what, limit } = check;
  return { line: state.line, subject, what, limit, retryAfterMs, never: retryAfterMs === null && never(check) };
}
