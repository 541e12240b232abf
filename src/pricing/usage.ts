import type { Json, JsonObject } from '../journal/records.ts';
import type { UsageCounts } from './model.ts';

/** No single call comes near this; a larger number is a fault of the provider and would bury every true one. */
const MOST = 1_000_000_000;
/** Passes of one call that are read; more than this is a fault of the provider. */
const MOST_ITERATIONS = 1000;

/** What a report counts. */
export const COUNTS = [
  'inputTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'cacheReadTokens',
  'outputTokens',
  'webSearches',
] as const;
type Counts = Record<(typeof COUNTS)[number], number>;

interface Reading {
  readonly counts: Counts;
  readonly whole: boolean;
}

/**
 * Reads the provider's usage report (Anthropic Messages API, `usage`). A field that is absent or null counts nothing; one
 * that is not an integer from 0 to 1,000,000,000 counts nothing and marks the call as not wholly metered. Cache writes
 * without a split by lifetime count as five minutes, the provider's default. A report that holds none of the fields is
 * no report.
 *
 * The top level leaves out passes such as compaction on the server, which `iterations` holds and the provider bills: of each
 * class the larger of the top level and the sum of the iterations counts. Passes of another model (an advisor, a fallback)
 * are counted too, but their price is another one, so such a call is not wholly metered.
 */
export function usageCounts(usage: JsonObject | null): UsageCounts {
  const top = countsOf(usage ?? {});
  const passes = sumOf(usage?.iterations ?? null);
  const counts = eachCount((name) => Math.max(top.counts[name], passes.counts[name]));
  const geo = usage?.inference_geo ?? null;
  return {
    ...counts,
    geo: typeof geo === 'string' ? geo.toLowerCase() : null,
    fast: usage?.speed === 'fast',
    batch: usage?.service_tier === 'batch',
    whole: top.whole && passes.whole && (geo === null || typeof geo === 'string'),
  };
}

function countsOf(usage: JsonObject): Reading {
  const split = object(usage.cache_creation);
  const fiveMinutes = split?.ephemeral_5m_input_tokens ?? null;
  const oneHour = split?.ephemeral_1h_input_tokens ?? null;
  const unsplit = fiveMinutes === null && oneHour === null ? (usage.cache_creation_input_tokens ?? null) : null;
  const fields: Record<keyof Counts, Json> = {
    inputTokens: usage.input_tokens ?? null,
    cacheWrite5mTokens: fiveMinutes ?? unsplit,
    cacheWrite1hTokens: oneHour,
    cacheReadTokens: usage.cache_read_input_tokens ?? null,
    outputTokens: usage.output_tokens ?? null,
    webSearches: object(usage.server_tool_use)?.web_search_requests ?? null,
  };
  const given = Object.values(fields).filter((field) => field !== null);
  return {
    counts: eachCount((name) => believable(fields[name])),
    whole: given.length > 0 && given.every((field) => isBelievable(field)),
  };
}

/** What all iterations used together; none when the report has no such field. */
function sumOf(iterations: Json): Reading {
  if (iterations === null) return { counts: eachCount(() => 0), whole: true };
  const list = Array.isArray(iterations) ? (iterations as readonly Json[]) : [];
  const entries = list.slice(0, MOST_ITERATIONS).map((entry) => object(entry) ?? {});
  const readings = entries.map(countsOf);
  const sums = eachCount((name) => readings.reduce((sum, { counts }) => sum + counts[name], 0));
  return {
    counts: eachCount((name) => believable(sums[name])),
    whole:
      Array.isArray(iterations) &&
      list.length <= MOST_ITERATIONS &&
      readings.every(({ whole }) => whole) &&
      Object.values(sums).every(isBelievable) &&
      ofOneModel(entries),
  };
}

function ofOneModel(entries: readonly JsonObject[]): boolean {
  const named = new Set(entries.map(({ model }) => model ?? null).filter((model) => model !== null));
  return named.size <= 1 && !entries.some(({ type }) => type === 'advisor_message' || type === 'fallback_message');
}

function eachCount(of: (name: keyof Counts) => number): Counts {
  const counts: Partial<Counts> = {};
  for (const name of COUNTS) counts[name] = of(name);
  return counts as Counts;
}

const believable = (field: Json): number => (isBelievable(field) ? field : 0);

function isBelievable(field: Json): field is number {
  return typeof field === 'number' && Number.isSafeInteger(field) && field >= 0 && field <= MOST;
}

function object(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
