import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { verifyJournal } from '../../src/journal/verify.ts';
import { startDouble } from '../support/double.ts';
import { OPEN_POLICY } from '../support/governance.ts';
import { claim, makeHouse, startChild } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';

/** Every byte of every file below a folder, as text of single bytes. */
function allBytes(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

interface Content {
  readonly state: string;
  readonly text: string | null;
}

test('P7: erasing a person makes their content unreadable and their name vanish, and the chain still verifies', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({
    upstream: double.url,
    policy: `${OPEN_POLICY}\nretention: { content: { default: full } }`,
  });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  const person = String((await admin.call('POST', '/api/people', { email: 'forget.me@example.com' })).id);
  const key = await admin.call('POST', '/api/keys', { person, label: 'laptop of forget.me' });
  const reply = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key.secret}` } });
  const record = String(reply.headers['x-gatehouse-record']);
  const content = async (): Promise<Record<string, Content>> =>
    (await admin.call('GET', `/api/audit/${record}/content`)) as unknown as Record<string, Content>;
  let kept = await content();
  for (let i = 0; i < 100 && kept.response?.state !== 'kept'; i++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    kept = await content();
  }
  assert.deepEqual(kept.request, { state: 'kept', text: CALL });
  assert.equal(kept.response?.text, reply.body.toString());
  assert.ok(
    !allBytes(join(house.dataDir, 'journal')).includes('"role":"user"'),
    'content lies in the journal only encrypted',
  );

  await admin.call('POST', `/api/people/${person}/erase`, { reason: 'right to erasure' });
  assert.deepEqual(await content(), {
    request: { state: 'erased', text: null },
    response: { state: 'erased', text: null },
  });
  const refused = await raw(child.url, { body: CALL, headers: { authorization: `Bearer ${key.secret}` } });
  assert.equal(refused.status, 401);
  await child.stop();
  assert.ok(!allBytes(house.dataDir).includes('forget.me'), 'the name is in no file any more');
  const report = await verifyJournal({ dir: join(house.dataDir, 'journal') });
  assert.deepEqual([report.ok, report.problems], [true, []]);
});
