import type { Json, JsonObject } from '../journal/records.ts';
import type { UsageRow } from './ports.ts';

/** What one call used. `whole` is false where a number is missing or cannot be believed. */
export type TokenCounts = Omit<UsageRow, 'value' | 'calls' | 'failed' | 'refused' | 'unmetered'> & {
  readonly whole: boolean;
};

/** No single call comes near this; a larger number is a fault of the provider and would bury every true one. */
const MOST = 1_000_000_000;

/**
 * Reads the provider's usage report (Anthropic Messages API, `usage`). A field that is absent or null counts nothing; one
 * that is not an integer from 0 to 1,000,000,000 counts nothing and marks the call as not wholly metered. Cache writes
 * without a split by lifetime count as five minutes, the provider's default. A report that holds none of the fields is
 * no report.
 */
export function tokenCounts(usage: JsonObject | null): TokenCounts {
  const split = object(usage?.cache_creation);
  const fiveMinutes = split?.ephemeral_5m_input_tokens ?? null;
  const oneHour = split?.ephemeral_1h_input_tokens ?? null;
  const unsplit = fiveMinutes === null && oneHour === null ? (usage?.cache_creation_input_tokens ?? null) : null;
  const fields = [
    usage?.input_tokens ?? null,
    fiveMinutes ?? unsplit,
    oneHour,
    usage?.cache_read_input_tokens ?? null,
    usage?.output_tokens ?? null,
    object(usage?.server_tool_use)?.web_search_requests ?? null,
  ];
  const [input, write5m, write1h, read, output, searches] = fields.map((field) => (believable(field) ? field : 0));
  return {
    inputTokens: input ?? 0,
    cacheWrite5mTokens: write5m ?? 0,
    cacheWrite1hTokens: write1h ?? 0,
    cacheReadTokens: read ?? 0,
    outputTokens: output ?? 0,
    webSearches: searches ?? 0,
    whole: fields.some((field) => field !== null) && fields.every((field) => field === null || believable(field)),
  };
}

function believable(field: Json): field is number {
  return typeof field === 'number' && Number.isSafeInteger(field) && field >= 0 && field <= MOST;
}

function object(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}
