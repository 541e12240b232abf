/** What the rest asks of the views derived from the journal. Everything here runs in a worker, off the path of a call. */
import type { JournalRecord } from '../journal/records.ts';
import type { Scope } from '../policy/model.ts';
import type { UsageCounts } from '../pricing/model.ts';

export type UsageDimension = 'team' | 'person' | 'service' | 'key' | 'model' | 'day' | 'cost_center';

export interface UsageQuery {
  readonly by: UsageDimension;
  /** First day, `YYYY-MM-DD`, included: the day that calls were booked on. */
  readonly from: string;
  /** Last day, `YYYY-MM-DD`, included. */
  readonly to: string;
  /** Only calls charged to this team, `tea_…`. */
  readonly team?: string | undefined;
  /** Only calls of this person or service, `per_…` or `svc_…`. */
  readonly person?: string | undefined;
}

/** Sums over the calls of one value of the dimension. Token classes are the provider's. */
export interface UsageRow extends Omit<UsageCounts, 'geo' | 'fast' | 'batch' | 'whole'> {
  /** An id (`per_…`, `tea_…`, `key_…`), a model name, a cost centre or a day; null for calls without one. */
  readonly value: string | null;
  readonly calls: number;
  /** Calls that ended other than `ok`. */
  readonly failed: number;
  readonly refused: number;
  /** Calls for which the provider reported no usage. */
  readonly unmetered: number;
  /** Micro-dollars charged. Calls of version 0.1.0 carry no cost and count 0. */
  readonly costMicros: number;
  /** The part of `costMicros` that no whole usage report confirms: what was metered, or held for a call whose end is unknown. */
  readonly meteredMicros: number;
}

/** What was spent on one budget line in one stretch of days. */
export interface SpentLine {
  /** Returned with its rows; one id stands for one line of a question. */
  readonly id: string;
  readonly scope: Scope;
  /** Only calls that asked for one of these models, by exact name; null for all. */
  readonly models: readonly string[] | null;
  /** First day, included; null for the whole journal. */
  readonly fromDay: string | null;
  /** Last day, included. */
  readonly toDay: string;
}

export interface SpentRow {
  /** `SpentLine.id`. */
  readonly line: string;
  /** `org`, an id of the line's scope (`tea_…`, `per_…`, `svc_…`, `key_…`) or the model asked for. */
  readonly subject: string;
  /** Micro-dollars, above 0: who spent nothing has no row. */
  readonly micros: number;
}

export interface Spent {
  /** The sums hold every record up to and including this one, and none after it. */
  readonly seq: number;
  /**
   * The models of `askedModels` as of `seq`. One that the caller did not know when it resolved patterns to names is missing in
   * the sums: resolve and ask again.
   */
  readonly askedModels: readonly string[];
  /** Line by line as asked, subjects in order. */
  readonly rows: readonly SpentRow[];
}

/** What a month will cost, from what its days cost so far. All amounts are micro-dollars. */
export interface ForecastAmounts {
  /** Spent in the month up to and including today. */
  readonly toDateMicros: number;
  /** Expected of the whole month. */
  readonly expectedMicros: number;
  readonly lowMicros: number;
  readonly highMicros: number;
  /** `actual`: the month is over. `weekday`: from the same weekdays of the last four weeks. `linear`: there are too few of them. */
  readonly method: 'actual' | 'weekday' | 'linear';
}

export interface ForecastRow extends ForecastAmounts {
  /** `tea_…`; null for calls that no team is charged for. */
  readonly team: string | null;
}

export interface Forecast {
  readonly month: string;
  readonly today: string;
  /** By team, those without one last. */
  readonly rows: readonly ForecastRow[];
  /** To date and expected are the sums of the rows. */
  readonly total: ForecastAmounts;
}

/** One model, key or caller with what it cost in a window and what it usually costs in as many days, micro-dollars. */
export interface Growth {
  readonly value: string;
  readonly micros: number;
  readonly usualMicros: number;
  /** It cost nothing in the four weeks before. */
  readonly isNew: boolean;
}

/** Spending far above what is usual for the same person, service, key or team. */
export interface UnusualSpending {
  readonly scope: 'person' | 'service' | 'key' | 'team';
  readonly subject: string;
  /** Length of the window, which ends with `to`. */
  readonly days: 1 | 7;
  readonly to: string;
  /** First day of the last seven that stands out; where none does by itself, the first with spending. */
  readonly since: string;
  readonly micros: number;
  /** Median of its active days (`days` 1) or of its weeks (`days` 7) in the four weeks before. */
  readonly usualMicros: number;
  readonly calls: number;
  /** Mean of the same days or weeks. */
  readonly usualCalls: number;
  /** What made it grow: more calls, dearer calls, or both about alike. */
  readonly driver: 'calls' | 'cost_per_call' | 'both';
  /** What of it grew most; null where the scope says it already or nothing grew. */
  readonly model: Growth | null;
  readonly key: Growth | null;
  /** Of a team: `per_…` or `svc_…`. */
  readonly who: Growth | null;
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
  /** Every model that was asked for by that name and cost something, at most 200 characters each, in order. */
  askedModels(): Promise<readonly string[]>;
  /**
   * What was spent, for budgets: from finished calls only. Holds everything that was durable when it was asked; rejects with
   * ProjectionsUnavailable while the views are rebuilt or cannot follow, with RangeError for a question that means nothing.
   */
  spent(query: { readonly lines: readonly SpentLine[] }): Promise<Spent>;
  /** `month` is `YYYY-MM`, `today` a day in the policy's time zone. */
  forecast(query: { readonly month: string; readonly today: string }): Promise<Forecast>;
  /** Largest excess first. */
  unusual(query: { readonly today: string }): Promise<readonly UnusualSpending[]>;
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
