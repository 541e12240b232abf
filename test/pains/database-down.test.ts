import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { identify } from '../../src/identity/identify.ts';
import { newCredential } from '../../src/identity/key-format.ts';
import { inWorld, T0 } from '../identity/world.ts';
import { startDouble } from '../support/double.ts';
import type { TestOptions } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY } from '../support/governance.ts';
import { claim, makeHouse, startChild } from '../support/house.ts';
import { CALL, raw, STREAM_CALL } from '../support/raw.ts';
import { start } from './support.ts';

test('P9: while another process holds the database, every valid key works, first use or not, and bad ones are refused as ever', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const make = async (label: string): Promise<{ id: string; secret: string }> => {
    const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label });
    return { id: (made.key as { id: string }).id, secret: String(made.secret) };
  };
  const used = await make('used');
  // Never seen before the outage: no cache of recent keys can know it.
  const fresh = await make('fresh');
  const revoked = await make('revoked');
  await admin.call('POST', `/api/keys/${revoked.id}/revoke`, { reason: 'lost' });
  const ask = async (secret: string, body = CALL): Promise<number> =>
    (await raw(child.url, { body, headers: { authorization: `Bearer ${secret}` } })).status;
  assert.equal(await ask(used.secret), 200);

  // Another process holds the database: whoever asks it for anything now is told that it is locked.
  const other = new DatabaseSync(join(house.dataDir, 'store.db'));
  other.exec('BEGIN IMMEDIATE');
  try {
    for (const secret of [used.secret, fresh.secret]) {
      for (const body of [CALL, STREAM_CALL]) assert.equal(await ask(secret, body), 200);
    }
    assert.equal(await ask(revoked.secret), 401);
    assert.equal(await ask(newCredential('key').secret), 401);
  } finally {
    other.exec('ROLLBACK');
    other.close();
  }
  assert.equal(double.begun(), 5);
});

test('P9: with a database that answers every question with an error, valid keys keep working, and nobody valid gets a 401', async (t) => {
  await inWorld(async ({ store, directory, changes }) => {
    const actor = 'system';
    const { id } = await changes.addPerson({ actor, email: 'dev@example.com' });
    const made = await changes.createKey({ actor, owner: id, kind: 'key', label: 'laptop' });
    const lost = await changes.createKey({ actor, owner: id, kind: 'key', label: 'lost' });
    await changes.revokeCredential({ actor, credential: lost.id, reason: null });
    const services: TestOptions['services'] = {
      identify: (headers) => identify(headers, { directory, door: 'key', now: T0 }),
      governance: () => ({ ...governanceOf(OPEN_POLICY), directory: directory.current }),
    };
    const gateway = await start(t, '', { services });
    await store.close();
    await assert.rejects(directory.refresh());
    await assert.rejects(changes.addPerson({ actor, email: 'later@example.com' }));
    const ask = async (secret: string): Promise<number> =>
      (await raw(gateway.url, { body: CALL, headers: { authorization: `Bearer ${secret}` } })).status;
    assert.deepEqual([await ask(made.secret), await ask(made.secret)], [200, 200]);
    assert.equal(await ask(lost.secret), 401, 'who was turned away stays so');
    assert.equal(await ask(newCredential('key').secret), 401);
  });
});
