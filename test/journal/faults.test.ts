import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { verifyJournal } from '../../src/journal/verify.ts';
import type { FileJournal } from '../../src/journal/writer.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { type Fault, MemoryDisk, type Operation } from './memory-disk.ts';
import { deferred, intent, key, note, open, outcome, type Parsed, quiet, tempFolder } from './support.ts';

const fast = { retryMs: { first: 1, longest: 2 } };
const refused = (error: unknown): boolean => error instanceof Refusal && error.code === 'journal_unavailable';

async function healthy(journal: FileJournal): Promise<void> {
  while (journal.trouble !== null) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Every one of them is refused. All are watched at once, so that no rejection goes unhandled in between. */
async function allRefused(appends: readonly Promise<unknown>[]): Promise<void> {
  await Promise.all(appends.map((one) => assert.rejects(one, refused)));
}

const notes = (lines: readonly string[]): unknown[] =>
  lines
    .map((line) => JSON.parse(line) as Parsed)
    .filter(({ kind }) => kind === 'gateway')
    .map(({ n }) => n);

test('P1: a write or sync error rejects everyone who waits, and leaves nothing behind', async () => {
  for (const [operation, code] of [
    ['write', 'ENOSPC'],
    ['write', 'EROFS'],
    ['datasync', 'EIO'],
  ] as const) {
    const disk = new MemoryDisk();
    const told: string[] = [];
    const log = { ...quiet, error: (_fields: object, message: string) => told.push(message) };
    const journal = await open('/j', { files: disk, log, ...fast });
    await journal.append(note(0));
    const before = disk.lines();
    let failing = true;
    disk.fault = (asked) => (failing && asked === operation ? { error: code } : null);
    await allRefused([1, 2, 3].map((n) => journal.append(note(n))));
    assert.match(journal.trouble ?? '', new RegExp(code));
    assert.equal(told.filter((message) => message.startsWith('the journal cannot write')).length, 1);
    if (operation === 'datasync') assert.deepEqual(disk.lines(), before, 'cut off before the callers heard of it');
    await assert.rejects(journal.append(note(4)), refused);
    failing = false;
    await healthy(journal);
    assert.equal(journal.trouble, null);
    assert.deepEqual(disk.lines(), before);
    await journal.append(note(5));
    assert.deepEqual(notes(disk.lines()), [0, 5]);
    await journal.close();
  }
});

test('a file is not trusted after a failed sync: it is opened again and its end compared', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast });
  await journal.append(note(0));
  const opens = disk.counts.open;
  let failing = true;
  disk.fault = (operation) => (failing && operation === 'datasync' ? { error: 'EIO' } : null);
  await assert.rejects(journal.append(note(1)), refused);
  const inode = disk.names.get('/j/one/000000000001.jsonl');
  assert.ok(inode);
  const good = Buffer.from(inode.current);
  inode.current = Buffer.from(good.map((byte, at) => (at === good.length - 3 ? byte ^ 1 : byte)));
  failing = false;
  for (let turn = 0; turn < 50 && !/reads back differently/.test(journal.trouble ?? ''); turn++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.match(journal.trouble ?? '', /reads back differently/);
  inode.current = good;
  await healthy(journal);
  assert.ok(disk.counts.open > opens);
  await journal.append(note(2));
  await journal.close();
  assert.deepEqual(notes(disk.lines()), [0, 2]);
});

