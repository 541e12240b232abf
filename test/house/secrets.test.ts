import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startDouble } from '../support/double.ts';
import { OPEN_POLICY } from '../support/governance.ts';
import { adminOf, claim, makeHouse, startChild } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';

test('P5: no credential, of callers or of the provider, is in an answer, the log, the metrics or any file', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  // A provider that says back what it was sent, as some proxies in between do.
  double.answer = (seen, response) => {
    const code = seen.body.includes('"echo"') ? 401 : 200;
    response.writeHead(code, { 'content-type': 'application/json', 'set-cookie': 'id=provider-cookie-secret' });
    response.end(JSON.stringify({ type: 'error', error: { type: 'authentication_error', message: 'bad key' } }));
  };
  const house = makeHouse({
    upstream: double.url,
    policy: `${OPEN_POLICY}\nretention: { content: { default: full } }`,
  });
  t.after(() => house.remove());
  const child = await startChild(house);
  t.after(() => child.kill());
  const admin = await claim(child);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' });
  const key = String(made.secret);
  const seen: string[] = [];
  const send = async (headers: Record<string, string>, path = '/v1/messages', body = CALL): Promise<void> => {
    const reply = await raw(child.url, { path, body, headers });
    seen.push(JSON.stringify(reply.rawHeaders), reply.body.toString());
  };
  await send({ authorization: `Bearer ${key}` });
  await send({ authorization: `Bearer ${key}` }, '/v1/messages', CALL.replace('hi', '\\"echo\\"'));
  await send({ authorization: `Bearer ${key}`, 'x-api-key': key });
  await send({ authorization: `Bearer ${key}`, 'x-api-key': `${key}x` });
  await send({ authorization: `Bearer ${key.slice(0, -1)}` });
  await send({ authorization: `Bearer ${admin.token}` });
  await send({ authorization: `Bearer ${key}` }, '/api/people', '{"email": 5}');
  await send({ authorization: `Bearer ${admin.token}` }, '/api/people', `{"email": "${key}"}`);
  await admin.call('POST', `/api/keys/${(made.key as { id: string }).id}/revoke`, {});
  await send({ authorization: `Bearer ${key}` });
  const metrics = await raw(child.url, {
    method: 'GET',
    path: '/metrics',
    headers: { authorization: `Bearer ${admin.token}` },
  });
  seen.push(metrics.body.toString());
  seen.push(JSON.stringify(await adminOf(child.url, admin.token).call('GET', '/api/keys')));
  await child.stop();
  seen.push(child.stderr());
  for (const entry of readdirSync(house.dataDir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) seen.push(readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  }
  const everything = seen.join('\n');
  for (const secret of [key, admin.token, String(child.ownerSecret), 'provider-secret', 'provider-cookie-secret']) {
    assert.equal(everything.includes(secret), false, `${secret.slice(0, 8)}… leaked`);
    assert.equal(everything.includes(secret.slice(4, 24)), false, `a part of ${secret.slice(0, 8)}… leaked`);
  }
});
