/** The runbooks of docs/operations.md, step by step, on real gateways. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readRecords } from '../../src/journal/read.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { restore } from '../../src/store/restore.ts';
import { Terminal } from '../cli/fake-io.ts';
import { startDouble } from '../support/double.ts';
import { type Admin, adminOf, claim, type House, makeHouse, type RunningChild, startChild } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';

interface Lived {
  readonly house: House;
  readonly admin: Admin;
  readonly key: string;
  readonly backups: string;
  readonly child: RunningChild;
  start(): Promise<RunningChild>;
  call(url: string): Promise<number>;
}

/** A gateway that has an owner, a person with a key, one recorded call and a backup, still running. */
async function lived(t: TestContext): Promise<Lived> {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url, extra: 'backup: { folder: BACKUPS }' });
  t.after(() => house.remove());
  const start = async (): Promise<RunningChild> => {
    const child = await startChild(house);
    t.after(() => child.kill());
    return child;
  };
  const child = await start();
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const key = String((await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' })).secret);
  const call = async (url: string): Promise<number> =>
    (await raw(url, { body: CALL, headers: { authorization: `Bearer ${key}` } })).status;
  assert.equal(await call(child.url), 200);
  await admin.call('POST', '/api/backup', { name: 'monday' });
  return { house, admin, key, backups: join(house.folder, 'BACKUPS'), child, start, call };
}

async function verified(house: House): Promise<void> {
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  assert.deepEqual([report.ok, report.problems, report.writers.flatMap((writer) => writer.problems)], [true, [], []]);
}

test('an owner who lost the only token gets a new one on the machine, while the gateway is stopped, and it is recorded', async (t) => {
  const { house, child, start } = await lived(t);
  const terminal = new Terminal();
  t.after(() => terminal.close());
  const recover = ['owner', 'recover', '--email', 'Owner@Example.com', '--data', house.dataDir];
  assert.equal(await terminal.run(...recover), 1, 'not while a gateway runs');
  assert.match(terminal.err, /A gateway runs on/);
  await child.stop();
  assert.equal(await terminal.run('owner', 'recover', '--email', 'dev@example.com', '--data', house.dataDir), 1);
  assert.match(terminal.err, /no active owner or admin with this address/);
  assert.equal(await terminal.run(...recover, '--json'), 0, terminal.err);
  const { token } = terminal.json() as { token: string };
  const again = await start();
  const people = await adminOf(again.url, token).call('GET', '/api/people');
  assert.equal((people.people as unknown[]).length, 2);
  await again.stop();
  const changes: unknown[] = [];
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) {
    if (record.kind === 'change') changes.push(`${record.actor} ${record.action}`);
  }
  assert.equal(changes.at(-1), 'system key.created');
  await verified(house);
});

test('a lost journal is put back from a backup: calls go on, new changes are recorded, usage is rebuilt', async (t) => {
  const { house, admin, backups, child, start, call } = await lived(t);
  await admin.call('POST', '/api/people', { email: 'after@example.com' });
  await child.stop();
  rmSync(join(house.dataDir, 'journal'), { recursive: true });
  await restore({ from: join(backups, 'monday'), to: house.dataDir, only: 'journal' });
  const again = await start();
  assert.equal(await call(again.url), 200);
  const owner = adminOf(again.url, admin.token);
  const people = JSON.stringify(await owner.call('GET', '/api/people'));
  assert.ok(people.includes('after@example.com'), 'what the store knows stays in force');
  await owner.call('POST', '/api/people', { email: 'later@example.com' });
  const { records } = await owner.call('POST', '/api/usage/rebuild');
  assert.ok(Number(records) > 0);
  const usage = await owner.call('GET', '/api/usage?by=person');
  assert.equal((usage.rows as { calls: number }[])[0]?.calls, 2);
  await again.stop();
  await verified(house);
});

test('without any backup a gateway starts a new journal under the store it has, and serves', async (t) => {
  const { house, admin, child, start, call } = await lived(t);
  await child.stop();
  rmSync(join(house.dataDir, 'journal'), { recursive: true });
  const again = await start();
  assert.equal(await call(again.url), 200);
  await adminOf(again.url, admin.token).call('POST', '/api/people', { email: 'later@example.com' });
  await again.stop();
  await verified(house);
});

test('a lost signing key is made anew at the next start, and the trail goes on', async (t) => {
  const { house, child, start, call } = await lived(t);
  await child.stop();
  rmSync(join(house.dataDir, 'keys', 'signing.key'));
  const again = await start();
  assert.equal(await call(again.url), 200);
  await again.stop();
  await verified(house);
});