test('P1: outcomes are kept through trouble and written before anything else', async () => {
  const disk = new MemoryDisk();
  let onWell = (): void => undefined;
  const log = { ...quiet, info: () => onWell() };
  const journal = await open('/j', { files: disk, log, ...fast });
  await journal.append(intent('rec_a'));
  await journal.append(intent('rec_b'));
  let failing = true;
  disk.fault = (operation) => (failing && operation === 'write' ? { torn: 10 } : null);
  const a = journal.appendEventually(outcome('rec_a'));
  await assert.rejects(journal.append(note(1)), refused);
  const b = journal.appendEventually(outcome('rec_b'));
  const c = journal.appendEventually(note(2));
  const d = journal.appendEventually(note(3));
  assert.equal(journal.metrics.waiting, 4);
  // At the very moment at which the journal says that it writes again.
  const after = new Promise<unknown>((resolve) => {
    onWell = () => resolve(journal.append(note(5)));
  });
  failing = false;
  const receipts = await Promise.all([a, b, c, d]);
  assert.deepEqual(
    receipts.map(({ seq }) => seq),
    [4, 5, 6, 7],
  );
  await after;
  assert.deepEqual(journal.openIntents(), []);
  await journal.close();
  assert.deepEqual(notes(disk.lines()), [2, 3, 5]);
});

test('what was kept goes back in the order in which it was handed over', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast });
  const gate = deferred();
  const reached = deferred();
  let failing = true;
  disk.fault = (operation) => {
    if (operation !== 'datasync' || !failing) return null;
    failing = false;
    reached.resolve();
    return { wait: gate.promise.then(() => Promise.reject(new Error('EIO'))) };
  };
  const first = journal.appendEventually(note(1));
  await reached.promise;
  const rest = [journal.appendEventually(note(2)), journal.appendEventually(note(3))];
  gate.resolve();
  await Promise.all([first, ...rest]);
  await journal.close();
  assert.deepEqual(notes(disk.lines()), [1, 2, 3]);
});

test('a refused record does not come back with the power, though the disk had taken it', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast });
  await journal.append(note(0));
  let once = true;
  disk.fault = (operation) => {
    if (operation !== 'datasync' || !once) return null;
    once = false;
    return { late: 'EIO' };
  };
  await assert.rejects(journal.append(note(1)), refused);
  assert.deepEqual(notes(disk.afterPowerCut(() => 0.9).lines()), [0]);
  await journal.close();
});

test('a journal that was opened is on the disk, also where a killed process had not synced it', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, durability: 'written' });
  await journal.append(note(0));
  const killed = disk.afterKill();
  await journal.close();
  const again = await open('/j', { files: killed });
  assert.deepEqual(notes(killed.afterPowerCut(() => 0).lines()), [0], 'its head may be in a checkpoint already');
  await again.close();

  const fresh = new MemoryDisk();
  fresh.fault = (operation, path) => (operation === 'syncFolder' && path === '/j/one' ? { error: 'EIO' } : null);
  await assert.rejects(open('/j', { files: fresh }));
  const reopened = fresh.afterKill();
  const last = await open('/j', { files: reopened });
  assert.equal(reopened.afterPowerCut(() => 0).lines().length, 1, 'the name of its segment too');
  await last.close();
});

test('what waits is bounded, and half of the room is kept for what must not be lost', async () => {
  for (const bounds of [
    { records: 4, bytes: 1e6 },
    { records: 1e6, bytes: 4 * 100 },
  ]) {
    const disk = new MemoryDisk();
    const journal = await open('/j', { files: disk, bounds });
    const gate = deferred();
    disk.fault = (operation) => (operation === 'datasync' ? { wait: gate.promise } : null);
    const flushing = journal.append(note(0));
    await new Promise((resolve) => setImmediate(resolve));
    // The rest of a record of kind gateway has between 90 and 100 characters.
    const waiting = [journal.append(note(1)), journal.append(note(2))];
    await assert.rejects(journal.append(note(3)), refused);
    waiting.push(journal.appendEventually(note(4)), journal.appendEventually(note(5)));
    await assert.rejects(journal.appendEventually(note(6)), refused);
    gate.resolve();
    await Promise.all([flushing, ...waiting]);
    await journal.close();
    assert.deepEqual(notes(disk.lines()), [0, 1, 2, 4, 5]);
  }
});

