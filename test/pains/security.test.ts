import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { identify } from '../../src/identity/identify.ts';
import { newCredential } from '../../src/identity/key-format.ts';
import { readRecords } from '../../src/journal/read.ts';
import { createLogger } from '../../src/kernel/log.ts';
import { type RunningGatehouse, startGatehouse } from '../../src/main.ts';
import { type Double, startDouble } from '../support/double.ts';
import { governanceOf, KEY, PERSON } from '../support/governance.ts';
import { type Admin, claim, type House, makeHouse } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';
import { speak } from '../support/speak.ts';

interface Running {
  readonly gatehouse: RunningGatehouse;
  readonly house: House;
  readonly double: Double;
  /** Every line of the log so far, at the most talkative level. */
  readonly lines: string[];
}

/** A whole gateway in this process, as it is after its very first start. */
async function run(t: TestContext): Promise<Running> {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url });
  const lines: string[] = [];
  const log = createLogger({ level: 'debug', destination: { write: (text) => lines.push(text) } });
  const env = { ...process.env, TEST_PROVIDER_KEY: 'provider-secret' };
  const gatehouse = await startGatehouse({ config: house.configFile, log, env });
  t.after(async () => {
    await gatehouse.stop();
    house.remove();
  });
  return { gatehouse, house, double, lines };
}

async function claimed({ gatehouse }: Running): Promise<{ admin: Admin; key: string; id: string }> {
  const admin = await claim(gatehouse);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const made = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' });
  return { admin, key: String(made.secret), id: (made.key as { id: string }).id };
}

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

test('a key is found by the digest of all of it: another that begins with the same 37 characters is nobody', () => {
  // Every random byte the same, but for the last one.
  const keyEndingIn = (last: number) =>
    newCredential('key', (size) => Uint8Array.from({ length: size }, (_, i) => (i === size - 1 ? last : 7)));
  const known = keyEndingIn(1);
  const row = {
    id: KEY,
    kind: 'key',
    owner: PERSON,
    label: 'laptop',
    digest: known.digest,
    hint: known.hint,
    team: null,
    createdAt: 0,
    expiresAt: null,
    revokedAt: null,
    rotatedTo: null,
  } as const;
  const { directory } = governanceOf(null, { credentials: [row] });
  const ask = (token: string) => identify(bearer(token), { directory: { current: directory }, door: 'key', now: 1 });
  for (const last of [2, 3, 61]) {
    const twin = keyEndingIn(last).secret;
    assert.equal(twin.slice(0, 37), known.secret.slice(0, 37));
    // In the reports the cache is warm: whoever it knows was here right before.
    assert.equal(ask(known.secret).id, PERSON);
    assert.throws(() => ask(twin), { code: 'credential_unknown' });
    assert.throws(() => ask(`${known.secret.slice(0, -6)}${twin.slice(-6)}`), { code: 'credential_malformed' });
  }
});

/** Keys that are SQL, from the advisories and from scanners. */
const INJECTIONS = [
  "' OR '1'='1",
  "' OR 1=1 --",
  "sk-' UNION SELECT token, 1 FROM credentials --",
  "'; DROP TABLE credentials; --",
  "' AND pg_sleep(5) --",
  "' || (SELECT digest FROM credentials LIMIT 1) || '",
  "ghk_' OR ''='",
  `ghk_${"'".repeat(40)}`,
  '%',
  '\\',
];

test('a key that is SQL is no key, on any door and in any place where text from outside goes', async (t) => {
  const running = await run(t);
  const { admin, key } = await claimed(running);
  const { url } = running.gatehouse;
  for (const text of INJECTIONS) {
    for (const headers of [bearer(text), { authorization: '', 'x-api-key': text }]) {
      for (const [method, path] of [
        ['POST', '/v1/messages'],
        ['GET', '/v1/models'],
        ['GET', '/api/keys'],
        ['POST', '/api/keys'],
      ]) {
        const reply = await raw(url, {
          method: method ?? '',
          path: path ?? '',
          headers,
          body: method === 'GET' ? '' : CALL,
        });
        assert.equal(reply.status, 401, `${path} ${text}`);
        assert.doesNotMatch(reply.body.toString(), /SELECT|sqlite|credentials/i);
      }
    }
    const path = `/api/people/${encodeURIComponent(text)}/disable`;
    const asAdmin = { method: 'POST', headers: bearer(admin.token), body: '{}' };
    const byName = await raw(url, { ...asAdmin, path });
    assert.ok(byName.status === 404 || byName.status === 400, `${text}: ${byName.status}`);
    const filtered = await raw(url, {
      ...asAdmin,
      method: 'GET',
      path: `/api/audit?who=${encodeURIComponent(text)}`,
      body: '',
    });
    assert.ok(filtered.status < 500, `${text}: ${filtered.status}`);
  }
  assert.equal(running.double.begun(), 0);
  assert.equal((await raw(url, { body: CALL, headers: bearer(key) })).status, 200, 'and nothing was dropped');
  assert.equal(((await admin.call('GET', '/api/keys')).keys as unknown[]).length, 2);
});

