/** What one record adds to the usage table. Pure, so that a rebuild and the running views cannot differ. */
import type { JournalRecord, Json, JsonObject } from '../journal/records.ts';
import { isDay, utcDay } from '../kernel/days.ts';
import { COUNTS, usageCounts } from '../pricing/usage.ts';
import type { UsageRow } from './ports.ts';

/** Who and what a row of the usage table is about. Empty text stands for none, so that it can be part of a key. */
export interface UsageKey {
  /** `YYYY-MM-DD` that the call was booked on when it was admitted or refused; of records of version 0.1.0 their UTC day. */
  readonly day: string;
  readonly who: string;
  readonly key: string;
  readonly team: string;
  readonly cost_center: string;
  /** The model asked for, which budgets and rules speak of. At most 200 characters. */
  readonly asked: string;
  /** The model the provider says it used, else the one asked for. At most 200 characters. */
  readonly model: string;
}

export type UsageSums = Omit<UsageRow, 'value'>;

/** The columns that make a row's key, in the order of the index. */
export const KEY_COLUMNS = [
  'day',
  'who',
  'key',
  'team',
  'cost_center',
  'asked',
  'model',
] as const satisfies readonly (keyof UsageKey)[];

/** The names of the sums, in the order of their columns. */
export const SUMS = [
  'calls',
  'failed',
  'refused',
  'unmetered',
  ...COUNTS,
  'costMicros',
  'meteredMicros',
] as const satisfies readonly (keyof UsageSums)[];

/** What is kept of an intent until its outcome: enough to book an outcome that recovery wrote. */
export interface OpenIntent {
  readonly id: string;
  readonly who: string;
  readonly key: string;
  readonly team: string;
  readonly model: string;
  readonly action: string;
  /** As booked; empty in records of version 0.1.0. */
  readonly day: string;
  readonly cost_center: string;
  /** Micro-dollars held for the call now: by the intent, or by its last extension. */
  readonly reserved: number;
}

/** Rows that are added to the usage table, those of one key put together. */
export class UsageSheet {
  readonly #rows = new Map<
    string,
    { readonly key: UsageKey; readonly sums: { -readonly [name in keyof UsageSums]: number } }
  >();

  add({ key, sums }: { readonly key: UsageKey; readonly sums: UsageSums }): void {
    // As JSON, because a provider may put any character into the name of a model.
    const name = JSON.stringify(KEY_COLUMNS.map((column) => key[column]));
    const row = this.#rows.get(name);
    if (row === undefined) this.#rows.set(name, { key, sums: { ...sums } });
    else for (const column of SUMS) row.sums[column] += sums[column];
  }

  rows(): Iterable<{ readonly key: UsageKey; readonly sums: UsageSums }> {
    return this.#rows.values();
  }
}

export const NOTHING = Object.fromEntries(SUMS.map((name) => [name, 0])) as unknown as UsageSums;

/** A caller can invent any number of names of any length; this bounds what one of them costs. */
const MODEL_LENGTH = 200;

export function openIntentOf(record: JournalRecord): OpenIntent {
  return {
    id: record.id,
    who: text(record.who),
    key: text(record.key),
    team: text(record.team),
    model: text(record.model).slice(0, MODEL_LENGTH),
    action: text(record.action),
    day: isDay(text(record.day)) ? text(record.day) : '',
    cost_center: text(record.cost_center),
    reserved: record.reserved === undefined ? 0 : micros(record.reserved, record),
  };
}

/** What is held for an intent from this `extension` on. */
export function extensionOf(record: JournalRecord): { readonly intent: string; readonly reserved: number } {
  return { intent: text(record.intent), reserved: micros(record.reserved, record) };
}

/** What an outcome adds. Caller and booking come from its intent: an outcome that recovery wrote names nobody. */
export function outcomeEntry(record: JournalRecord, intent: OpenIntent): { key: UsageKey; sums: UsageSums } {
  const { who, key, team, cost_center, model: asked } = intent;
  const used = text(record.model_used).slice(0, MODEL_LENGTH);
  const { whole, geo, fast, batch, ...tokens } = usageCounts(object(record.usage));
  return {
    key: { day: intent.day || dayOf(record), who, key, team, cost_center, asked, model: used || asked },
    sums: {
      ...NOTHING,
      ...(intent.action === 'model.call' ? tokens : {}),
      calls: 1,
      failed: record.result === 'ok' ? 0 : 1,
      unmetered: intent.action === 'model.call' && !whole ? 1 : 0,
      ...charge(record, intent),
    },
  };
}

/** What a refusal adds; null for those of the admin door, which are no use of a model. */
export function refusalEntry(record: JournalRecord): { key: UsageKey; sums: UsageSums } | null {
  if (record.action === 'admin' || record.action === 'signin' || record.action === 'usage.own') return null;
  const { who, key, team, cost_center, model } = openIntentOf(record);
  return {
    key: { day: dayOf(record), who, key, team, cost_center, asked: model, model },
    sums: { ...NOTHING, refused: 1 },
  };
}

/**
 * What the call cost. An outcome that recovery wrote says nothing of it: nobody knows what the provider did, so everything
 * that was held is charged. Intents of version 0.1.0 held nothing, and its outcomes cost nothing.
 */
function charge(record: JournalRecord, intent: OpenIntent): Pick<UsageSums, 'costMicros' | 'meteredMicros'> {
  const cost = object(record.cost);
  if (cost === null) return { costMicros: intent.reserved, meteredMicros: intent.reserved };
  const costMicros = micros(cost.micros, record);
  return { costMicros, meteredMicros: cost.basis === 'reported' ? 0 : costMicros };
}

/** An amount of a record. One that is no amount stops the views: money that is skipped or rounded would be spent twice. */
function micros(value: Json | undefined, record: JournalRecord): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`record ${record.seq} (${record.kind}) carries an amount that is no whole number of micro-dollars`);
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function object(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

function dayOf(record: JournalRecord): string {
  const booked = text(record.day);
  return isDay(booked) ? booked : utcDay(Date.parse(record.at));
}
