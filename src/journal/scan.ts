import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { Chain, type Effect, effectOf } from './chain.ts';
import type { JournalFile, JournalFiles } from './files.ts';
import { hashOf, parseLine } from './line.ts';
import { chunksOfFile, type Line, linesOf } from './lines.ts';
import type { SegmentName } from './names.ts';
import type { JournalRecord, Json } from './records.ts';

/** The journal is broken in a way that no crash explains. Starting would build on it, so nothing starts. */
export class JournalDamaged extends Error {
  constructor(file: string, line: number, what: string) {
    super(
      `${file}, line ${line}: ${what}. Nothing was changed. Keep the folder as evidence and run gatehouse audit verify on it; ` +
        'to go on, restore the journal from a copy, or start with an empty journal folder',
    );
    this.name = 'JournalDamaged';
  }
}

/** What a segment holds, up to its last good line. */
export interface Scan {
  readonly chain: Chain;
  readonly records: number;
  /** Offset behind the last good line. */
  readonly size: number;
  readonly lastLine: number;
  /** Bytes behind it: the torn tail. */
  readonly torn: number;
  readonly sealed: boolean;
  /** Milliseconds since the epoch, from the open line. */
  readonly openedAt: number;
  /** Torn files that a `recovered` record of this segment names. */
  readonly reported: ReadonlySet<string>;
}

interface Progress {
  chain: Chain;
  records: number;
  size: number;
  lastLine: number;
  sealed: boolean;
  openedAt: number;
  reported: Set<string>;
}

/**
 * Reads one segment and checks its chain.
 *
 * @throws JournalDamaged for a bad line that is not the last one
 */
export async function scanSegment(files: JournalFiles, segment: SegmentName): Promise<Scan> {
  const file = await files.open(segment.path, 'existing');
  try {
    const progress: Progress = {
      chain: new Chain(),
      records: 0,
      size: 0,
      lastLine: 0,
      sealed: false,
      openedAt: 0,
      reported: new Set(),
    };
    let bad: { line: number; what: string } | null = null;
    let end = 0;
    for await (const line of linesOf(segment.compressed ? unpacked(file) : chunksOfFile(file))) {
      if (bad !== null) throw new JournalDamaged(segment.path, bad.line, bad.what);
      end = line.end;
      const what = take(progress, segment, line);
      if (what !== null) bad = { line: progress.records + 1, what };
    }
    return { ...progress, torn: end - progress.size };
  } finally {
    await file.close();
  }
}

function unpacked(file: JournalFile): AsyncIterable<Buffer> {
  return pipeline(Readable.from(chunksOfFile(file)), createGunzip(), () => {
    // The reader sees the error itself.
  });
}

/** Adds a line to the progress; returns what is wrong with it, or null. */
function take(progress: Progress, segment: SegmentName, line: Line): string | null {
  if (!line.finished) return 'the line is not finished';
  if (line.bytes === null) return 'the line is longer than any record';
  let record: JournalRecord;
  let effect: Effect;
  try {
    record = parseLine(line.bytes);
    effect = effectOf(record.kind, record.id, record);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const { chain } = progress;
  if (progress.records === 0) {
    if (record.kind !== 'segment.open') return 'the first record is not segment.open';
    if (record.seq !== segment.first)
      return `the first record is number ${record.seq}, not the one the file is named by`;
    begin(progress, record);
  } else if (record.seq !== chain.seq + 1) {
    return `record ${record.seq} follows record ${chain.seq}`;
  } else if (record.prev !== chain.hash) {
    return `record ${record.seq} does not carry the hash of the record before it`;
  } else if (progress.sealed) {
    return `record ${record.seq} stands behind the seal`;
  }
  chain.advance(effect, record.seq, hashOf(line.bytes));
  progress.records++;
  progress.size = line.end;
  progress.lastLine = line.bytes.length;
  progress.sealed = record.kind === 'segment.seal';
  if (record.kind === 'recovered') for (const name of textsOf(record.torn_files)) progress.reported.add(name);
  return null;
}

function begin(progress: Progress, open: JournalRecord): void {
  for (const id of textsOf(open.open_intents)) progress.chain.open.add(id);
  progress.chain.outbox = typeof open.outbox === 'number' ? open.outbox : 0;
  progress.openedAt = Date.parse(open.at);
}

function textsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
