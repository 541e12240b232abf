import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { verifyJournal } from '../src/journal/verify.ts';
import { type Double, startDouble } from '../test/support/double.ts';
import {
  type Admin,
  adminOf,
  claim,
  type House,
  makeHouse,
  type RunningChild,
  startChild,
} from '../test/support/house.ts';
import { CALL, raw } from '../test/support/raw.ts';
import { has, ownDisk, segmentsOf } from './support/disks.ts';
import { readTrail } from './support/trail.ts';

interface World {
  readonly double: Double;
  readonly house: House;
  readonly token: string;
  readonly key: { readonly id: string; readonly secret: string };
}

/** A gateway with an owner, a person and a key, stopped again. */
async function furnished(t: TestContext, dataDir?: string): Promise<World> {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url, ...(dataDir === undefined ? {} : { dataDir }) });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' });
  const key = { id: (made.key as { id: string }).id, secret: String(made.secret) };
  await child.stop();
  return { double, house, token: admin.token, key };
}

async function status(url: string, { key }: World): Promise<number> {
  return (await raw(url, { body: CALL, headers: { authorization: `Bearer ${key.secret}` } })).status;
}

async function problems(house: House): Promise<string[]> {
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  return [...report.problems, ...report.writers.flatMap((writer) => writer.problems.map(({ problem }) => problem))];
}

/** P1 afterwards: what the double saw has an intent, every intent one outcome, every answered call its record. */
function accounted({ house, double }: World, answered: number): void {
  const lines = readTrail(house.dataDir);
  const intents = lines.filter(({ kind }) => kind === 'intent');
  const outcomes = lines.filter(({ kind }) => kind === 'outcome').map(({ body }) => body.intent);
  assert.deepEqual(outcomes.sort(), intents.map(({ id }) => id).sort());
  const traces = intents.map(({ body }) => body.trace);
  for (const { headers } of double.seen) assert.ok(traces.includes(String(headers.traceparent).split('-')[1]));
  assert.ok(intents.length >= answered && double.begun() <= intents.length);
}

/**
 * Faults of the journal's file alone, from the nth call on, as a disk makes them that fails and comes back. strace counts the
 * calls of each thread apart: with one thread for files its count is the process's, and the outage as long as it says.
 */
function injecting(house: House, call: string, what: string): string[] {
  const file = segmentsOf(house.dataDir).at(-1) ?? '';
  const quiet = ['-f', '-qq', '-o', '/dev/null', '-E', 'UV_THREADPOOL_SIZE=1'];
  return ['strace', ...quiet, '-P', file, '-e', `trace=${call}`, '-e', `inject=${call}:${what}`];
}

for (const [call, error] of [
  ['pwrite64', 'EIO'],
  ['pwrite64', 'ENOSPC'],
  ['fdatasync', 'EIO'],
] as const) {
  test(`P1: ${call} of the journal fails with ${error} under load and gets well: refused meanwhile, and all is accounted for`, {
    skip: has('strace', '-V') ? false : 'strace is not installed',
  }, async (t) => {
    const world = await furnished(t);
    const child = await startChild(world.house, 'none', injecting(world.house, call, `error=${error}:when=30..33`));
    t.after(() => child.kill());
    const seen = { served: 0, refused: 0, again: 0 };
    for (let turn = 0; turn < 2000 && seen.again < 20; turn++) {
      const statuses = await Promise.all([1, 2, 3].map(() => status(child.url, world)));
      for (const one of statuses) {
        assert.ok(one === 200 || one === 503, `${one}`);
        if (one === 503) seen.refused++;
        else if (seen.refused === 0) seen.served++;
        else seen.again++;
      }
      if (statuses.includes(503)) await sleep(50);
    }
    assert.ok(seen.served > 0 && seen.refused > 0 && seen.again >= 20, JSON.stringify(seen));
    // To the group: strace passes no signals on.
    process.kill(-(child.process.pid ?? 0), 'SIGTERM');
    await child.ended;
    assert.deepEqual(await problems(world.house), []);
    accounted(world, seen.served + seen.again);
  });
}

async function refusedWhileReadOnly(child: RunningChild, world: World, admin: Admin): Promise<void> {
  let last = 200;
  for (let turn = 0; turn < 100 && last === 200; turn++) last = await status(child.url, world);
  const sent = world.double.begun();
  assert.equal(await status(child.url, world), 503);
  assert.equal(world.double.begun(), sent, 'nothing was sent while nothing could be recorded');
  assert.equal((await raw(child.url, { method: 'GET', path: '/readyz' })).status, 503);
  assert.equal((await raw(child.url, { method: 'GET', path: '/healthz' })).status, 200);
  // The refusal cannot be recorded either, and says so.
  const revoke = admin.call('POST', `/api/keys/${world.key.id}/revoke`, { reason: 'leaked' });
  await assert.rejects(revoke, /503 .*journal_unavailable/);
}

test('P1, P3: the disk becomes read-only under a running gateway: calls and changes are refused with the reason, and after its repair all is there', async (t) => {
  const disk = ownDisk(t);
  if (disk === null) return t.skip('mounting a file system needs root');
  const world = await furnished(t, join(disk.folder, 'data'));
  const child = await startChild(world.house);
  t.after(() => child.kill());
  assert.equal(await status(child.url, world), 200);
  disk.fail();
  await refusedWhileReadOnly(child, world, adminOf(child.url, world.token));
  await child.stop();
  await assert.rejects(startChild(world.house), /EROFS|read-only/i);
  disk.repair();
  const again = await startChild(world.house);
  t.after(() => again.kill());
  assert.equal(await status(again.url, world), 200);
  await adminOf(again.url, world.token).call('POST', `/api/keys/${world.key.id}/revoke`, { reason: 'leaked' });
  assert.equal(await status(again.url, world), 401);
  await again.stop();
  assert.deepEqual(await problems(world.house), []);
  accounted(world, 2);
});

test('P1: a torn tail of the journal is cut off, kept and recorded by the next start', async (t) => {
  const world = await furnished(t);
  const newest = segmentsOf(world.house.dataDir).at(-1) ?? '';
  appendFileSync(newest, '{"seq":99,"prev":"');
  const child = await startChild(world.house);
  t.after(() => child.kill());
  assert.equal(await status(child.url, world), 200);
  await child.stop();
  assert.equal(readFileSync(`${newest}.torn-1`, 'utf8'), '{"seq":99,"prev":"');
  const found = readTrail(world.house.dataDir).find(({ kind }) => kind === 'recovered');
  assert.equal(found?.body.torn_bytes, 18);
  assert.deepEqual(await problems(world.house), []);
});

test('P6: a journal that is damaged before its end stops the start with file and line, and nothing is changed', async (t) => {
  const world = await furnished(t);
  const newest = segmentsOf(world.house.dataDir).at(-1) ?? '';
  const text = readFileSync(newest, 'utf8');
  const lines = text.split('\n');
  const damaged = [...lines.slice(0, 2), (lines[2] ?? '').replace('"at":"2', '"at":"3'), ...lines.slice(3)].join('\n');
  writeFileSync(newest, damaged);
  await assert.rejects(startChild(world.house), (error: Error) => {
    assert.ok(error.message.includes(newest), error.message);
    assert.match(error.message, /line [34]\b/);
    assert.match(error.message, /gatehouse restore|runbook|restore/i);
    return true;
  });
  assert.equal(readFileSync(newest, 'utf8'), damaged);
});
