import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyJournal } from '../../src/journal/verify.ts';
import { restore } from '../../src/store/restore.ts';
import { startDouble } from '../support/double.ts';
import { adminOf, claim, makeHouse, startChild } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';

test('P3, P7: an older store put back gives nobody back what was taken since: revocations and erasures are applied before it serves', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url, extra: 'backup: { folder: BACKUPS }' });
  t.after(() => house.remove());
  const backups = join(house.folder, 'BACKUPS');
  const first = await startChild(house);
  t.after(() => first.kill());
  const admin = await claim(first);
  for (const name of ['revoked', 'erased', 'kept'])
    await admin.call('POST', '/api/people', { email: `${name}@example.com` });
  const keyOf = async (name: string) => {
    const made = await admin.call('POST', '/api/keys', { person: `${name}@example.com`, label: 'laptop' });
    return { id: (made.key as { id: string }).id, secret: String(made.secret) };
  };
  const keys = { revoked: await keyOf('revoked'), erased: await keyOf('erased'), kept: await keyOf('kept') };
  const statusOf = async (url: string, secret: string): Promise<number> =>
    (await raw(url, { body: CALL, headers: { authorization: `Bearer ${secret}` } })).status;
  for (const key of Object.values(keys)) assert.equal(await statusOf(first.url, key.secret), 200);

  await admin.call('POST', '/api/backup', { name: 'before' });
  await admin.call('POST', `/api/keys/${keys.revoked.id}/revoke`, { reason: 'leaked' });
  await admin.call('POST', '/api/people/erased@example.com/erase', { reason: 'left' });
  await first.stop();

  await restore({ from: join(backups, 'before'), to: house.dataDir, only: 'store', force: true });
  const second = await startChild(house);
  t.after(() => second.kill());
  assert.equal(await statusOf(second.url, keys.revoked.secret), 401);
  assert.equal(await statusOf(second.url, keys.erased.secret), 401);
  assert.equal(await statusOf(second.url, keys.kept.secret), 200);
  const people = JSON.stringify(await adminOf(second.url, admin.token).call('GET', '/api/people'));
  assert.ok(!people.includes('erased@example.com'));
  assert.ok(people.includes('kept@example.com'));
  // Changes made from now on are recorded: their numbers collide with none of before.
  await adminOf(second.url, admin.token).call('POST', '/api/people', { email: 'new@example.com' });
  await second.stop();
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  assert.deepEqual([report.ok, report.problems], [true, []]);
});
