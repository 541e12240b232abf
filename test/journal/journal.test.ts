import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Refusal } from '../../src/kernel/errors.ts';
import { MemoryDisk } from './memory-disk.ts';
import { deferred, intent, note, open, outcome, parsedLines, rawLines, stillClock, tempFolder } from './support.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a record comes back as it was given, chained by the hash of the bytes before it', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  const body = { text: 'Zoë \u0000 \ud800 "quoted"\n', list: [1, null, { deep: true }], big: 12345678901 };
  const receipt = await journal.append({ id: 'rec_01', kind: 'refusal', body });
  await journal.close();
  const lines = await rawLines(dir);
  assert.equal(lines.length, 2);
  const [first = '', second = ''] = lines;
  assert.ok(first.startsWith(`{"seq":1,"prev":"${'0'.repeat(64)}","id":"rec_`));
  const head = { seq: 2, prev: sha(first), id: 'rec_01', at: '2026-11-24T12:00:00.000Z', kind: 'refusal' };
  assert.equal(second, JSON.stringify({ ...head, ...body }));
  assert.deepEqual(receipt, { id: 'rec_01', seq: 2, hash: sha(second) });
  assert.deepEqual(journal.head, { writer: 'one', seq: 2, hash: sha(second), segment: '000000000001' });
  const { format, writer, previous, open_intents, outbox } = JSON.parse(first);
  assert.deepEqual(
    { format, writer, previous, open_intents, outbox },
    { format: 1, writer: 'one', previous: null, open_intents: [], outbox: 0 },
  );
});

test('appends made at once keep their order, across restarts too', async (t) => {
  const dir = await tempFolder(t);
  let n = 0;
  for (let start = 0; start < 3; start++) {
    const journal = await open(dir);
    const receipts = await Promise.all(Array.from({ length: 50 }, () => journal.append(note(n++))));
    assert.deepEqual(
      receipts.map(({ seq }) => seq),
      receipts.map((_, i) => (receipts[0]?.seq ?? 0) + i),
    );
    await journal.close();
  }
  const notes = (await parsedLines(dir)).filter(({ kind }) => kind === 'gateway').map((line) => line.n);
  assert.deepEqual(
    notes,
    Array.from({ length: 150 }, (_, i) => i),
  );
});

test('P1: append waits for the sync, and one sync serves all who wait', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk });
  const before = disk.counts.datasync;
  const gate = deferred();
  const reached = deferred();
  disk.fault = (operation) => {
    if (operation !== 'datasync') return null;
    reached.resolve();
    return { wait: gate.promise };
  };
  let done = 0;
  const first = journal.append(note(0)).then(() => done++);
  await reached.promise;
  const rest = Array.from({ length: 500 }, (_, i) => journal.append(note(i + 1)).then(() => done++));
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(done, 0, 'nothing is acknowledged before its sync');
  assert.equal(journal.head.seq, 1);
  assert.equal(journal.metrics.waiting, 500);
  gate.resolve();
  await Promise.all([first, ...rest]);
  assert.equal(disk.counts.datasync - before, 2, '501 records, two syncs');
  assert.equal(journal.metrics.records, 502);
  await journal.close();
});

test('durability `written` does not wait for a sync, yet seals and retirements do', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, durability: 'written' });
  const before = disk.counts.datasync;
  for (let i = 0; i < 5; i++) await journal.append(note(i));
  assert.equal(disk.counts.datasync, before);
  await journal.append({ kind: 'segment.retired', body: {} });
  assert.equal(disk.counts.datasync, before + 1);
  await journal.roll();
  assert.ok(disk.counts.datasync > before + 1);
  await journal.close();
});

