import { dollars, perMinute, windowOf } from '../amounts.ts';
import type { Counts, Draft } from '../draft.ts';
import type { Entry } from '../source.ts';

const TOGETHER =
  'counts input and output tokens together; Gatehouse counts them apart, so each has this limit: lower one if the sum matters';

export interface LimitNames {
  readonly budget: string;
  readonly duration: string;
  readonly tokens: string;
  readonly requests: string;
}

export const COMMON: LimitNames = {
  budget: 'max_budget',
  duration: 'budget_duration',
  tokens: 'tpm_limit',
  requests: 'rpm_limit',
};

/** Translates the budget and rates that stand in one mapping. */
export function limits(draft: Draft, entry: Entry, { counts, names }: { counts: Counts; names: LimitNames }): void {
  budget(draft, counts, { amount: entry.at(names.budget), duration: entry.at(names.duration) });
  rates(draft, counts, {
    tokens: entry.at(names.tokens),
    requests: entry.at(names.requests),
    parallel: entry.at('max_parallel_requests'),
  });
}

/** A budget with its window. Without one LiteLLM never resets it. */
export function budget(draft: Draft, counts: Counts, { amount, duration }: { amount: Entry; duration: Entry }): void {
  if (!amount.exists) {
    if (duration.exists) duration.note('untranslated', 'is the window of a budget, but no amount stands beside it');
    return;
  }
  const value = amount.number();
  const limit = value === null ? null : dollars(value);
  if (limit === null) {
    amount.note('untranslated', 'is not an amount that a budget can have');
    duration.use();
    return;
  }
  const written = duration.text();
  const window = written === null ? null : windowOf(written);
  if (duration.exists && window === null) {
    duration.note('changed', 'is not a duration that can be read: the budget became one for life, which never resets');
  }
  const kept = draft.budget({ ...counts, limit, period: window?.period ?? 'lifetime' });
  if (!kept) amount.note('changed', 'a tighter budget for the same callers and period was found and stays');
  if (window !== null) explainWindow(duration, window);
}

function explainWindow(duration: Entry, { period, same, counted }: NonNullable<ReturnType<typeof windowOf>>): void {
  if (period === 'day' && same) return;
  if (same) {
    const from = period === 'week' ? 'on Monday' : 'on the 1st';
    const message = `became the calendar ${period}, which resets ${from}; older releases counted ${counted} from the last reset`;
    duration.note('changed', message);
    return;
  }
  const longer = period === 'lifetime' ? 'one for life, which never resets' : `one for each calendar ${period}`;
  duration.note(
    'changed',
    `Gatehouse has no window of ${counted}: the budget became ${longer}, which never allows more`,
  );
}

interface RateEntries {
  readonly tokens: Entry;
  readonly requests: Entry;
  readonly parallel: Entry;
}

/** Tokens and requests a minute, and calls open at once. */
export function rates(draft: Draft, counts: Counts, { tokens, requests, parallel }: RateEntries): void {
  const perMin = whole(tokens);
  const calls = whole(requests);
  const open = whole(parallel, 1_000_000);
  draft.rate(counts, {
    ...(calls === null ? {} : { requests: calls }),
    ...(perMin === null ? {} : { inputTokens: perMin, outputTokens: perMin }),
    ...(open === null ? {} : { concurrent: open }),
  });
  if (perMin !== null) tokens.note('changed', TOGETHER);
}

function whole(entry: Entry, most = Number.POSITIVE_INFINITY): number | null {
  if (!entry.exists) return null;
  const value = entry.number();
  const limit = value === null ? null : perMinute(value);
  if (limit !== null && limit <= most) return limit;
  entry.note('untranslated', 'is not a limit that a rate can have; to refuse everything, deny it in access');
  return null;
}
