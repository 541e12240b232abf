/** Search in the journal without an index: bounded work a page, whatever is asked for. */
import { parseLine } from '../journal/line.ts';
import type { SegmentName } from '../journal/names.ts';
import type { JournalRecord } from '../journal/records.ts';
import { type AuditFilter, auditFilter } from './audit-filter.ts';
import { headOf } from './line-head.ts';
import type { AuditPage, AuditQuery } from './ports.ts';
import { type Line, linesBefore, linesFrom, offsetOf, openIfKept } from './segment-bytes.ts';
import { inTime } from './segment-times.ts';

/** When a page ends although it is not full; it then carries a cursor, and may be empty. */
export interface AuditBudget {
  /** Records looked at. */
  readonly records: number;
  readonly milliseconds: number;
  /** Bytes of records returned: encrypted contents can be large. */
  readonly bytes: number;
}

export const AUDIT_BUDGET: AuditBudget = { records: 200_000, milliseconds: 3000, bytes: 8 * 1024 * 1024 };

const MAX_LIMIT = 1000;

export interface AuditSource {
  /** Oldest first. */
  readonly segments: readonly SegmentName[];
  readonly budget: AuditBudget;
  /** Monotonic milliseconds. */
  readonly monotonic: () => number;
  /** Looks up an intent by its record id. */
  readonly intent: (id: string) => JournalRecord | undefined;
}

/**
 * One page. Throws RangeError for a query that means nothing: a limit outside 1 to 1000, a foreign cursor, a bad time.
 */
export function searchAudit(source: AuditSource, query: AuditQuery): AuditPage {
  if (!Number.isInteger(query.limit) || query.limit < 1 || query.limit > MAX_LIMIT) {
    throw new RangeError(`a page holds 1 to ${MAX_LIMIT} records`);
  }
  const oldestFirst = query.oldestFirst === true;
  const mark = oldestFirst ? 'o' : 'n';
  const page = new Page(source, query);
  for (const line of oldestFirst ? upwards(source, query, page.filter) : downwards(source, query, page.filter)) {
    if (page.full) return { records: page.records, cursor: `${mark}${page.last}` };
    page.look(line);
  }
  return { records: page.records, cursor: null };
}

class Page {
  readonly records: JournalRecord[] = [];
  readonly filter: AuditFilter;
  /** Sequence number looked at last: where the next page goes on. */
  last = 0;
  readonly #source: AuditSource;
  readonly #limit: number;
  readonly #deadline: number;
  #seen = 0;
  #bytes = 0;

  constructor(source: AuditSource, query: AuditQuery) {
    this.filter = auditFilter(query);
    this.#source = source;
    this.#limit = query.limit;
    this.#deadline = source.monotonic() + source.budget.milliseconds;
  }

  /** Never before the first record, so that paging always gets on. */
  get full(): boolean {
    const { budget, monotonic } = this.#source;
    if (this.#seen === 0) return false;
    return (
      this.records.length >= this.#limit ||
      this.#seen >= budget.records ||
      this.#bytes >= budget.bytes ||
      monotonic() >= this.#deadline
    );
  }

  look({ bytes }: Line): void {
    const head = headOf(bytes);
    this.last = head.seq;
    this.#seen++;
    if (!this.filter.head(head)) return;
    const record = parseLine(bytes);
    if (!this.filter.record(record, () => this.#source.intent(String(record.intent)))) return;
    this.records.push(record);
    this.#bytes += bytes.length;
  }
}

function* downwards(source: AuditSource, query: AuditQuery, filter: AuditFilter): Generator<Line> {
  const below = cursorOf(query.cursor, 'n') ?? Number.POSITIVE_INFINITY;
  const after = query.afterSeq ?? 0;
  for (const segment of inTime(source.segments, filter).reverse()) {
    if (segment.first >= below) continue;
    const bytes = openIfKept(segment);
    if (bytes === null) continue;
    try {
      const limit = below === Number.POSITIVE_INFINITY ? bytes.size : offsetOf(bytes, below);
      for (const line of linesBefore(bytes, limit)) {
        if (headOf(line.bytes).seq <= after) return;
        yield line;
      }
    } finally {
      bytes.close();
    }
  }
}

function* upwards(source: AuditSource, query: AuditQuery, filter: AuditFilter): Generator<Line> {
  const after = Math.max(query.afterSeq ?? 0, cursorOf(query.cursor, 'o') ?? 0);
  const segments = inTime(source.segments, filter);
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next !== undefined && next.first <= after + 1) continue;
    const bytes = openIfKept(segment);
    if (bytes === null) continue;
    try {
      yield* linesFrom(bytes, offsetOf(bytes, after + 1));
    } finally {
      bytes.close();
    }
  }
}

function cursorOf(text: string | undefined, mark: 'n' | 'o'): number | null {
  if (text === undefined) return null;
  const match = /^([no])(\d{1,15})$/.exec(text);
  if (match?.[1] !== mark) throw new RangeError('this cursor does not belong to this query');
  return Number(match[2]);
}
