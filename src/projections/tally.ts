/** What one record adds to the usage table. Pure, so that a rebuild and the running views cannot differ. */
import type { JournalRecord, Json, JsonObject } from '../journal/records.ts';
import type { UsageRow } from './ports.ts';
import { tokenCounts } from './usage-fields.ts';

/** Who and what a row of the usage table is about. Empty text stands for none, so that it can be part of a key. */
export interface UsageKey {
  /** `YYYY-MM-DD`, UTC, of the outcome or refusal. */
  readonly day: string;
  readonly who: string;
  readonly key: string;
  readonly team: string;
  /** The model the provider says it used, else the one asked for. At most 200 characters. */
  readonly model: string;
}

export type UsageSums = Omit<UsageRow, 'value'>;

/** The names of the sums, in the order of their columns. */
export const SUMS = [
  'calls',
  'failed',
  'refused',
  'unmetered',
  'inputTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'cacheReadTokens',
  'outputTokens',
  'webSearches',
] as const satisfies readonly (keyof UsageSums)[];

/** What is kept of an intent until its outcome: enough to book an outcome that recovery wrote. */
export interface OpenIntent {
  readonly id: string;
  readonly who: string;
  readonly key: string;
  readonly team: string;
  readonly model: string;
  readonly action: string;
}

const NOTHING: UsageSums = {
  calls: 0,
  failed: 0,
  refused: 0,
  unmetered: 0,
  inputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
  outputTokens: 0,
  webSearches: 0,
};

/** A caller can invent any number of names of any length; this bounds what one of them costs. */
const MODEL_LENGTH = 200;

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

export function openIntentOf(record: JournalRecord): OpenIntent {
  return {
    id: record.id,
    who: text(record.who),
    key: text(record.key),
    team: text(record.team),
    model: text(record.model).slice(0, MODEL_LENGTH),
    action: text(record.action),
  };
}

/** What an outcome adds. The caller comes from its intent: an outcome that recovery wrote names nobody. */
export function outcomeEntry(record: JournalRecord, intent: OpenIntent): { key: UsageKey; sums: UsageSums } {
  const used = text(record.model_used).slice(0, MODEL_LENGTH);
  const { whole, ...tokens } = tokenCounts(usageOf(record));
  return {
    key: { day: dayOf(record), who: intent.who, key: intent.key, team: intent.team, model: used || intent.model },
    sums: {
      ...NOTHING,
      ...(intent.action === 'model.call' ? tokens : {}),
      calls: 1,
      failed: record.result === 'ok' ? 0 : 1,
      unmetered: intent.action === 'model.call' && !whole ? 1 : 0,
    },
  };
}

/** What a refusal adds; null for those of the admin door, which are no use of a model. */
export function refusalEntry(record: JournalRecord): { key: UsageKey; sums: UsageSums } | null {
  if (record.action === 'admin') return null;
  const { who, key, team, model } = openIntentOf(record);
  return { key: { day: dayOf(record), who, key, team, model }, sums: { ...NOTHING, refused: 1 } };
}

function usageOf(record: JournalRecord): JsonObject | null {
  const usage = record.usage;
  return typeof usage === 'object' && usage !== null && !Array.isArray(usage) ? (usage as JsonObject) : null;
}

function dayOf(record: JournalRecord): string {
  return new Date(record.at).toISOString().slice(0, 10);
}
