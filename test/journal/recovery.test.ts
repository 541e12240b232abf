import assert from 'node:assert/strict';
import { appendFile, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyJournal } from '../../src/journal/verify.ts';
import { MemoryDisk, type Operation } from './memory-disk.ts';
import { intent, key, note, open, outcome, type Parsed, parsedLines, rawLines, tempFolder } from './support.ts';

const FIRST = '000000000001.jsonl';
const verify = (dir: string) => verifyJournal({ dir, publicKey: key.publicKey });

test('a torn last line is cut off at every possible point and its bytes are kept', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  await journal.append(note(1));
  await journal.append(note(2));
  await journal.close();
  const path = join(dir, 'one', FIRST);
  const whole = await readFile(path);
  const lastStart = whole.lastIndexOf(10, whole.length - 2) + 1;
  for (let cut = lastStart + 1; cut < whole.length; cut++) {
    await rm(join(dir, 'one'), { recursive: true });
    await (await open(dir)).close();
    await writeFile(path, whole.subarray(0, cut));
    await (await open(dir)).close();
    const lines = await parsedLines(dir);
    assert.deepEqual(
      lines.map(({ kind }) => kind),
      ['segment.open', 'gateway', 'recovered'],
      `cut at ${cut}`,
    );
    const { torn_bytes, unknown_outcomes, torn_files } = lines[2] as Parsed;
    assert.deepEqual([torn_bytes, unknown_outcomes, torn_files], [cut - lastStart, 0, [`${FIRST}.torn-1`]]);
    assert.deepEqual(await readFile(join(dir, 'one', `${FIRST}.torn-1`)), whole.subarray(lastStart, cut));
    await (await open(dir)).close();
    assert.equal((await parsedLines(dir)).length, 3, 'a clean start adds nothing');
  }
  const report = await verify(dir);
  assert.deepEqual(report.problems, []);
  assert.equal(report.ok, true);
  assert.equal(report.writers[0]?.tornFiles.length, 1);
});

test('a last line that does not match, and zeros from a power cut, are torn too', async (t) => {
  for (const tail of ['{"seq":3,"prev":"00"}\n', '\0'.repeat(5000), 'junk', '\n']) {
    const dir = await tempFolder(t);
    const journal = await open(dir);
    await journal.append(note(1));
    await journal.close();
    await appendFile(join(dir, 'one', FIRST), tail);
    await (await open(dir)).close();
    assert.equal((await parsedLines(dir)).at(-1)?.torn_bytes, tail.length);
    const report = await verify(dir);
    assert.equal(report.ok, true);
    assert.equal(report.writers[0]?.tornTail, null);
  }
});

test('a segment whose creation was cut at any point is created again', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  await journal.append(intent('rec_a'));
  await journal.roll();
  await journal.close();
  const path = join(dir, 'one', '000000000004.jsonl');
  const { length } = await readFile(path);
  for (let cut = 0; cut < length; cut += 37) {
    const copy = await tempFolder(t);
    await (await open(copy)).close();
    await writeFile(join(copy, 'one', FIRST), await readFile(join(dir, 'one', FIRST)));
    await writeFile(join(copy, 'one', '000000000004.jsonl'), (await readFile(path)).subarray(0, cut));
    await (await open(copy)).close();
    const kinds = (await parsedLines(copy)).map(({ kind }) => kind);
    assert.deepEqual(kinds, ['segment.open', 'intent', 'segment.seal', 'segment.open', 'outcome', 'recovered']);
    assert.equal((await verify(copy)).ok, true);
  }
  await rm(path);
  await (await open(dir)).close();
  assert.equal((await verify(dir)).ok, true, 'killed between the seal and the creation');
});

test('P6: a break before the end stops the start, names file and line, and changes nothing', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  for (let i = 0; i < 4; i++) await journal.append(note(i));
  await journal.close();
  const path = join(dir, 'one', FIRST);
  const edited = (await readFile(path, 'utf8')).replace('"n":1', '"n":9');
  await writeFile(path, edited);
  await assert.rejects(open(dir), (error: Error) => error.message.includes(FIRST) && error.message.includes('line 4'));
  assert.equal(await readFile(path, 'utf8'), edited);
  const lines = edited.split('\n');
  await writeFile(path, [lines[0], lines[1], lines[3], lines[4], ''].join('\n'));
  await assert.rejects(open(dir), /record 4 follows record 2/);
  await writeFile(path, edited);
  await rename(path, join(dir, 'one', '000000000002.jsonl'));
  await assert.rejects(open(dir), /not the one the file is named by/);
  await truncate(join(dir, 'one', '000000000002.jsonl'), 0);
  await assert.rejects(open(dir), /the segment before it is missing/);
  assert.deepEqual(
    (await readdir(join(dir, 'one'))).sort(),
    ['000000000002.jsonl', 'lock.db'],
    'nothing was made or locked',
  );
});

