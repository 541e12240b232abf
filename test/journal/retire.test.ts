import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { makeCheckpoint } from '../../src/journal/checkpoint.ts';
import { compressSealed } from '../../src/journal/compress.ts';
import { retireSegments } from '../../src/journal/retire.ts';
import { temporaryKey } from '../../src/journal/signing.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { intent, key, note, open, outcome, parsedLines, rawLines, stillClock, tempFolder } from './support.ts';

const DAY = 24 * 60 * 60 * 1000;
const verify = (dir: string, more: object = {}) => verifyJournal({ dir, publicKey: key.publicKey, ...more });

/** Four segments, one a day; an intent of the first is closed in the last. */
async function fourDays(dir: string) {
  const clock = stillClock();
  const journal = await open(dir, { clock, segmentAgeMs: 10 * DAY });
  await journal.append(intent('rec_long'));
  for (let day = 0; day < 3; day++) {
    await journal.append(note(day));
    await journal.roll();
    clock.move(DAY);
  }
  await journal.append(outcome('rec_long'));
  return { journal, clock };
}

test('sealed segments are packed, the open one is not, and nothing of them changes', async (t) => {
  const dir = await tempFolder(t);
  const { journal } = await fourDays(dir);
  const before = await rawLines(dir);
  const names = (await readdir(join(dir, 'one'))).filter((name) => name.endsWith('.jsonl')).sort();
  await writeFile(join(dir, 'one', `${names[0]}.gz.part`), 'left by a crash');
  assert.deepEqual(
    await compressSealed(dir, journal.head),
    names.slice(0, 3).map((name) => name.slice(0, 12)),
  );
  assert.deepEqual(await compressSealed(dir, journal.head), []);
  const after = (await readdir(join(dir, 'one'))).sort();
  assert.deepEqual(after, [...names.slice(0, 3).map((name) => `${name}.gz`), names[3], 'lock.db']);
  const texts = await Promise.all(after.slice(0, 3).map((name) => readFile(join(dir, 'one', name))));
  const lines = texts.flatMap((bytes) => gunzipSync(bytes).toString().split('\n').slice(0, -1));
  assert.deepEqual([...lines, ...(await rawLines(dir))], before);
  assert.equal((await verify(dir, { checkpoint: makeCheckpoint([journal.head], key, 0) })).ok, true);
  await journal.close();
  const again = await open(dir);
  await again.close();
});

test('P6: retired segments are accounted for by signed records, and the rest verifies', async (t) => {
  const dir = await tempFolder(t);
  const { journal, clock } = await fourDays(dir);
  await compressSealed(dir, { ...journal.head, segment: '000000000005' });
  const asked: unknown[] = [];
  const retired = await retireSegments({
    dir,
    journal,
    keepMs: 1.5 * DAY,
    key,
    clock,
    balances: async (segment) => {
      asked.push(segment.last);
      return segment.first === 1 ? { file: 'balances-4.json', sha256: 'ab'.repeat(32) } : null;
    },
  });
  assert.deepEqual(
    retired.map(({ first, last, records }) => [first, last, records]),
    [
      [1, 4, 4],
      [5, 7, 3],
    ],
  );
  assert.deepEqual(asked, [4, 7]);
  const lines = await parsedLines(dir);
  assert.equal(lines[0]?.seq, 8);
  assert.equal(retired[1]?.head, lines[0]?.prev);
  const records = lines.filter(({ kind }) => kind === 'segment.retired');
  assert.deepEqual(
    records.map(({ balances }) => balances),
    [{ file: 'balances-4.json', sha256: 'ab'.repeat(32) }, null],
  );
  for (const packed of [false, true]) {
    if (packed) await compressSealed(dir, journal.head);
    const report = await verify(dir, { checkpoint: makeCheckpoint([journal.head], key, 0) });
    assert.deepEqual(report.writers[0]?.problems, []);
    assert.equal(report.ok, true);
    assert.deepEqual([report.writers[0]?.first, report.writers[0]?.retired?.through], [8, 7]);
  }
  const old = { writer: 'one', segment: '000000000001', seq: 3, hash: '0'.repeat(64) };
  const stale = await verify(dir, { checkpoint: makeCheckpoint([old], key, 0) });
  assert.match(stale.writers[0]?.problems[0]?.problem ?? '', /use a newer checkpoint/);
  await journal.close();
});

test('P6: a removed segment without its signed record, or with a forged one, is found', async (t) => {
  const dir = await tempFolder(t);
  const { journal, clock } = await fourDays(dir);
  const balances = async () => null;
  const kept = join(dir, 'kept.jsonl');
  const second = join(dir, 'one', '000000000005.jsonl');
  await copyFile(second, kept);
  await rm(join(dir, 'one', '000000000001.jsonl'));
  const bare = await verify(dir);
  assert.match(bare.writers[0]?.problems.at(-1)?.problem ?? '', /no signed record says that they were retired/);
  await retireSegments({ dir, journal, keepMs: 1.5 * DAY, key: temporaryKey(), clock, balances });
  const forged = await verify(dir);
  assert.ok(
    forged.writers[0]?.problems.some(({ problem }) =>
      /retirement of segment "000000000005" does not hold/.test(problem),
    ),
  );
  assert.ok(forged.writers[0]?.problems.some(({ problem }) => /no signed record/.test(problem)));
  await copyFile(kept, second);
  await retireSegments({ dir, journal, keepMs: 1.5 * DAY, key, clock, balances });
  await rm(join(dir, 'one', '000000000008.jsonl'));
  const middle = await verify(dir);
  assert.match(middle.writers[0]?.problems.at(-1)?.problem ?? '', /the records before 11 are missing/);
  await journal.close();
});

test('a retirement is recorded before anything is deleted, and a crash in between does no harm', async (t) => {
  const dir = await tempFolder(t);
  const { journal, clock } = await fourDays(dir);
  const refusing = {
    get head() {
      return journal.head;
    },
    trouble: null,
    append: async () => {
      throw new Error('no');
    },
  };
  const options = { dir, keepMs: 1.5 * DAY, key, clock, balances: async () => null };
  const before = await rawLines(dir);
  await assert.rejects(retireSegments({ ...options, journal: refusing }));
  await assert.rejects(
    retireSegments({ ...options, journal, balances: async () => Promise.reject(new Error('no balances')) }),
    /no balances/,
  );
  assert.deepEqual(await rawLines(dir), before);
  const first = join(dir, 'one', '000000000001.jsonl');
  const bytes = await readFile(first);
  await retireSegments({ ...options, journal, keepMs: 2.5 * DAY });
  await writeFile(first, bytes);
  assert.equal((await verify(dir)).ok, true, 'recorded, not yet deleted');
  await retireSegments({ ...options, journal, keepMs: 2.5 * DAY });
  assert.equal((await verify(dir)).ok, true, 'recorded twice');
  assert.equal(
    createHash('sha256')
      .update(bytes.toString().trimEnd().split('\n').at(-1) ?? '')
      .digest('hex'),
    (await parsedLines(dir))[0]?.prev,
  );
  await journal.close();
});
