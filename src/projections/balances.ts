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
import { KEY_COLUMNS, NOTHING, type OpenIntent, SUMS, type UsageKey, type UsageSums } from './tally.ts';
import type { Views } from './views.ts';

const FORMAT = 'gatehouse-balances/2';
/** Written by version 0.1.0: without cost, cost centres and the model asked for. */
const FIRST_FORMAT = 'gatehouse-balances/1';

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
  const usage = views.database.prepare(`SELECT * FROM usage_daily ORDER BY ${KEY_COLUMNS.join(', ')}`);
  for (const row of usage.iterate()) {
    const pick = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, row[name]]));
    yield { usage: pick(KEY_COLUMNS), sums: pick(SUMS) };
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

interface BalanceEntry {
  readonly format?: string;
  readonly seq: number;
  readonly hash: string;
  readonly usage?: UsageKey;
  readonly sums: UsageSums;
  readonly intent?: OpenIntent;
}

/** Adds every line to the views; returns the SHA-256 of the whole file. */
function load(views: Views, path: string): string {
  const hash = createHash('sha256');
  const bytes = openSegment({ path, compressed: false });
  try {
    let format: string | undefined;
    for (const line of linesFrom(bytes, 0)) {
      hash.update(line.bytes).update('\n');
      const entry: BalanceEntry = JSON.parse(line.bytes.toString());
      format ??= formatOf(entry, path);
      const { usage, sums, intent } = format === FIRST_FORMAT ? asOfToday(entry) : entry;
      if (usage) views.addUsage(usage, sums);
      else if (intent) views.addIntent(intent);
      else if (entry.format === format) views.setCursor({ seq: entry.seq, hash: entry.hash, records: 0 });
      else throw new Error(`the opening balances ${path} hold a line of an unknown kind`);
    }
  } finally {
    bytes.close();
  }
  return hash.digest('hex');
}

/** The format that the first line names. Throws for one that this version does not know, such as a later version's. */
function formatOf({ format }: BalanceEntry, path: string): string {
  if (format === FORMAT || format === FIRST_FORMAT) return format;
  throw new Error(`the opening balances ${path} are of a format that this version of Gatehouse does not know`);
}

/** A line of the first format: what it does not say was not recorded then either. */
function asOfToday({ usage, sums, intent }: BalanceEntry): Pick<BalanceEntry, 'usage' | 'sums' | 'intent'> {
  return {
    sums: { ...NOTHING, ...sums },
    ...(usage ? { usage: { ...usage, cost_center: '', asked: '' } } : {}),
    ...(intent ? { intent: { ...intent, day: '', cost_center: '', reserved: 0 } } : {}),
  };
}
