/** What the rest asks of the views derived from the journal. Everything here runs in a worker, off the path of a call. */
import type { JournalRecord } from '../journal/records.ts';

export type UsageDimension = 'team' | 'person' | 'service' | 'key' | 'model' | 'day';

export interface UsageQuery {
  readonly by: UsageDimension;
  /** First day, `YYYY-MM-DD`, UTC, included. */
  readonly from: string;
  /** Last day, `YYYY-MM-DD`, UTC, included. */
  readonly to: string;
}

/** Sums over the calls of one value of the dimension. Token classes are the provider's. */
export interface UsageRow {
  /** An id (`per_…`, `tea_…`, `key_…`), a model name or a day; null for calls without one. */
  readonly value: string | null;
  readonly calls: number;
  /** Calls that ended other than `ok`. */
  readonly failed: number;
  readonly refused: number;
  /** Calls for which the provider reported no usage. */
  readonly unmetered: number;
  readonly inputTokens: number;
  readonly cacheWrite5mTokens: number;
  readonly cacheWrite1hTokens: number;
  readonly cacheReadTokens: number;
  readonly outputTokens: number;
  readonly webSearches: number;
}

export interface AuditQuery {
  /** Newest first unless `oldestFirst`. */
  readonly oldestFirst?: boolean | undefined;
  readonly limit: number;
  /** Opaque, from a previous page. */
  readonly cursor?: string | undefined;
  readonly kinds?: readonly string[] | undefined;
  /** `per_…` or `svc_…`. */
  readonly who?: string | undefined;
  readonly key?: string | undefined;
  readonly team?: string | undefined;
  readonly model?: string | undefined;
  readonly session?: string | undefined;
  /** `ok`, `error`, `refused`, … or an error code. */
  readonly result?: string | undefined;
  /** ISO 8601, included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** Only records after this sequence number (for following the tail). */
  readonly afterSeq?: number | undefined;
}

export interface AuditPage {
  readonly records: readonly JournalRecord[];
  /** Null on the last page. */
  readonly cursor: string | null;
}

export interface Projections {
  usage(query: UsageQuery): Promise<readonly UsageRow[]>;
  audit(query: AuditQuery): Promise<AuditPage>;
  /** The record and those that belong to it (intent, attempts, outcome, content), oldest first; empty when unknown. */
  show(id: string): Promise<readonly JournalRecord[]>;
  /** Drops every view and replays the journal (P10). Reports how many records it read. */
  rebuild(): Promise<{ readonly records: number }>;
  /** Sequence number up to which the views are true. */
  status(): Promise<{ readonly seq: number; readonly records: number }>;
  /** Writes the aggregates up to and including `seq` as opening balances to `file`; returns its SHA-256. */
  balances(seq: number, file: string): Promise<{ readonly sha256: string }>;
  close(): Promise<void>;
}
