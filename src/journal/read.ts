import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf, parseLine, seqOfLine } from './line.ts';
import { chunksOfGzip, chunksOfPlain, type Line, linesOf } from './lines.ts';
import { type SegmentName, segmentsAmong, writerName } from './names.ts';
import type { JournalRecord } from './records.ts';

/** Where to go on reading. `segment` and `offset` spare the search; they may be stale, `seq` alone decides. */
export interface Cursor {
  /** Sequence number of the next record to read. */
  readonly seq: number;
  readonly segment?: string;
  /** Offset of its line in the unpacked segment. */
  readonly offset?: number;
}

export interface ReadRecord {
  readonly record: JournalRecord;
  /** SHA-256 of the line, lower-case hex. */
  readonly hash: string;
  /** The line's bytes without the newline. */
  readonly line: Buffer;
  /** Where the record after it will be. */
  readonly next: Required<Cursor>;
}

export interface ReadFrom extends Partial<Cursor> {
  /**
   * Last sequence number to read. Give `head.seq` while the writer runs: what stands behind the head is not acknowledged yet and
   * may be taken back.
   */
  readonly through?: number;
}

/** What was read is not a journal, or lacks a part. */
export class JournalReadError extends Error {
  constructor(path: string, what: string, options?: ErrorOptions) {
    super(`${path}: ${what}`, options);
    this.name = 'JournalReadError';
  }
}

/** A writer's segments, oldest first; empty when there is no such folder. */
export async function listSegments(dir: string, writer: string): Promise<SegmentName[]> {
  const folder = join(dir, writerName(writer));
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return segmentsAmong(folder, files);
}

/**
 * The records from a cursor on (default: the oldest kept one), in order, across segments, checking that each carries the hash of
 * the one before it. Ends at the last finished line; to follow a running writer, call again with the last `next`. Holds one line.
 *
 * @throws JournalReadError when the records asked for were retired, or when what is there is no unbroken chain
 */
export async function* readRecords(dir: string, writer: string, from: ReadFrom = {}): AsyncGenerator<ReadRecord> {
  const { through = Number.MAX_SAFE_INTEGER } = from;
  let at: Partial<Cursor> = from;
  let prev: string | null = null;
  for (;;) {
    const segments = await listSegments(dir, writer);
    const seq: number = at.seq ?? segments[0]?.first ?? 1;
    if (seq > through || segments.length === 0) return;
    const segment = segments.findLast(({ first }) => first <= seq);
    if (segment === undefined)
      throw new JournalReadError(join(dir, writer), `the records before ${segments[0]?.first} were retired`);
    let last = seq - 1;
    for await (const read of segmentFrom(segment, { ...at, seq })) {
      if (prev !== null && read.record.prev !== prev) {
        throw new JournalReadError(
          segment.path,
          `record ${read.record.seq} does not carry the hash of the one before it`,
        );
      }
      prev = read.hash;
      at = read.next;
      last = read.record.seq;
      yield read;
      if (read.record.seq >= through) return;
    }
    if (last >= seq) continue;
    if (segment === segments.at(-1)) return;
    throw new JournalReadError(segment.path, `record ${seq} is missing: the next segment starts with another one`);
  }
}

/** The records of one segment from `at.seq` on. */
async function* segmentFrom(segment: SegmentName, at: Cursor): AsyncGenerator<ReadRecord> {
  const offset = at.segment === segment.name ? (at.offset ?? 0) : 0;
  let want = at.seq;
  try {
    for await (const line of linesAt(segment, offset)) {
      if (!line.finished) return;
      if (line.bytes === null) throw new JournalReadError(segment.path, 'a line is longer than any record');
      const seq = seqOfLine(line.bytes);
      if (seq < want && want === at.seq && offset === 0) continue;
      if (seq !== want) {
        if (offset > 0 && want === at.seq) return yield* segmentFrom(segment, { seq: want });
        throw new JournalReadError(segment.path, `record ${want} was expected at byte ${line.start}`);
      }
      want++;
      yield readOf(segment, line, line.bytes);
    }
  } catch (error) {
    // Packed or retired since the folder was listed: the caller looks again, and finds it, or says that it is gone.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (segment.compressed)
      throw new JournalReadError(segment.path, 'the segment was retired meanwhile', { cause: error });
    const path = `${segment.path}.gz`;
    yield* segmentFrom({ ...segment, path, compressed: true }, { ...at, seq: want });
  }
}

async function* linesAt(segment: SegmentName, offset: number): AsyncGenerator<Line> {
  const chunks = segment.compressed ? chunksOfGzip(segment.path, offset) : chunksOfPlain(segment.path, offset);
  yield* linesOf(chunks, offset);
}

function readOf(segment: SegmentName, line: Line, bytes: Buffer): ReadRecord {
  try {
    const record = parseLine(bytes);
    const next = { seq: record.seq + 1, segment: segment.name, offset: line.end };
    return { record, hash: hashOf(bytes), line: bytes, next };
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new JournalReadError(segment.path, `at byte ${line.start}: ${what}`, { cause: error });
  }
}
