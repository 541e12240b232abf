/**
 * Opening balances: the views as of one record, in a file, so that older segments can be retired and every total still be
 * rebuilt (P10). JSON lines: a head, then usage rows, then open intents, each sorted by key: equal views give equal bytes.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseLine } from '../journal/line.ts';
import type { SegmentName } from '../journal/names.ts';
import type { JournalRecord, Json } from '../journal/records.ts';
import { headOf } from './line-head.ts';
import { linesBefore, linesFrom, openSegment } from './segment-bytes.ts';
import { SUMS } from './tally.ts';
import type { Views } from './views.ts';

const FORMAT = 'gatehouse-balances/1';

/** Writes the views as they are to `file`, durably and whole or not at all. Returns the SHA-256 of its bytes. */
export function writeBalances(views: Views, file: string): { sha256: string } {
  const hash = createHash('sha256');
  const unfinished = `${file}.tmp`;
  try {
    const fd = openSync(unfinished, 'w', 0o600);
    try {
      for (const line of balanceLines(views)) {
        const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
        hash.update(bytes);
        writeSync(fd, bytes);
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(unfinished, file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  syncFolder(dirname(file));
  return { sha256: hash.digest('hex') };
}

function* balanceLines(views: Views): Generator<object> {
  const { seq, hash } = views.cursor;
  yield { format: FORMAT, seq, hash };
  const usage = views.database.prepare('SELECT * FROM usage_daily ORDER BY day, who, key, team, model');
  for (const row of usage.iterate()) {
    const { day, who, key, team, model } = row;
    yield { usage: { day, who, key, team, model }, sums: Object.fromEntries(SUMS.map((name) => [name, row[name]])) };
  }
  for (const intent of views.database.prepare('SELECT * FROM intents ORDER BY id').iterate()) yield { intent };
}

/** Windows cannot open a folder and needs no such step. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Fills empty views with the balances before `oldest`, inside the caller's transaction. The chain says what the file must
 * hash to, so balances that somebody rewrote are not believed.
 *
 * @throws when no record of a retirement names balances that end right before `oldest`, and when the file is not what it names
 */
export function loadBalances(views: Views, segments: readonly SegmentName[], oldest: SegmentName): void {
  const retired = retirementOf(segments, oldest.first - 1);
  if (retired === null) throw new Error(`no record names the opening balances before record ${oldest.first}`);
  const { file, sha256, head } = retired;
  const path = join(dirname(oldest.path), file);
  if (!existsSync(path)) throw new Error(`the opening balances ${file} are missing: restore the file from a backup`);
  if (sha256 !== load(views, path)) {
    throw new Error(`the opening balances ${file} are not those the journal names: restore the file from a backup`);
  }
  const { seq, hash } = views.cursor;
  if (seq !== oldest.first - 1 || hash !== head) throw new Error(`the opening balances ${file} end at another record`);
}

interface Retirement {
  readonly file: string;
  readonly sha256: string;
  /** Hash of the last retired line. */
  readonly head: string;
}

/** The newest kept `segment.retired` record of the segment that ended with record `last`. */
function retirementOf(segments: readonly SegmentName[], last: number): Retirement | null {
  for (const segment of segments.toReversed()) {
    const bytes = openSegment(segment);
    try {
      for (const line of linesBefore(bytes, bytes.size)) {
        if (headOf(line.bytes).kind !== 'segment.retired') continue;
        const record = parseLine(line.bytes);
        if (record.last === last) return balancesNamedBy(record);
      }
    } finally {
      bytes.close();
    }
  }
  return null;
}

function balancesNamedBy({ balances, head }: JournalRecord): Retirement | null {
  if (typeof balances !== 'object' || balances === null || typeof head !== 'string') return null;
  const { file, sha256 } = balances as Record<string, Json>;
  if (typeof file !== 'string' || typeof sha256 !== 'string') return null;
  // A name with a folder in it could make us read anything on this machine.
  return basename(file) === file ? { file, sha256, head } : null;
}

/** Adds every line to the views; returns the SHA-256 of the whole file. */
function load(views: Views, path: string): string {
  const hash = createHash('sha256');
  const bytes = openSegment({ path, compressed: false });
  try {
    for (const line of linesFrom(bytes, 0)) {
      hash.update(line.bytes).update('\n');
      const entry = JSON.parse(line.bytes.toString());
      if (entry.usage) views.addUsage(entry.usage, entry.sums);
      else if (entry.intent) views.addIntent(entry.intent);
      else if (entry.format === FORMAT) views.setCursor({ seq: entry.seq, hash: entry.hash, records: 0 });
      else throw new Error(`the opening balances ${path} hold a line of an unknown format`);
    }
  } finally {
    bytes.close();
  }
  return hash.digest('hex');
}
