import type { JournalRecord, Json } from '../journal/records.ts';
import type { LineHead } from './line-head.ts';
import type { AuditQuery } from './ports.ts';

/** A query as two questions: one that the head of a line answers, one that needs the whole record. */
export interface AuditFilter {
  readonly from: number;
  readonly to: number;
  head(head: LineHead): boolean;
  /** `intent` is the record's intent, for extensions and outcomes that recovery wrote: these name nobody themselves. */
  record(record: JournalRecord, intent: () => JournalRecord | undefined): boolean;
}

/** Throws RangeError for times that are none. */
export function auditFilter(query: AuditQuery): AuditFilter {
  const from = timeOf(query.from, Number.NEGATIVE_INFINITY);
  const to = timeOf(query.to, Number.POSITIVE_INFINITY);
  const kinds = query.kinds === undefined || query.kinds.length === 0 ? null : new Set(query.kinds);
  return {
    from,
    to,
    head: ({ at, kind }) => at >= from && at <= to && (kinds === null || kinds.has(kind)),
    record(record, intent) {
      if (query.result !== undefined && !hasResult(record, query.result)) return false;
      const ofCall = record.kind === 'outcome' || record.kind === 'extension';
      const nameless = ofCall && record.who === undefined && asksForCaller(query);
      return hasCaller(nameless ? { ...intent(), ...record } : record, query);
    },
  };
}

function asksForCaller({ who, key, team, model, session }: AuditQuery): boolean {
  return [who, key, team, model, session].some((value) => value !== undefined);
}

function hasCaller(record: { readonly [key: string]: Json | undefined }, query: AuditQuery): boolean {
  const { who, key, team, model, session } = query;
  if (who !== undefined && record.who !== who && record.actor !== who) return false;
  if (key !== undefined && record.key !== key) return false;
  if (team !== undefined && record.team !== team) return false;
  if (model !== undefined && record.model !== model && record.model_used !== model) return false;
  return session === undefined || sessionOf(record.client) === session;
}

/** A refusal has no `result` of its own: it is one. */
function hasResult(record: JournalRecord, result: string): boolean {
  return record.result === result || record.code === result || (result === 'refused' && record.kind === 'refusal');
}

function sessionOf(client: Json | undefined): Json | undefined {
  if (typeof client !== 'object' || client === null || Array.isArray(client)) return undefined;
  return (client as { readonly [key: string]: Json }).session;
}

function timeOf(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new RangeError('times are written in ISO 8601');
  return time;
}