test('a journal that closes in trouble tells those who wait, and frees the folder', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast });
  await journal.append(intent('rec_a'));
  disk.fault = (operation) => (operation === 'write' ? { error: 'ENOSPC' } : null);
  const kept = assert.rejects(journal.appendEventually(outcome('rec_a')), refused);
  await assert.rejects(journal.append(note(1)), refused);
  await journal.close();
  await kept;
  disk.fault = () => null;
  const again = await open('/j', { files: disk });
  await again.close();
  const results = disk
    .lines()
    .map((line) => JSON.parse(line) as Parsed)
    .filter(({ kind }) => kind === 'outcome');
  assert.deepEqual(
    results.map(({ result }) => result),
    ['unknown'],
  );
});

test('a rejected outcome can be appended again, a rejected intent too', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast });
  await journal.append(intent('rec_a'));
  let failing = true;
  disk.fault = (operation) => (failing && operation === 'datasync' ? { error: 'EIO' } : null);
  await allRefused([journal.append(outcome('rec_a')), journal.append(intent('rec_b'))]);
  assert.deepEqual(journal.openIntents(), ['rec_a']);
  failing = false;
  await healthy(journal);
  await Promise.all([journal.append(outcome('rec_a')), journal.append(intent('rec_b'))]);
  assert.deepEqual(journal.openIntents(), ['rec_b']);
  await journal.close();
});

test('a disk that hangs refuses the callers; what it writes later is cut off', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast, stallMs: 20 });
  await journal.append(note(0));
  const gate = deferred();
  let hanging = true;
  disk.fault = (operation) => (hanging && operation === 'datasync' ? { wait: gate.promise } : null);
  const kept = journal.appendEventually(note(1));
  await assert.rejects(
    journal.append(note(2)),
    (error) => refused(error) && /did not answer/.test((error as Refusal).detail ?? ''),
  );
  await assert.rejects(journal.append(note(3)), refused);
  hanging = false;
  gate.resolve();
  await kept;
  await journal.close();
  assert.deepEqual(notes(disk.lines()), [0, 1]);
});

test('nothing is written while an operation that was given up on is still under way', async () => {
  const disk = new MemoryDisk();
  const journal = await open('/j', { files: disk, ...fast, stallMs: 20 });
  const gate = deferred();
  let once = true;
  disk.fault = (operation) => {
    if (operation !== 'write' || !once) return null;
    once = false;
    return { wait: gate.promise };
  };
  await assert.rejects(journal.append(note(1)), refused);
  for (let turn = 0; turn < 20; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    assert.notEqual(journal.trouble, null);
  }
  gate.resolve();
  await healthy(journal);
  await journal.append(note(2));
  await journal.close();
  assert.deepEqual(notes(disk.lines()), [2]);
});

test('a failed roll leaves a whole journal and is tried again', async (t) => {
  for (let at = 1; at <= 6; at++) {
    const disk = new MemoryDisk();
    const journal = await open('/j', { files: disk, ...fast });
    await journal.append(note(0));
    let count = 0;
    disk.fault = (operation) => (operation !== 'read' && ++count === at ? { error: 'ENOSPC' } : null);
    const failed = await journal.roll().then(
      () => false,
      (error) => refused(error),
    );
    await healthy(journal);
    await journal.append(note(1));
    await journal.close();
    assert.equal(failed, true, `operation ${at} of a roll`);
    assert.deepEqual(notes(disk.lines()), [0, 1]);
    const dir = await tempFolder(t);
    await disk.dump(dir);
    assert.deepEqual((await verifyJournal({ dir, publicKey: key.publicKey })).writers[0]?.problems, []);
  }
});

interface Plan {
  readonly faults: readonly (readonly [number, 'error' | 'short' | 'torn', number])[];
  readonly appends: readonly (readonly [number, boolean])[];
  readonly cuts: readonly number[];
}

const plans: fc.Arbitrary<Plan> = fc.record({
  faults: fc.array(fc.tuple(fc.nat(60), fc.constantFrom('error', 'short', 'torn'), fc.nat(900)), { maxLength: 14 }),
  appends: fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.boolean()), { minLength: 1, maxLength: 10 }),
  cuts: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 8 }),
});