test('P1: every open intent gets the outcome unknown, once', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  for (const id of ['rec_a', 'rec_b', 'rec_c']) await journal.append(intent(id));
  await journal.append(outcome('rec_b'));
  await journal.roll();
  await journal.append(intent('rec_d'));
  await journal.close();
  for (let start = 0; start < 2; start++) {
    const again = await open(dir);
    assert.deepEqual(again.openIntents(), []);
    await again.close();
  }
  const lines = await parsedLines(dir);
  const unknown = lines.filter(({ kind, result }) => kind === 'outcome' && result === 'unknown');
  assert.deepEqual(
    unknown.map((line) => line.intent),
    ['rec_a', 'rec_c', 'rec_d'],
  );
  assert.ok(unknown.every(({ reason }) => reason === 'gateway stopped before the outcome was recorded'));
  const recovered = lines.filter(({ kind }) => kind === 'recovered');
  assert.deepEqual(
    recovered.map(({ torn_bytes, unknown_outcomes }) => [torn_bytes, unknown_outcomes]),
    [[0, 3]],
  );
  assert.equal((await verify(dir)).ok, true);
});

/** A journal that was killed with four calls open and a line half written. */
async function crashed(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk });
  await journal.append(note(0));
  for (const id of ['rec_a', 'rec_b', 'rec_c', 'rec_d']) await journal.append(intent(id));
  disk.fault = (operation) =>
    operation === 'write' ? { torn: 40 } : operation === 'truncate' ? { error: 'EIO' } : null;
  await assert.rejects(journal.append(note(1)));
  await journal.close();
  return disk;
}

/** Everything that must hold after recoveries that may have been interrupted. */
async function checkRecovered(
  disk: MemoryDisk,
  { dir, where, tail }: { dir: string; where: string; tail: string },
): Promise<void> {
  const lines = disk.lines().map((line) => JSON.parse(line) as Parsed);
  const closed = lines.filter(({ kind }) => kind === 'outcome').map((line) => line.intent);
  assert.deepEqual(closed.sort(), ['rec_a', 'rec_b', 'rec_c', 'rec_d'], where);
  const named = lines.flatMap(({ kind, torn_files }) => (kind === 'recovered' ? (torn_files as string[]) : []));
  const kept = [...disk.names.keys()]
    .filter((name) => name.includes('.torn-'))
    .map((name) => name.slice('/j/one/'.length));
  assert.deepEqual(named.sort(), kept.sort(), `${where}: every torn file is named by a record`);
  const contents = kept.map((name) => disk.names.get(`/j/one/${name}`)?.current.toString());
  assert.ok(contents.includes(tail), `${where}: the torn bytes are kept`);
  await disk.dump(dir);
  const report = await verify(dir);
  assert.deepEqual(report.writers[0]?.problems, [], where);
}

test('P1: exactly one outcome per intent, wherever recovery itself is killed', async (t) => {
  const disk = await crashed();
  const tail = disk.names.get(`/j/one/${FIRST}`)?.current.toString().split('\n').at(-1) ?? '';
  assert.equal(tail.length, 40);
  for (const torn of [null, 0, 1, 100, 300, 700, 1000]) {
    for (let killAt = 1; ; killAt++) {
      const trial = disk.afterKill();
      let count = 0;
      const changing: readonly Operation[] = ['open', 'write', 'datasync', 'truncate', 'syncFolder'];
      trial.fault = (operation) => {
        if (!changing.includes(operation) || ++count < killAt) return null;
        return count === killAt && operation === 'write' && torn !== null ? { torn } : { error: 'EIO' };
      };
      const alive = await open('/j', { files: trial }).then(
        (journal) => journal,
        () => null,
      );
      const where = `killed at operation ${killAt}, ${torn} bytes of it`;
      const rest = trial.afterKill();
      await (await open('/j', { files: rest })).close();
      await checkRecovered(rest, { dir: await tempFolder(t), where, tail });
      if (alive === null) {
        const dark = trial.afterPowerCut(() => 0);
        await (await open('/j', { files: dark })).close();
        await checkRecovered(dark, { dir: await tempFolder(t), where: `${where}, power lost`, tail });
        continue;
      }
      trial.fault = () => null;
      await alive.close();
      break;
    }
  }
});

test('the same lines are read back in a new process as were acknowledged', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  await Promise.all([1, 2, 3].map((n) => journal.append(note(n))));
  const { head } = journal;
  await journal.close();
  const again = await open(dir);
  assert.deepEqual(again.head, head);
  await again.close();
  assert.equal((await rawLines(dir)).length, 4);
});
