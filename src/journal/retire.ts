import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { failpoint } from '../kernel/failpoints.ts';
import { syncFolder } from '../kernel/sync.ts';
import type { SegmentName } from './names.ts';
import { listSegments, readRecords } from './read.ts';
import type { Journal, JsonObject } from './records.ts';
import type { SigningKey } from './signing.ts';

/** What a retired segment held. */
export interface RetiredSegment {
  readonly segment: string;
  /** Sequence numbers of its first and last record. */
  readonly first: number;
  readonly last: number;
  /** Hash of its last line. */
  readonly head: string;
  readonly records: number;
  /** Size of its lines with their newlines. */
  readonly bytes: number;
}

/** A file with the balances as of a segment's end, for replays that can no longer start at the beginning (P10). */
export interface Balances {
  readonly file: string;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface RetireOptions {
  readonly dir: string;
  readonly journal: Journal;
  /** Segments sealed longer ago than this go, milliseconds. */
  readonly keepMs: number;
  /** Produces the balances as of the segment's last record, durably; null when nothing is derived from the journal. */
  readonly balances: (segment: RetiredSegment) => Promise<Balances | null>;
  readonly key: SigningKey;
  readonly clock: Clock;
}

/**
 * Deletes the writer's oldest segments, as far as they are past the retention. Before each deletion a signed `segment.retired`
 * record is durable; the verifier accepts the gap because of it, and no other.
 *
 * @returns what was retired, oldest first
 * @throws Refusal when the record cannot be written, or the error of `balances`; the segment then stays
 */
export async function retireSegments(options: RetireOptions): Promise<RetiredSegment[]> {
  const { dir, journal, clock, keepMs } = options;
  const { writer, segment: current } = journal.head;
  const before = clock.now() - keepMs;
  const retired: RetiredSegment[] = [];
  for (const segment of await listSegments(dir, writer)) {
    if (segment.name >= current) break;
    const { sealedAt, ...held } = await survey(dir, writer, segment);
    if (!(sealedAt <= before)) break;
    await journal.append({ kind: 'segment.retired', body: await retiredBody(options, held) });
    failpoint('retire.recorded');
    await removeSegment(join(dir, writer), segment.name);
    retired.push(held);
  }
  return retired;
}

/** Reads a sealed segment to its end. */
async function survey(dir: string, writer: string, segment: SegmentName) {
  let bytes = 0;
  for await (const { record, line, hash } of readRecords(dir, writer, { seq: segment.first })) {
    bytes += line.length + 1;
    if (record.kind !== 'segment.seal') continue;
    const records = record.seq - segment.first + 1;
    const held = { segment: segment.name, first: segment.first, last: record.seq, head: hash, records, bytes };
    return { ...held, sealedAt: Date.parse(record.at) };
  }
  throw new Error(`${segment.path} has no seal`);
}

async function retiredBody({ balances, key, journal }: RetireOptions, held: RetiredSegment): Promise<JsonObject> {
  const opening = await balances(held);
  const { segment, first, last, head, records, bytes } = held;
  const pair = opening === null ? null : [opening.file, opening.sha256];
  const signed = [journal.head.writer, segment, first, last, head, records, bytes, pair, key.id];
  const signature = key.sign(`gatehouse segment.retired\n${JSON.stringify(signed)}`);
  const named = opening === null ? null : { file: opening.file, sha256: opening.sha256 };
  return { segment, first, last, head, records, bytes, balances: named, key: key.id, signature };
}

/** Removes a segment in whichever form it is, and the torn bytes kept beside it. */
async function removeSegment(folder: string, name: string): Promise<void> {
  for (const file of await readdir(folder)) {
    if (file.startsWith(`${name}.jsonl`)) await rm(join(folder, file), { force: true });
  }
  failpoint('retire.removed');
  await syncFolder(folder);
}
