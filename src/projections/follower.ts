/** Keeps views in step with the journal on disk, a batch of records at a time. Synchronous, like what it reads with. */
import { hashOf, parseLine } from '../journal/line.ts';
import type { SegmentName } from '../journal/names.ts';
import type { JournalRecord } from '../journal/records.ts';
import { failpoint } from '../kernel/failpoints.ts';
import { loadBalances } from './balances.ts';
import { linesFrom, offsetOf, openSegment, segmentsOf, seqOf } from './segment-bytes.ts';
import type { Cursor, Views } from './views.ts';

export interface FollowerOptions {
  readonly journalDir: string;
  readonly writer: string;
  readonly views: Views;
  /** Hears that the views did not fit the journal and are built again. */
  readonly onRebuild: (reason: string) => void;
  /** Records in one transaction. Default 2000. */
  readonly batch?: number;
}

interface Position {
  readonly segment: SegmentName;
  readonly offset: number;
}

/** Lines that continue the chain, and why there are no more of them: null at the end of what is written. */
interface Found {
  readonly records: readonly JournalRecord[];
  readonly hash: string;
  readonly end: number;
  readonly problem: string | null;
}

export class Follower {
  /** True while a replay from the start has not reached the end of the journal: the sums are not whole yet. */
  rebuilding = false;
  readonly #options: FollowerOptions;
  readonly #batch: number;
  #position: Position | null = null;
  /** A break in the chain may be a write that was just taken back; only one that stands after a second look is reported. */
  #doubted = false;
  /** Set by a reset until the place it leads to is found, so that balances which do not fit cannot reset for ever. */
  #fresh = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#batch = options.batch ?? 2000;
  }

  /**
   * Applies the next batch, up to and including record `until`. Returns true at the end of the journal as it is now.
   * When the views do not fit the journal (an older one was restored) they are emptied and replayed by the next steps.
   *
   * @throws for a broken chain, for missing opening balances and for errors of the disk; the views stay as they were
   */
  step(until = Number.POSITIVE_INFINITY): boolean {
    try {
      const atEnd = this.#next(until);
      if (atEnd) this.rebuilding = false;
      return atEnd;
    } catch (error) {
      this.#position = null;
      // Compressed or retired between being listed and being opened: the next step finds out which.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Empties the views and puts the opening balances of the oldest kept segment in. Without these, nothing is emptied. */
  reset(reason: string): void {
    const { views, onRebuild } = this.#options;
    const segments = this.#segments();
    const oldest = segments[0];
    this.rebuilding = true;
    views.transaction(() => {
      views.clear();
      if (oldest !== undefined && oldest.first > 1) loadBalances(views, segments, oldest);
    });
    this.#position = null;
    this.#fresh = true;
    onRebuild(reason);
  }

  #segments(): SegmentName[] {
    return segmentsOf(this.#options.journalDir, this.#options.writer);
  }

  #next(until: number): boolean {
    const { cursor } = this.#options.views;
    if (this.#position === null) {
      const place = locate(this.#segments(), cursor);
      if (place === null) return true;
      if (typeof place === 'string') {
        if (this.#fresh) throw new Error(place);
        this.reset(place);
        return false;
      }
      if (cursor.seq === 0) this.rebuilding = true;
      this.#position = place;
      this.#fresh = false;
    }
    const found = readBatch(this.#position, cursor, Math.min(this.#batch, until - cursor.seq));
    if (found.records.length > 0) {
      this.#commit(cursor, found);
      this.#position = { segment: this.#position.segment, offset: found.end };
      this.#doubted = false;
      return false;
    }
    if (found.problem === null) return this.#turnPage(cursor.seq);
    if (this.#doubted) throw new Error(`the journal cannot be followed beyond record ${cursor.seq}: ${found.problem}`);
    this.#doubted = true;
    this.#position = null;
    return false;
  }

  #commit(cursor: Cursor, { records, hash }: Found): void {
    const { views } = this.#options;
    views.transaction(() => {
      views.apply(records);
      views.setCursor({ seq: cursor.seq + records.length, hash, records: cursor.records + records.length });
      failpoint('views.before-commit');
    });
    failpoint('views.after-commit');
  }

  /** Goes on to the next segment; true when there is none yet. */
  #turnPage(seq: number): boolean {
    const segment = this.#segments().find(({ first }) => first === seq + 1);
    if (segment === undefined || segment.first === this.#position?.segment.first) return true;
    this.#position = { segment, offset: 0 };
    return false;
  }
}

/** Where the records after the cursor start; a sentence when the cursor is not of this journal; null when there is no journal. */
function locate(segments: readonly SegmentName[], cursor: Cursor): Position | string | null {
  const oldest = segments[0];
  if (oldest === undefined) return cursor.seq === 0 ? null : 'the journal is gone';
  if (cursor.seq < oldest.first - 1) return 'records the views have not seen were retired';
  const segment = segments.findLast(({ first }) => first <= Math.max(cursor.seq, oldest.first)) ?? oldest;
  const bytes = openSegment(segment);
  try {
    if (cursor.seq < segment.first) {
      const line = linesFrom(bytes, 0).next().value;
      const fits = line === undefined || parseLine(line.bytes).prev === cursor.hash;
      return fits ? { segment, offset: 0 } : 'the oldest kept record does not continue the views';
    }
    const line = linesFrom(bytes, offsetOf(bytes, cursor.seq)).next().value;
    if (line === undefined) return 'the journal ends before the last record of the views';
    const same = seqOf(line.bytes) === cursor.seq && hashOf(line.bytes) === cursor.hash;
    return same
      ? { segment, offset: line.end }
      : 'the journal has another record in the place of the last one of the views';
  } finally {
    bytes.close();
  }
}

function readBatch({ segment, offset }: Position, cursor: Cursor, most: number): Found {
  const records: JournalRecord[] = [];
  let { seq, hash } = cursor;
  let end = offset;
  const bytes = openSegment(segment);
  try {
    if (bytes.size < offset) return { records, hash, end, problem: 'the segment became shorter' };
    for (const line of linesFrom(bytes, offset)) {
      if (records.length >= most) break;
      const record = parse(line.bytes);
      if (typeof record === 'string') return { records, hash, end, problem: record };
      if (record.seq !== seq + 1 || record.prev !== hash) return { records, hash, end, problem: 'the chain breaks' };
      records.push(record);
      seq = record.seq;
      hash = hashOf(line.bytes);
      end = line.end;
    }
  } finally {
    bytes.close();
  }
  return { records, hash, end, problem: null };
}

function parse(line: Buffer): JournalRecord | string {
  try {
    return parseLine(line);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
