import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, gzipSync } from 'node:zlib';
import { realFiles } from '../../../src/journal/files.ts';
import { JournalReadError, readRecords } from '../../../src/journal/read.ts';
import { JournalDamaged, scanSegment } from '../../../src/journal/scan.ts';
import { verifyJournal } from '../../../src/journal/verify.ts';
import { type Random, randomOf } from '../engine/random.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { checkpointOf, linesOf, PUBLIC_KEY, type Segment, sampleJournal } from './journal-reference.ts';

const dirs: string[] = [];

/** Writes segments of writer `one` over whatever stood there; `packed` ones as gzip. */
function written(segments: readonly Segment[], packed: boolean): string {
  const dir = dirs[0] ?? mkdtempSync(join(tmpdir(), 'gatehouse-fuzz-'));
  if (dirs.length === 0) dirs.push(dir);
  rmSync(join(dir, 'one'), { recursive: true, force: true });
  mkdirSync(join(dir, 'one'));
  for (const { name, bytes } of segments) {
    writeFileSync(
      join(dir, 'one', `${name}.jsonl${packed ? '.gz' : ''}`),
      packed ? gzipSync(bytes, { level: 1 }) : bytes,
    );
  }
  return dir;
}

async function close(): Promise<void> {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
}

async function readAll(dir: string): Promise<string[] | null> {
  const lines: string[] = [];
  try {
    for await (const { line } of readRecords(dir, 'one')) lines.push(line.toString('latin1'));
    return lines;
  } catch (error) {
    if (!(error instanceof JournalReadError)) throw error;
    return null;
  }
}

/** Any bytes at all as a segment: nobody throws what it does not say it throws, and whoever verifies has read what a reader reads. */
async function runBytes(input: Uint8Array): Promise<void> {
  const dir = written([{ name: '000000000001', bytes: Buffer.from(input) }], false);
  const report = await verifyJournal({ dir });
  const lines = await readAll(dir);
  const [one] = report.writers;
  assert.ok(one !== undefined && one.problems.length <= 200 && one.problems.length <= one.problemCount);
  if (report.ok) {
    assert.notEqual(lines, null, 'the verifier finds nothing wrong with what the reader refuses');
    assert.equal(lines?.length, one.records, 'the reader reads other records than the verifier');
  }
  const path = join(dir, 'one', '000000000001.jsonl');
  try {
    const scan = await scanSegment(realFiles, { name: '000000000001', first: 1, path, compressed: false });
    assert.ok(scan.size + scan.torn === input.length, 'bytes of a segment are unaccounted for');
  } catch (error) {
    if (!(error instanceof JournalDamaged)) throw error;
    assert.equal(report.ok, false, 'the verifier finds nothing wrong with what the writer refuses to go on from');
  }
}

/** Edits of a sound journal: found, or nothing that the checkpoint covers reads differently (P6). */
async function runTamper(input: Uint8Array): Promise<void> {
  const before = sampleJournal();
  const random = randomOf(crc32(input));
  // Pairs of bytes: which edit, and what with. A byte that is left over only changes where.
  const pairs = Array.from({ length: Math.min(4, input.length >> 1) }, (_, i) => input.subarray(2 * i, 2 * i + 2));
  const after = pairs.reduce((segments, [how = 0, what = 0]) => edited(segments, how, { random, what }), before);
  const dir = written(after, (input[0] ?? 0) % 5 === 4);
  const report = await verifyJournal({ dir, publicKey: PUBLIC_KEY, checkpoint: checkpointOf(before) });
  if (!report.ok) return;
  const covered = linesOf(before);
  const now = await readAll(dir);
  assert.deepEqual(now?.slice(0, covered.length), covered, 'a change of the records was not found');
}

interface How {
  readonly random: Random;
  readonly what: number;
}

const EDITS: readonly ((lines: string[], at: number, how: How) => void)[] = [
  (lines, at) => lines.splice(at, 1),
  (lines, at) => lines.splice(at, 0, lines[at] ?? ''),
  (lines, at, { random }) => {
    const other = random.below(lines.length);
    [lines[at], lines[other]] = [lines[other] ?? '', lines[at] ?? ''];
  },
  (lines, at, { random, what }) => {
    const line = lines[at] ?? '';
    const place = random.below(line.length);
    lines[at] = line.slice(0, place) + String.fromCharCode(what) + line.slice(place + 1);
  },
  (lines, at) => lines.splice(at),
  (lines, at) => {
    lines[at] = ` ${lines[at]}`;
  },
  (lines, at) => {
    lines[at] = (lines[at] ?? '').replace(/"seq":(\d+)/, '"seq":$1,"seq":$1');
  },
  (lines, at) => {
    lines[at] = (lines[at] ?? '').replace(/"n":(\d+)/, '"n":$1.0');
  },
  (lines, at) => {
    lines[at] = (lines[at] ?? '').replace('"kind"', '"k\\u0069nd"');
  },
  (lines, at) => lines.splice(at, 2, `${lines[at]}${lines[at + 1] ?? ''}`),
  (lines, at) => lines.splice(at, 0, ''),
  (lines, at) => {
    lines[at] = `${lines[at]}\r`;
  },
  (lines, at) => {
    lines[at] = (lines[at] ?? '').replace('"model":"a"', '"model":"b"');
  },
];

function edited(segments: readonly Segment[], how: number, more: How): Segment[] {
  const { random, what } = more;
  const at = random.below(segments.length);
  if (how >= 250) return segments.filter((_, i) => i !== at);
  if (how >= 245)
    return segments.map((one, i) => (i === at ? { ...one, name: String(1 + random.below(9)).padStart(12, '0') } : one));
  return segments.map((segment, i) => {
    if (i !== at) return segment;
    const lines = segment.bytes.toString('latin1').split('\n').slice(0, -1);
    EDITS[how % EDITS.length]?.(lines, random.below(lines.length), { random, what });
    return { ...segment, bytes: Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1') };
  });
}

export const journal: FuzzTarget = {
  name: 'journal',
  parses: 'src/journal/{read,scan,line,lines,verify*}.ts',
  hostile: ['file'],
  seeds: [
    sampleJournal()[0]?.bytes ?? '',
    Buffer.concat(sampleJournal().map(({ bytes }) => bytes)),
    '',
    '\n',
    '{"seq":1,',
  ],
  tokens: [
    '\n',
    '{"seq":1,',
    '{"seq":2,',
    '"prev":"',
    '"id":"rec_1"',
    '"kind":"segment.open"',
    '"kind":"segment.seal"',
    '"kind":"intent"',
    '"kind":"outcome"',
    '"kind":"segment.retired"',
    '"intent":null',
    '"previous":null',
    '"previous":[]',
    '"open_intents":[]',
    '"open_intents":{}',
    '"outbox":1e9',
    '"at":"2026-11-24T12:00:00.000Z"',
    '"balances":7',
    '__proto__',
    'null',
    '[]',
    '9007199254740993',
    '\0',
    '\ufeff',
    '\r',
  ],
  run: runBytes,
  close,
};

export const tamper: FuzzTarget = {
  name: 'tamper',
  parses: 'src/journal/verify*.ts',
  hostile: ['file'],
  seeds: [...EDITS.keys(), 246, 255].flatMap((how) => {
    return Array.from({ length: 10 }, (_, salt) => Uint8Array.from([how, 0x30 + salt, salt]));
  }),
  tokens: [],
  run: runTamper,
  close,
};
