import assert from 'node:assert/strict';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { compressSealed } from '../../src/journal/compress.ts';
import { JournalReadError, listSegments, type ReadFrom, type ReadRecord, readRecords } from '../../src/journal/read.ts';
import { note, open, rawLines, tempFolder } from './support.ts';

async function all(dir: string, from?: ReadFrom): Promise<ReadRecord[]> {
  const found: ReadRecord[] = [];
  for await (const read of readRecords(dir, 'one', from)) found.push(read);
  return found;
}

/** Records 1 to 24 in segments that start with 1, 9 and 17. */
async function three(dir: string) {
  const journal = await open(dir);
  for (let part = 0; part < 3; part++) {
    for (let i = 0; i < 6; i++) await journal.append(note(part * 10 + i));
    if (part < 2) await journal.roll();
  }
  await journal.append(note(99));
  return journal;
}

test('records are read in order from any point, plain and packed', async (t) => {
  const dir = await tempFolder(t);
  const journal = await three(dir);
  const lines = await rawLines(dir);
  for (const packed of [false, true]) {
    if (packed) await compressSealed(dir, journal.head);
    assert.deepEqual(
      (await listSegments(dir, 'one')).map(({ first, compressed }) => [first, compressed]),
      [
        [1, packed],
        [9, packed],
        [17, false],
      ],
    );
    const whole = await all(dir);
    assert.deepEqual(
      whole.map(({ line }) => line.toString()),
      lines,
    );
    assert.deepEqual(whole.at(-1)?.hash, journal.head.hash);
    for (const [index, { next }] of whole.entries()) {
      for (const from of [{ seq: index + 2 }, next, { ...next, offset: 5 }, { ...next, segment: '000000000001' }]) {
        const got = await all(dir, from);
        assert.deepEqual(
          got.map(({ record }) => record.seq),
          lines.slice(index + 1).map((_, at) => index + 2 + at),
        );
      }
    }
    assert.deepEqual(
      (await all(dir, { seq: 7, through: 18 })).map(({ record }) => record.seq),
      [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18],
    );
    assert.deepEqual(await all(dir, { seq: 25 }), []);
  }
  await journal.close();
  assert.deepEqual(await all(join(dir, 'nowhere')), []);
});

test('reading from a point does not open earlier segments', async (t) => {
  const dir = await tempFolder(t);
  await (await three(dir)).close();
  await writeFile(join(dir, 'one', '000000000001.jsonl'), 'ruined');
  assert.equal((await all(dir, { seq: 12 })).length, 13);
});

test('an unfinished last line is left for later', async (t) => {
  const dir = await tempFolder(t);
  const journal = await three(dir);
  await journal.close();
  const path = join(dir, 'one', '000000000017.jsonl');
  const bytes = await readFile(path);
  const before = await all(dir);
  const cut = bytes.length - 20;
  await writeFile(path, bytes.subarray(0, cut));
  assert.equal((await all(dir)).length, before.length - 1);
  const { next } = (await all(dir)).at(-1) as ReadRecord;
  await appendFile(path, bytes.subarray(cut));
  assert.deepEqual(await all(dir, next), before.slice(-1));
});

test('a reader follows a writer that appends, rolls and packs', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  const seen: number[] = [];
  let next: ReadFrom = {};
  for (let round = 0; round < 6; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => journal.append(note(i))));
    if (round % 2 === 1) await journal.roll();
    const packing = round === 3 ? compressSealed(dir, journal.head) : null;
    for await (const read of readRecords(dir, 'one', { ...next, through: journal.head.seq })) {
      seen.push(read.record.seq);
      next = read.next;
    }
    await packing;
    assert.equal(seen.at(-1), journal.head.seq);
  }
  assert.deepEqual(
    seen,
    seen.map((_, i) => i + 1),
  );
  await journal.close();
});

test('a reader does not pass over what is missing, changed or retired', async (t) => {
  const dir = await tempFolder(t);
  await (await three(dir)).close();
  const second = join(dir, 'one', '000000000009.jsonl');
  const good = await readFile(second, 'utf8');
  await writeFile(second, good.replace('"n":12', '"n":13'));
  await assert.rejects(all(dir), /does not carry the hash/);
  await writeFile(second, good.replace(/\{"seq":12.*\n/, ''));
  await assert.rejects(all(dir), /record 12 was expected/);
  await writeFile(second, good.replace(/\{"seq":12,/, '{"seq":12;'));
  await assert.rejects(all(dir), JournalReadError);
  await rm(second);
  await assert.rejects(all(dir), /record 9 is missing/);
  await rm(join(dir, 'one', '000000000001.jsonl'));
  await assert.rejects(all(dir, { seq: 3 }), /were retired/);
  assert.equal((await all(dir))[0]?.record.seq, 17);
});
