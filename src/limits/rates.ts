import type { Observation, RateLine } from '../policy/model.ts';
import { type CallFacts, type Matches, subjectOf } from './counters.ts';
import { type Check, type Counting, callChecks, failing, refuse, tokenChecks, whole } from './rates/checks.ts';
import type { Bucket } from './rates/forecast.ts';
import { adopted, type LineState, type Tally } from './rates/lines.ts';
import type { Passed, RatedAction, Refused, Tokens } from './rates/types.ts';
import type { Window } from './rates/window.ts';

export type { RateRefusal } from './rates/types.ts';

/** An amount in a window that a call holds; no bucket when it was nothing. */
interface Booking {
  readonly window: Window;
  readonly what: Check['what'];
  readonly who: string | null;
  readonly amount: number;
  readonly bucket: Bucket | null;
}

/** A call that passed the first gate. Opaque: only handed back to `admit`, `settle` and `leave`. */
export class RateEntry {
  readonly facts: Omit<CallFacts, 'model'>;
  readonly action: RatedAction;
  stage: 'entered' | 'admitted' | 'left' = 'entered';
  bookings: Booking[] = [];
  readonly open: Tally[] = [];
  /** Lines that have been reported as observed: once is enough for one call. */
  readonly observed = new Set<RateLine>();

  constructor(facts: Omit<CallFacts, 'model'>, action: RatedAction) {
    this.facts = facts;
    this.action = action;
  }
}

/** What is known of a call once its body is read. The tokens are estimates; of a count they are not looked at. */
interface RatedCall extends Tokens {
  readonly model: string;
}

/**
 * The rates of the policy: requests, counts and tokens in any 60 seconds, and calls open at once. In memory, without timers:
 * every method that needs the time takes monotonic milliseconds, and a clock that steps back stands still.
 *
 * Two gates, so that no body is read for a caller who is over a limit that does not depend on it: `enter` before the body,
 * `admit` once the model is known. A call that is refused at either gate takes no room.
 */
export class Rates {
  readonly #matches: Matches;
  #lines: readonly LineState[] = [];
  #now = Number.NEGATIVE_INFINITY;

  constructor(matches: Matches) {
    this.#matches = matches;
  }

  /** These lines are in force from now on. Lines that were in force before go on counting where they were. */
  adopt(lines: readonly RateLine[]): void {
    this.#lines = adopted(lines, this.#lines);
  }

  /** The first gate: requests or counts, and open calls, of lines that count whatever the model. */
  enter(
    facts: Omit<CallFacts, 'model'>,
    action: RatedAction,
    now: number,
  ): Refused | (Passed & { readonly entry: RateEntry }) {
    const at = this.#at(now);
    for (const line of this.#lines) line.sweep(at);
    const entry = new RateEntry(facts, action);
    const counting = this.#counting(entry, null);
    const result = this.#gate(entry, { counting, checks: counting.flatMap((one) => callChecks(one, action)) }, at);
    return result.refusal === null ? { ...result, entry } : result;
  }

  /**
   * The second gate: the same for lines of certain models, and tokens for all lines. Throws when the entry has been admitted
   * or has left: what is booked then would be held for ever.
   */
  admit(entry: RateEntry, call: RatedCall, now: number): Passed | Refused {
    if (entry.stage !== 'entered') throw new Error(`a call that has ${entry.stage} cannot be admitted`);
    const at = this.#at(now);
    const all = this.#counting(entry, call.model);
    const counting = all.filter(({ state }) => !state.early);
    const checks = counting.flatMap((one) => callChecks(one, entry.action));
    if (entry.action === 'call') checks.push(...all.flatMap((one) => tokenChecks(one, call)));
    const result = this.#gate(entry, { counting, checks }, at);
    if (result.refusal === null) entry.stage = 'admitted';
    else this.#undo(entry, at);
    return result;
  }

  /**
   * Corrects the estimates of an admitted call to what was reported. Input counts when it was estimated, and output that was
   * not used makes room there; output beyond the estimate counts from now. The first report counts, before or after `leave`.
   */
  settle(entry: RateEntry, used: Tokens, now: number): void {
    const at = this.#at(now);
    const bookings = entry.bookings.filter(({ what }) => what === 'input_tokens' || what === 'output_tokens');
    if (bookings.length === 0) return;
    entry.bookings = [];
    for (const { window, what, who, amount, bucket } of bookings) {
      const more = whole(what === 'input_tokens' ? used.inputTokens : used.outputTokens) - amount;
      if (more === 0) continue;
      if (bucket !== null && (more < 0 || what === 'input_tokens')) window.adjust(bucket, more, at);
      else window.book(more, who, at);
    }
  }

  /** The call has ended: it is open no longer. What it has booked stays. */
  leave(entry: RateEntry): void {
    entry.stage = 'left';
    for (const tally of entry.open.splice(0)) tally.open--;
  }

  /** Subjects, entries of windows and callers held: what the memory is made of. */
  get size(): number {
    return this.#lines.reduce((sum, line) => sum + line.size, 0);
  }

  #at(now: number): number {
    this.#now = Math.max(this.#now, now);
    return this.#now;
  }

  /** The lines that count this call; while the model is not known, only those that do not ask for it. */
  #counting(entry: RateEntry, model: string | null): Counting[] {
    const facts = { ...entry.facts, model: model ?? '' };
    const lines = model === null ? this.#lines.filter(({ early }) => early) : this.#lines;
    return lines.flatMap((state) => {
      const subject = subjectOf(state.line, facts, this.#matches);
      return subject === null ? [] : [{ state, subject, tally: state.tally(subject), caller: facts.who }];
    });
  }

  /** All pass and everything is booked, or nothing is. */
  #gate(
    entry: RateEntry,
    { counting, checks }: { counting: readonly Counting[]; checks: readonly Check[] },
    now: number,
  ): Passed | Refused {
    const failed = failing(checks, now);
    const observed = observe(entry, failed);
    const enforced = (check: Check) => check.state.line.mode === 'enforce';
    const refusal = refuse(checks.filter(enforced), failed.filter(enforced), now);
    if (refusal !== null) return { refusal, observed };
    for (const { tally } of counting) {
      tally.open++;
      entry.open.push(tally);
    }
    for (const { what, tally, who, amount } of checks) {
      if (what === 'concurrent') continue;
      const window = tally.window(what);
      const bucket = amount === 0 ? null : window.book(amount, who, now);
      entry.bookings.push({ window, what, who, amount, bucket });
    }
    return { refusal, observed };
  }

  #undo(entry: RateEntry, now: number): void {
    for (const { window, amount, bucket } of entry.bookings.splice(0)) {
      if (bucket !== null) window.adjust(bucket, -amount, now);
    }
    this.leave(entry);
  }
}

function observe(entry: RateEntry, failed: readonly Check[]): Observation[] {
  const observed: Observation[] = [];
  for (const { state } of failed) {
    const { line } = state;
    if (line.mode !== 'observe' || entry.observed.has(line)) continue;
    entry.observed.add(line);
    observed.push({ code: 'rate_limited', rule: line.place.path });
  }
  return observed;
}
