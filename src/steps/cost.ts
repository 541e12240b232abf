import type { Cost } from '../journal/bodies.ts';
import type { Json, JsonObject } from '../journal/records.ts';
import type { Refusal } from '../kernel/errors.ts';
import type { Price, UsageCounts } from '../pricing/model.ts';
import { usageCounts } from '../pricing/usage.ts';
import type { MeterReport } from '../upstream/anthropic/meter.ts';
import type { Exchange } from './exchange.ts';
import { factsOf } from './reserve.ts';
import type { Services } from './services.ts';

const FREE: Cost = { micros: 0, basis: 'none', price: null };
/** Passes of one call that are priced one by one. */
const MOST_PASSES = 1000;

interface Ended {
  readonly report: MeterReport;
  readonly failure: Refusal | 'caller_gone' | null;
}

/**
 * What a call is charged, and what its rates and the estimates of later calls learn from it. A whole report is believed; a call
 * that ended without one is charged the larger of what was reported and what was seen (P2), so that hanging up right before the
 * report buys nothing. What the provider refused, or never got, is free.
 */
export function costOf(x: Exchange, s: Services, { report, failure }: Ended): Cost {
  const money = x.money.peek;
  if (money === undefined || !reachedModel(x, report, failure)) {
    correct(x, s, usageCounts(null));
    return FREE;
  }
  const reported = usageCounts(report.usage);
  const price = servedBy(x, s, report) ?? money.price;
  const whole = report.complete && reported.whole;
  const counts = whole ? reported : seen(x, s, { report, reported });
  const { opaque } = x.fields.value.serverSide;
  // Of a request with files in it the bytes teach nothing about other requests.
  const bytes = opaque ? 0 : x.body.value.byteLength;
  if (whole) s.estimator.learn({ model: factsOf(x).model, bytes, counts });
  correct(x, s, counts);
  const micros = Math.max(price.cost(counts), passesOf(x, s, { usage: report.usage, whole: reported }));
  // Nobody said how much of its files was read: then at least what was held for them is charged.
  const unseen = opaque && report.usage === null;
  const basis = whole ? 'reported' : 'metered';
  return { micros: unseen ? Math.max(micros, money.held) : micros, basis, price: price.id };
}

/** An answer without a stream says nothing until it is whole: the model may have been writing since it was asked. */
function seen(x: Exchange, s: Services, on: { report: MeterReport; reported: UsageCounts }): UsageCounts {
  const now = s.clock.monotonic();
  const money = x.money.value;
  if (!x.fields.value.stream) money.begin(x.sentAt ?? now);
  else if (on.report.visibleBytes > 0) money.begin(now);
  money.text(on.report.visibleBytes, now);
  return money.seen(on.reported, now);
}

/** An answer of status 400 or more is not billed, nor is what never left or found nobody. A stream that breaks off is. */
function reachedModel(x: Exchange, report: MeterReport, failure: Ended['failure']): boolean {
  if (x.sentAt === undefined) return false;
  const status = x.upstream.peek?.status;
  // An error in the place of an answer; one behind words that were seen is the end of an answer.
  const nothing = report.error !== null && report.usage === null && report.visibleBytes === 0;
  if (status !== undefined) return status < 400 && !nothing;
  return failure === 'caller_gone' || failure === null || failure.code !== 'upstream_unreachable';
}

/** A fallback that answered has its own price. */
function servedBy(x: Exchange, s: Services, { model }: MeterReport): Price | undefined {
  if (model === null) return undefined;
  const price = x.governance.value.prices.find({ model, at: s.clock.now() });
  return price.known ? price : undefined;
}

/**
 * Sum over the passes, each at the price of its model: an advisor can be dearer than who asked it. Region, speed and searches are
 * those of the whole report, where a pass says nothing of them.
 */
function passesOf(x: Exchange, s: Services, on: { usage: JsonObject | null; whole: UsageCounts }): number {
  const passes = on.usage?.iterations;
  if (!Array.isArray(passes) || passes.length > MOST_PASSES) return 0;
  const { geo, fast, webSearches } = on.whole;
  const own = x.money.value.price;
  let sum = own.cost({ ...usageCounts(null), webSearches });
  for (const pass of passes as readonly Json[]) {
    if (typeof pass !== 'object' || pass === null || Array.isArray(pass)) continue;
    const { model } = pass as { model?: Json };
    const price = typeof model === 'string' ? x.governance.value.prices.find({ model, at: s.clock.now() }) : own;
    const counts = usageCounts(pass as JsonObject);
    sum += price.cost({ ...counts, geo: counts.geo ?? geo, fast: counts.fast || fast, webSearches: 0 });
  }
  return sum;
}

/** Corrects the tokens booked in the rates to what was used. */
function correct(x: Exchange, s: Services, counts: UsageCounts): void {
  const entry = x.rates.peek;
  if (entry === undefined) return;
  const { inputTokens, cacheReadTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = counts;
  const input = inputTokens + cacheReadTokens + cacheWrite5mTokens + cacheWrite1hTokens;
  s.rates.settle(entry, { inputTokens: input, outputTokens }, s.clock.monotonic());
}