function faultsOf(plan: Plan): MemoryDisk['fault'] {
  const at = new Map(plan.faults.map(([when, how, size]) => [when, [how, size] as const]));
  let count = 0;
  return (operation: Operation): Fault => {
    const [how, size] = at.get(count++) ?? [];
    if (how === undefined || size === undefined) return null;
    if (operation === 'write' && how === 'short') return { short: 1 + (size % 50) };
    if (operation === 'write' && how === 'torn') return { torn: size };
    return { error: size % 2 === 0 ? 'EIO' : 'ENOSPC' };
  };
}

/** Appends as planned, in groups; returns the numbers acknowledged and those rejected. */
async function drive(journal: FileJournal, plan: Plan) {
  const acknowledged = new Map<number, number>();
  const rejected = new Set<number>();
  let n = 0;
  const pending: Promise<void>[] = [];
  for (const [size, pause] of plan.appends) {
    for (let i = 0; i < size; i++) {
      const mine = n++;
      const done = mine % 4 === 3 ? journal.appendEventually(note(mine)) : journal.append(note(mine));
      pending.push(
        done.then(
          ({ seq }) => void acknowledged.set(mine, seq),
          () => void rejected.add(mine),
        ),
      );
    }
    if (pause) await healthy(journal);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await healthy(journal);
  await Promise.all(pending);
  return { acknowledged, rejected };
}

test('P1: whatever fails, the journal holds exactly what was acknowledged', { timeout: 120_000 }, async (t) => {
  const dir = await tempFolder(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      const disk = new MemoryDisk();
      const journal = await open('/j', { files: disk, ...fast, segmentBytes: 1500 });
      disk.fault = faultsOf(plan);
      const { acknowledged, rejected } = await drive(journal, plan);
      disk.fault = () => null;
      await journal.close();
      const written = disk
        .lines()
        .map((line) => JSON.parse(line) as Parsed)
        .filter(({ kind }) => kind === 'gateway');
      assert.deepEqual(written.map(({ n, seq }) => [n, seq]).sort(), [...acknowledged].sort());
      for (const { n } of written) assert.ok(!rejected.has(n as number));
      const folder = `${dir}/${run++}`;
      await disk.dump(folder);
      assert.deepEqual((await verifyJournal({ dir: folder, publicKey: key.publicKey })).writers[0]?.problems, []);
    }),
    { seed: 20261124, numRuns: 120 },
  );
});

test('P1: what was acknowledged survives a power cut at any moment, and the journal opens again', {
  timeout: 120_000,
}, async (t) => {
  const dir = await tempFolder(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(40), async (plan, moment) => {
      const disk = new MemoryDisk();
      const journal = await open('/j', { files: disk, ...fast, segmentBytes: 1500 });
      const faults = faultsOf(plan);
      const acknowledged = new Set<number>();
      const draws = plan.cuts;
      let draw = 0;
      let left: { disk: MemoryDisk; acknowledged: readonly number[] } | null = null;
      let count = 0;
      disk.fault = (operation, path) => {
        if (count++ === moment) {
          left = { disk: disk.afterPowerCut(() => draws[draw++ % draws.length] ?? 0), acknowledged: [...acknowledged] };
        }
        return faults(operation, path);
      };
      const append = journal.append.bind(journal);
      journal.append = (record) =>
        append(record).then((receipt) => {
          acknowledged.add(record.body.n as number);
          return receipt;
        });
      await drive(journal, plan);
      disk.fault = () => null;
      await journal.close();
      const after = left as { disk: MemoryDisk; acknowledged: readonly number[] } | null;
      if (after === null) return;
      await (await open('/j', { files: after.disk })).close();
      const found = new Set(notes(after.disk.lines()));
      for (const n of after.acknowledged) assert.ok(found.has(n), `record ${n} was acknowledged and is gone`);
      const folder = `${dir}/${run++}`;
      await after.disk.dump(folder);
      assert.deepEqual((await verifyJournal({ dir: folder, publicKey: key.publicKey })).writers[0]?.problems, []);
    }),
    { seed: 7, numRuns: 150 },
  );
});
