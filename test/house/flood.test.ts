import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRecords } from '../../src/journal/read.ts';
import { claim, makeHouse, startChild } from '../support/house.ts';
import { raw } from '../support/raw.ts';

test('P1: a flood with a revoked admin token leaves a hundred records a minute, and the rest is counted', async (t) => {
  const house = makeHouse({ upstream: 'http://127.0.0.1:9' });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  const made = await admin.call('POST', '/api/keys', { person: 'owner@example.com', kind: 'admin', label: 'lost' });
  const { id } = made.key as { id: string };
  await admin.call('POST', `/api/keys/${id}/revoke`, { reason: 'lost' });
  const ask = { method: 'GET', path: '/api/people', headers: { authorization: `Bearer ${made.secret}` } };
  const replies = await Promise.all(Array.from({ length: 105 }, () => raw(child.url, ask)));
  assert.deepEqual([...new Set(replies.map(({ status }) => status))], [401]);
  await child.stop();
  let recorded = 0;
  const counted: unknown[] = [];
  for await (const { record } of readRecords(join(house.dataDir, 'journal'), 'main')) {
    if (record.kind === 'refusal' && record.key === id && record.code === 'credential_revoked') recorded++;
    if (record.kind === 'strangers') counted.push(record.counts);
  }
  assert.equal(recorded, 100);
  assert.deepEqual(counted, [{ credential_revoked: 5 }]);
});