test('mistakes of an author throw, and write nothing', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  for (const name of ['seq', 'prev', 'id', 'at', 'kind']) {
    await assert.rejects(journal.append({ kind: 'gateway', body: { [name]: 1 } }), TypeError);
  }
  await assert.rejects(journal.append({ kind: 'gateway', body: { 7: 1 } }), TypeError);
  await assert.rejects(journal.append({ id: 'no"id', kind: 'gateway', body: {} }), TypeError);
  await assert.rejects(journal.append({ kind: 'segment.seal', body: {} }), TypeError);
  await assert.rejects(journal.append({ kind: 'outcome', body: {} }), TypeError);
  await assert.rejects(journal.append({ kind: 'content', body: { data: 'x'.repeat(16 * 1024 * 1024) } }), RangeError);
  assert.equal(journal.head.seq, 1);
  await journal.close();
  await assert.rejects(
    journal.append(note(1)),
    (error) => error instanceof Refusal && error.code === 'journal_unavailable',
  );
});

test('P1: an intent gets one outcome, and only after it is durable', async (t) => {
  const journal = await open(await tempFolder(t));
  const waiting = journal.append(intent('rec_a'));
  await assert.rejects(journal.append(outcome('rec_a')), TypeError, 'the intent is not durable yet');
  await assert.rejects(journal.append(intent('rec_a')), TypeError);
  await waiting;
  assert.deepEqual(journal.openIntents(), ['rec_a']);
  const one = journal.append(outcome('rec_a'));
  await assert.rejects(journal.append(outcome('rec_a')), TypeError);
  await one;
  await assert.rejects(journal.append(outcome('rec_a')), TypeError);
  assert.deepEqual(journal.openIntents(), []);
  await journal.close();
});

test('segments roll by size, by age and on demand, and carry over what is open', async (t) => {
  const dir = await tempFolder(t);
  const clock = stillClock();
  const journal = await open(dir, { clock, segmentBytes: 2000, segmentAgeMs: 1000 });
  await journal.append(intent('rec_a'));
  await journal.append({ kind: 'change', body: { outbox: 7 } });
  await journal.roll();
  assert.equal(journal.head.segment, '000000000005');
  await journal.append(note(1));
  clock.move(1000);
  await journal.append(note(2));
  assert.equal(journal.head.segment, '000000000008');
  for (let i = 0; i < 30; i++) await journal.append(note(i));
  await journal.close();
  const folder = join(dir, 'one');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort();
  assert.ok(names.length > 4);
  for (const name of names) {
    const { size, mode } = await stat(join(folder, name));
    assert.ok(size < 2000 + 700, 'full at 2000 bytes, plus one record and the seal');
    assert.equal(mode & 0o077, 0);
  }
  const lines = await rawLines(dir);
  const second = JSON.parse(lines[4] ?? '');
  assert.equal(JSON.parse(lines[3] ?? '').kind, 'segment.seal');
  assert.deepEqual([second.kind, second.seq, second.open_intents, second.outbox], ['segment.open', 5, ['rec_a'], 7]);
  assert.deepEqual(second.previous, { segment: '000000000001', head: sha(lines[3] ?? '') });
});

test('a folder has one writer at a time', async (t) => {
  const dir = await tempFolder(t);
  const journal = await open(dir);
  await assert.rejects(open(dir), /in use by another running Gatehouse/);
  const other = await open(dir, { writer: 'two' });
  await other.close();
  await journal.close();
  await (await open(dir)).close();
  await assert.rejects(open(dir, { writer: '../up' }), TypeError);
});

test('outbox floor survives a restart and a roll', async (t) => {
  const dir = await tempFolder(t);
  let journal = await open(dir);
  await journal.append({ kind: 'change', body: { outbox: 3 } });
  await journal.append({ kind: 'change', body: { outbox: 41 } });
  assert.equal(journal.outboxFloor, 41);
  await journal.close();
  journal = await open(dir);
  assert.equal(journal.outboxFloor, 41);
  await journal.roll();
  await journal.close();
  journal = await open(dir);
  assert.equal(journal.outboxFloor, 41);
  await journal.close();
});
