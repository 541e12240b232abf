import assert from 'node:assert/strict';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { type Double, startDouble } from '../test/support/double.ts';
import { type Admin, adminOf, claim, type House, makeHouse, startChild } from '../test/support/house.ts';
import { CALL, raw } from '../test/support/raw.ts';

interface World {
  readonly double: Double;
  readonly house: House;
  readonly store: string;
  readonly token: string;
  readonly key: { readonly id: string; readonly secret: string };
}

/** A gateway with an owner, a person and a key, stopped again. */
async function furnished(t: TestContext): Promise<World> {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' });
  const key = { id: (made.key as { id: string }).id, secret: String(made.secret) };
  await child.stop();
  return { double, house, store: join(house.dataDir, 'store.db'), token: admin.token, key };
}

async function status(url: string, { key }: World): Promise<number> {
  return (await raw(url, { body: CALL, headers: { authorization: `Bearer ${key.secret}` } })).status;
}

function makeKey(admin: Admin): Promise<Record<string, unknown>> {
  return admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'more' });
}

test('P9: while another process holds the store, callers are served, also while a change waits for it', async (t) => {
  const world = await furnished(t);
  const child = await startChild(world.house);
  t.after(() => child.kill());
  const admin = adminOf(child.url, world.token);
  const other = new DatabaseSync(world.store);
  t.after(() => other.isOpen && other.close());
  other.exec('BEGIN IMMEDIATE');
  let waits = true;
  const refused = assert
    .rejects(makeKey(admin), /503 .*not_available.*The store cannot be used now: another process holds it\./)
    .finally(() => {
      waits = false;
    });
  let served = 0;
  while (waits) {
    assert.equal(await status(child.url, world), 200);
    if (waits) served++;
  }
  await refused;
  assert.ok(served >= 20, `only ${served} calls were served while a change waited`);
  other.exec('ROLLBACK');
  other.close();
  assert.equal(typeof (await makeKey(admin)).secret, 'string');
});

test('a store that another process holds alone stops the start with the reason; without it the start works', async (t) => {
  const world = await furnished(t);
  const other = new DatabaseSync(world.store);
  t.after(() => other.isOpen && other.close());
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE counters SET value = value');
  await assert.rejects(startChild(world.house), /The store cannot be used now: another process holds it\./);
  other.exec('ROLLBACK');
  other.close();
  const child = await startChild(world.house);
  t.after(() => child.kill());
  assert.equal(await status(child.url, world), 200);
});

test('P3, P9: with the store held callers are served, a revocation is an error to whoever asked for it, and works once it is free', async (t) => {
  const world = await furnished(t);
  const child = await startChild(world.house);
  t.after(() => child.kill());
  const admin = adminOf(child.url, world.token);
  const other = new DatabaseSync(world.store);
  t.after(() => other.isOpen && other.close());
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(admin.call('POST', `/api/keys/${world.key.id}/revoke`, { reason: 'leaked' }), /503/);
  assert.equal(await status(child.url, world), 200);
  other.exec('ROLLBACK');
  other.close();
  await admin.call('POST', `/api/keys/${world.key.id}/revoke`, { reason: 'leaked' });
  assert.equal(await status(child.url, world), 401);
});

/** Ways in which a database file is no longer one. */
const DAMAGES: Readonly<Record<string, (path: string) => void>> = {
  truncated: (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  'garbage in a page': (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 4096 * 3, 4096 * 4);
    writeFileSync(path, bytes);
  },
  'garbage at its beginning': (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 0, 200);
    writeFileSync(path, bytes);
  },
};

for (const [damage, inflict] of Object.entries(DAMAGES)) {
  test(`P8: a damaged store (${damage}) stops the start with what to do, and nothing is changed`, async (t) => {
    const world = await furnished(t);
    inflict(world.store);
    const before = readFileSync(world.store);
    await assert.rejects(startChild(world.house), (error: Error) => {
      assert.match(error.message, /The store .*store\.db is damaged/);
      assert.match(error.message, /gatehouse restore <backup> --only store --force/);
      return true;
    });
    assert.deepEqual(readFileSync(world.store), before);
  });
}

test('P8, P3: with the store missing the start goes on without anybody: no key opens anything, a new owner has to come', async (t) => {
  const world = await furnished(t);
  for (const name of readdirSync(world.house.dataDir).filter((name) => name.startsWith('store.db'))) {
    renameSync(join(world.house.dataDir, name), join(world.house.folder, name));
  }
  const child = await startChild(world.house);
  t.after(() => child.kill());
  const sent = world.double.begun();
  assert.equal(await status(child.url, world), 401);
  assert.equal(world.double.begun(), sent);
  assert.notEqual(child.ownerSecret, null);
  await child.stop();
  // Found again, it is put back, and everybody with it.
  for (const name of readdirSync(world.house.dataDir).filter((name) => name.startsWith('store.db'))) {
    rmSync(join(world.house.dataDir, name));
  }
  for (const name of readdirSync(world.house.folder).filter((name) => name.startsWith('store.db'))) {
    renameSync(join(world.house.folder, name), join(world.house.dataDir, name));
  }
  const again = await startChild(world.house);
  t.after(() => again.kill());
  assert.equal(await status(again.url, world), 200);
});