test('no Host header, target or forwarding header changes which route is asked for, or who may', async (t) => {
  const running = await run(t);
  const { admin, key } = await claimed(running);
  const port = Number(new URL(running.gatehouse.url).port);
  const body = '{"person":"dev@example.com","label":"stolen"}';
  const ask = (target: string, headers: string): Promise<string> =>
    speak(
      port,
      `POST ${target} HTTP/1.1\r\n${headers}content-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
    );
  const hosts = [
    `localhost:${port}/#@attacker.example`,
    `localhost:${port}/v1/models?`,
    `localhost:${port}/livez#`,
    'attacker.example',
    'localhost@attacker.example',
    'localhost.attacker.example',
  ];
  for (const host of hosts) {
    // Not even for whoever may: a page on the web could make a browser send it.
    for (const credential of ['', `authorization: Bearer ${admin.token}\r\n`]) {
      assert.match(await ask('/api/keys', `host: ${host}\r\n${credential}`), /^HTTP\/1\.1 4(?:00|21) /, host);
    }
  }
  for (const target of ['/api/keys', `http://localhost:${port}/api/keys`, `http://attacker.example/api/keys`]) {
    for (const more of [
      '',
      'x-forwarded-host: localhost\r\nx-original-url: /livez\r\nx-rewrite-url: /livez\r\nx-forwarded-for: 127.0.0.1\r\n',
    ]) {
      for (const credential of ['', `authorization: Bearer ${key}\r\n`]) {
        const answer = await ask(target, `host: localhost:${port}\r\n${more}${credential}`);
        assert.match(answer, /^HTTP\/1\.1 4\d\d /, target);
        assert.doesNotMatch(answer, /ghk_[0-9A-Za-z]{20}/);
      }
    }
  }
  assert.equal(((await admin.call('GET', '/api/keys')).keys as unknown[]).length, 2, 'no key was made');
});

test('P5: no key is in the log at its most talkative, in the journal or in a refusal, nor one that came in a query or a path', async (t) => {
  const running = await run(t);
  const { admin, key, id } = await claimed(running);
  const { url } = running.gatehouse;
  const seen: string[] = [];
  const send = async (path: string, headers: Record<string, string>, method = 'POST'): Promise<void> => {
    const reply = await raw(url, { method, path, headers, body: method === 'GET' ? '' : CALL });
    seen.push(reply.body.toString(), JSON.stringify(reply.rawHeaders));
  };
  await send('/v1/messages', bearer(key));
  await send('/v1/messages', { authorization: `bearer  ${key}`, 'x-api-key': key });
  await send('/v1/messages', { authorization: key });
  await send('/v1/messages', { ...bearer(key), 'user-agent': key, 'x-claude-code-session-id': key });
  await send(`/v1/messages/${key}`, bearer(key));
  await send(`/key/info?key=${key}`, bearer(key), 'GET');
  await send(`/api/keys?kind=${key}`, bearer(admin.token), 'GET');
  await send(`/api/keys/${key}/revoke`, bearer(admin.token));
  await send('/v1/messages', bearer(`${key}x`));
  await admin.call('POST', `/api/keys/${id}/revoke`, { reason: 'lost' });
  await send('/v1/messages', bearer(key));
  running.double.answer = (_seen, response) => void response.destroy();
  await send('/v1/messages', bearer(admin.token));
  seen.push(running.lines.join(''));
  for await (const { record } of readRecords(join(running.house.dataDir, 'journal'), 'main')) {
    seen.push(JSON.stringify(record));
  }
  assert.ok(running.lines.length > 5, 'the log does say something');
  const everything = seen.join('\n');
  for (const secret of [key, admin.token, 'provider-secret']) {
    assert.equal(everything.includes(secret), false, secret.slice(0, 8));
    assert.equal(everything.includes(secret.slice(4, 24)), false, `the beginning of ${secret.slice(0, 8)}`);
  }
});

test('P8: after the first start nothing opens any door: no default password, no example key, no empty credential', async (t) => {
  const running = await run(t);
  const { url, ownerSecret } = running.gatehouse;
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  const tries = [
    basic('admin:admin'),
    basic('admin:password'),
    basic(':'),
    'Bearer sk-1234',
    'Bearer admin',
    'Bearer null',
    'Bearer undefined',
    'Bearer ',
    'Bearer gho_',
    `Bearer ${ownerSecret}`,
    `Bearer ghk_${'0'.repeat(40)}`,
  ];
  for (const authorization of tries) {
    for (const path of ['/v1/messages', '/api/people', '/api/keys', '/metrics']) {
      const reply = await raw(url, {
        method: path.startsWith('/v1') ? 'POST' : 'GET',
        path,
        headers: { authorization },
        body: '',
      });
      assert.equal(reply.status, 401, `${path} ${authorization.slice(0, 20)}`);
    }
  }
  for (const secret of ['', 'admin', 'sk-1234', `gho_${'0'.repeat(40)}`]) {
    const body = JSON.stringify({ secret, email: 'mallory@example.com' });
    assert.ok((await raw(url, { path: '/api/owner', body, headers: { authorization: '' } })).status >= 400);
  }
  // The one secret is random, works once, and is another one elsewhere.
  const other = await run(t);
  assert.notEqual(other.gatehouse.ownerSecret, ownerSecret);
  await assert.rejects(claim({ url, ownerSecret: other.gatehouse.ownerSecret }));
  await claim(running.gatehouse);
  await assert.rejects(claim(running.gatehouse));
  assert.equal(running.double.begun(), 0);
});

test('P5: what a wrong key is told says nothing of how keys are kept, nor the key itself', async (t) => {
  const running = await run(t);
  const { key } = await claimed(running);
  const wrong = newCredential('key');
  for (const token of [wrong.secret, `${key.slice(0, -1)}-`, 'sk-mx5ous1o9Iezz5fj3pkLuA']) {
    const reply = await raw(running.gatehouse.url, { headers: bearer(token), body: CALL });
    assert.equal(reply.status, 401);
    const told = reply.body.toString() + JSON.stringify(reply.rawHeaders);
    for (const part of [token, token.slice(4, 14), wrong.digest, wrong.digest.slice(0, 12)]) {
      assert.equal(told.includes(part), false, part);
    }
    assert.doesNotMatch(told, /sqlite|table|sha|digest|fastify|node/i);
  }
});
