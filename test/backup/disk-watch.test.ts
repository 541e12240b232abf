import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DiskLevel, watchDisk } from '../../src/journal/disk-watch.ts';

const GIB = 2 ** 30;
const HOUR = 3_600_000;
const thresholds = { low: 2 * GIB, critical: GIB / 4 };

function bench() {
  const state = { now: 1_000_000, free: 100 * GIB, total: 200 * GIB, journal: 0, fails: false };
  const heard: DiskLevel[] = [];
  const watch = watchDisk({
    dir: '/nowhere',
    clock: { now: () => state.now, monotonic: () => state.now },
    thresholds,
    interval: 2 ** 30,
    journalBytes: async () => state.journal,
    statfs: async () => {
      if (state.fails) throw new Error('EIO');
      return { bavail: state.free / 4096, blocks: state.total / 4096, bsize: 4096 };
    },
  });
  watch.onChange((level) => heard.push(level));
  return { state, heard, watch };
}

test('P1: the alarm comes long before the disk is full', async () => {
  const { state, heard, watch } = bench();
  const at = async (free: number): Promise<DiskLevel> => {
    state.free = free;
    await watch.check();
    await watch.check();
    return watch.level;
  };
  assert.equal(await at(20 * GIB), 'ok');
  assert.equal(await at(20 * GIB - 4096), 'low', 'a tenth of the file system');
  state.total = 4 * GIB;
  assert.equal(await at(2 * GIB), 'ok');
  assert.equal(await at(2 * GIB - 4096), 'low');
  assert.equal(await at(GIB / 4), 'low');
  assert.equal(await at(GIB / 4 - 4096), 'critical');
  assert.equal(await at(3 * GIB), 'ok');
  assert.deepEqual(heard, ['low', 'ok', 'low', 'critical', 'ok']);
  watch.stop();
});

test('growth is measured over time, and says when the disk will be full', async () => {
  const { state, watch } = bench();
  await watch.check();
  assert.deepEqual(watch.predict(), { freeBytes: 100 * GIB, bytesPerDay: 0, fullAt: null });
  for (let hour = 0; hour < 10; hour++) {
    state.now += HOUR;
    state.journal += GIB;
    await watch.check();
  }
  assert.deepEqual(watch.predict(), { freeBytes: 100 * GIB, bytesPerDay: 24 * GIB, fullAt: state.now + 100 * HOUR });
  // Space that a retired segment gives back does not count against what was written.
  state.now += HOUR;
  state.journal = 0;
  await watch.check();
  assert.equal(watch.predict().bytesPerDay, Math.round((10 / 11) * 24 * GIB));
  for (let hour = 0; hour < 24; hour++) {
    state.now += HOUR;
    await watch.check();
  }
  assert.deepEqual(watch.predict(), { freeBytes: 100 * GIB, bytesPerDay: 0, fullAt: null }, 'a quiet day');
  watch.stop();
});

test('a look that fails changes no level and says why', async () => {
  const { state, heard, watch } = bench();
  state.free = 1;
  await watch.check();
  await watch.check();
  state.fails = true;
  await watch.check();
  assert.equal(watch.level, 'critical');
  assert.equal(watch.trouble, 'EIO');
  state.fails = false;
  await watch.check();
  assert.equal(watch.trouble, null);
  assert.deepEqual(heard, ['critical']);
  watch.stop();
});

test('the real file system is read', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gatehouse-disk-'));
  await mkdir(join(dir, 'main'));
  await writeFile(join(dir, 'main', 'one'), 'x'.repeat(1000));
  let now = 0;
  const watch = watchDisk({ dir, thresholds, clock: { now: () => now, monotonic: () => now } });
  await watch.check();
  await writeFile(join(dir, 'main', 'two'), 'x'.repeat(5000));
  now = 24 * HOUR - 1;
  await watch.check();
  const { freeBytes, bytesPerDay } = watch.predict();
  assert.ok(freeBytes !== null && freeBytes > 0);
  assert.equal(bytesPerDay, 5000);
  watch.stop();
  await rm(dir, { recursive: true });
});
