/** Headers that claim something: believed nowhere, and passed on or dropped as ADR 0003 and ADR 0010 say. A gateway in its own process. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newCredential } from '../../src/identity/key-format.ts';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { type Double, startDouble } from '../support/double.ts';
import { type Admin, claim, type House, makeHouse, type RunningChild, startChild } from '../support/house.ts';
import { CALL, type RawReply, raw } from '../support/raw.ts';

let double: Double;
let house: House;
let gateway: RunningChild;
let admin: Admin;
let key = '';
let person = '';

before(async () => {
  double = await startDouble();
  house = makeHouse({ upstream: double.url });
  gateway = await startChild(house);
  admin = await claim(gateway);
  person = String((await admin.call('POST', '/api/people', { email: 'dev@example.com' })).id);
  key = String((await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' })).secret);
});
after(async () => {
  gateway?.kill();
  await double.close();
  house.remove();
});

const call = (headers: Record<string, string | string[]>, path = '/v1/messages'): Promise<RawReply> =>
  raw(gateway.url, { path, body: CALL, headers: { authorization: `Bearer ${key}`, ...headers } });

/** The same with no credential at all. */
function stranger(method: string, path: string, headers: Record<string, string> = {}): Promise<RawReply> {
  const body = method === 'POST' ? { body: CALL } : {};
  // `raw` sends a credential unless told otherwise: this one is none.
  return raw(gateway.url, { method, path, ...body, headers: { authorization: 'Basic Og==', ...headers } });
}

const OWNER = 'owner@example.com';
/** Where a caller claims to be, or to have come through: dropped. */
const WHERE: readonly (readonly [string, string])[] = [
  ['X-Forwarded-For', '203.0.113.9'],
  ['X-Forwarded-Host', 'evil.example'],
  ['X-Forwarded-Proto', 'https'],
  ['X-Forwarded-Port', '1'],
  ['X-Forwarded-Prefix', '/api'],
  ['X-Forwarded-Server', 'evil.example'],
  ['X-Forwarded-User', OWNER],
  ['X-Forwarded-Email', OWNER],
  ['X-Forwarded-Groups', 'owners'],
  ['X-Forwarded-Preferred-Username', OWNER],
  ['X-Forwarded-Access-Token', 'x'],
  ['X_Forwarded_For', '203.0.113.9'],
  ['Forwarded', 'for=203.0.113.9;host=evil.example;proto=https'],
  ['X-Real-IP', '203.0.113.9'],
  ['X_Real_IP', '203.0.113.9'],
  ['Via', '1.1 evil.example'],
  ['X-Client-IP', '203.0.113.9'],
  ['X-Cluster-Client-IP', '203.0.113.9'],
  ['X-Original-Forwarded-For', '203.0.113.9'],
  ['True-Client-IP', '203.0.113.9'],
  ['Client-IP', '203.0.113.9'],
  ['CF-Connecting-IP', '203.0.113.9'],
  ['Fastly-Client-IP', '203.0.113.9'],
  ['X-Appengine-User-IP', '203.0.113.9'],
  ['X-Azure-ClientIP', '203.0.113.9'],
  ['X-Gatehouse-Record', 'rec_00000000000000000000000000'],
  ['X-Gatehouse-Simulated', 'true'],
  ['x_gatehouse_team', 'finance'],
  ['x_api_key', 'ghk_0123456789012345678901234567890123456789'],
  ['Proxy_Authorization', 'Basic Og=='],
  ['Content_Length', '1'],
  ['Transfer_Encoding', 'chunked'],
];
/** Who a caller claims to be, or what it would rather have asked: they mean nothing here and pass as any other (P4). */
const WHO: readonly (readonly [string, string])[] = [
  ['X-Remote-User', OWNER],
  ['Remote-User', OWNER],
  ['X-User', OWNER],
  ['X-Email', OWNER],
  ['X-WEBAUTH-USER', OWNER],
  ['X-Authenticated-User', OWNER],
  ['X-Auth-Request-User', OWNER],
  ['X-Auth-Request-Email', OWNER],
  ['X-Auth-Request-Groups', 'owners'],
  ['X-Amzn-Oidc-Identity', OWNER],
  ['X-Amzn-Oidc-Data', 'eyJhbGciOiJub25lIn0.e30.'],
  ['CF-Access-Authenticated-User-Email', OWNER],
  ['CF-Access-Jwt-Assertion', 'eyJhbGciOiJub25lIn0.e30.'],
  ['Tailscale-User-Login', OWNER],
  ['Tailscale-User-Name', 'Owner'],
  ['X-Goog-Authenticated-User-Email', `accounts.google.com:${OWNER}`],
  ['X-Goog-IAP-JWT-Assertion', 'eyJhbGciOiJub25lIn0.e30.'],
  ['X-MS-Client-Principal-Name', OWNER],
  ['X-SSL-Client-Verify', 'SUCCESS'],
  ['X-SSL-Client-S-DN', 'CN=owner'],
  ['X-Original-URL', '/api/people'],
  ['X-Original-URI', '/api/people'],
  ['X-Rewrite-URL', '/api/people'],
  ['X-Original-Host', 'evil.example'],
  ['X-Host', 'evil.example'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X-HTTP-Method', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
];

/** What the provider saw of the last call, as `name: value` lines. */
function seenLines(): string[] {
  const raw = double.seen.at(-1)?.rawHeaders ?? [];
  return raw.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${raw[i + 1]}`] : []));
}

for (const [list, dropped] of [
  [WHERE, true],
  [WHO, false],
] as const) {
  for (const [name, value] of list) {
    test(`P4: ${name} is not believed, and ${dropped ? 'stops here' : 'passes as it came'}`, async () => {
      const before = double.seen.length;
      const reply = await call({ [name]: value });
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(double.seen.length, before + 1);
      const seen = double.seen.at(-1);
      assert.deepEqual([seen?.method, seen?.url, seen?.body.toString()], ['POST', '/v1/messages', CALL]);
      assert.equal(seen?.headers['x-api-key'], 'provider-secret');
      assert.equal(seenLines().includes(`${name}: ${value}`), !dropped, seenLines().join('\n'));
      if (dropped) assert.equal(seen?.headers[name.toLowerCase()], undefined);
      const record = await admin.call('GET', `/api/audit/${reply.headers['x-gatehouse-record']}`);
      assert.equal((record.records as JournalRecord[])[0]?.who, person);
    });
  }
}

test('P8: without a credential no header opens any door, and none changes what is said', async () => {
  const headers = Object.fromEntries([...WHERE, ...WHO]);
  // These two would be answered by the parser: the body of this request has another length.
  delete headers.Content_Length;
  delete headers.Transfer_Encoding;
  const doors = [
    ['POST', '/v1/messages'],
    ['GET', '/v1/models'],
    ['GET', '/api/people'],
    ['POST', '/api/people'],
    ['GET', '/api/nothing'],
    ['GET', '/metrics'],
  ] as const;
  for (const [method, path] of doors) {
    const [plain, claimed] = [await stranger(method, path), await stranger(method, path, headers)];
    const words = (reply: RawReply): string => reply.body.toString().replace(/rec_\w+/g, 'rec');
    assert.equal(plain.status, 401, `${method} ${path}`);
    assert.deepEqual([claimed.status, words(claimed)], [plain.status, words(plain)], `${method} ${path}`);
  }
});

test('P8: a virtual key stays one, whoever its holder claims to be', async () => {
  for (const path of ['/api/people', '/metrics', '/api/keys']) {
    const headers = { authorization: `Bearer ${key}`, ...Object.fromEntries(WHO) };
    const reply = await raw(gateway.url, { method: 'GET', path, headers });
    assert.equal(reply.status, 401, path);
  }
});

test('P8: the metrics say the same to no token, an unknown one, a malformed one and a virtual key', async () => {
  const said = new Set<string>();
  for (const authorization of ['Basic Og==', `Bearer ${key}`, `Bearer ${admin.token}x`, 'Bearer gha_x']) {
    const { status, body } = await raw(gateway.url, { method: 'GET', path: '/metrics', headers: { authorization } });
    said.add(`${status} ${body}`);
  }
  assert.equal(said.size, 1);
});

test('another method or path by header is not taken', async () => {
  const bearer = { authorization: `Bearer ${admin.token}` };
  const teams = async (): Promise<unknown> => (await admin.call('GET', '/api/teams')).teams;
  const before = await teams();
  for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
    const reply = await raw(gateway.url, {
      method: 'GET',
      path: '/api/teams?_method=POST',
      headers: { ...bearer, [name]: 'POST' },
    });
    assert.ok([200, 400].includes(reply.status), String(reply.status));
  }
  assert.deepEqual(await teams(), before);
  for (const name of ['X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL', 'X-Forwarded-Path', 'X-Forwarded-Prefix']) {
    const reply = await raw(gateway.url, {
      method: 'GET',
      path: '/healthz',
      headers: { ...bearer, [name]: '/api/people' },
    });
    assert.equal(reply.body.toString(), 'ok\n', name);
  }
});

test('no header stands in for Host', async () => {
  for (const name of ['X-Forwarded-Host', 'X-Host', 'X-Original-Host', 'Forwarded', 'X-Forwarded-Server']) {
    const value = name === 'Forwarded' ? 'host=localhost' : 'localhost';
    assert.equal((await call({ host: 'evil.example', [name]: value })).status, 421, name);
  }
});

test('P4: what Connection nominates goes no further, and takes nothing of ours with it', async () => {
  const nominated =
    'authorization, X-API-Key, anthropic-beta, accept-encoding, traceparent, content-length, host, x-kept';
  const reply = await call({ connection: nominated, 'anthropic-beta': 'a-2026-01-01', 'x-kept': '1', 'x-other': '2' });
  assert.equal(reply.status, 200, reply.body.toString());
  const seen = double.seen.at(-1);
  assert.ok(seen !== undefined);
  const { headers, body } = seen;
  assert.deepEqual(
    [headers['anthropic-beta'], headers['x-kept'], headers.authorization],
    [undefined, undefined, undefined],
  );
  assert.deepEqual(
    [headers['x-api-key'], headers['accept-encoding'], headers['x-other']],
    ['provider-secret', 'identity', '2'],
  );
  assert.match(String(headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-/);
  assert.equal(headers.host, new URL(double.url).host);
  assert.equal(body.toString(), CALL);
});

test('P1: the record that an answer names is ours, whatever caller or provider say', async () => {
  const forged = 'rec_00000000000000000000000000';
  const { answer } = double;
  double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'X-Gatehouse-Record': [forged, forged] });
    response.end('{"id":"msg_1","type":"message","usage":{"input_tokens":1,"output_tokens":1}}');
  };
  const reply = await call({ 'x-gatehouse-record': forged, 'request-id': forged });
  double.answer = answer;
  const named = reply.rawHeaders.flatMap((name, i) =>
    name.toLowerCase() === 'x-gatehouse-record' ? [reply.rawHeaders[i + 1]] : [],
  );
  assert.equal(named.length, 1);
  assert.match(named[0] ?? '', /^rec_/);
  assert.notEqual(named[0], forged);
});

test('a team by header is one of the caller’s own, or the call is refused', async () => {
  const before = double.seen.length;
  assert.equal((await call({ 'x-gatehouse-team': 'finance' })).status, 451);
  assert.equal(double.seen.length, before);
});

test('P1: records name the peer of the socket', async () => {
  // The first of its code, so that it is the one that is kept as a sample.
  const claims = Object.fromEntries(WHERE.filter(([name]) => !name.includes('_')));
  await stranger('POST', '/v1/messages', { ...claims, authorization: `Bearer ${newCredential('key').secret}` });
  // And at the other door, which keeps its own idea of the peer.
  const [authorization, apiKey] = [`Bearer ${newCredential('admin').secret}`, newCredential('admin').secret];
  await stranger('GET', '/api/people', { ...claims, authorization, 'x-api-key': apiKey });
  await gateway.stop();
  const samples: { peer?: string; code?: string }[] = [];
  for await (const { record, line } of readRecords(join(house.dataDir, 'journal'), 'main')) {
    if (record.kind === 'strangers') samples.push(...(record.samples as typeof samples));
    assert.equal(line.toString().includes('203.0.113.9'), false, 'an address that somebody claimed is in the journal');
  }
  for (const wanted of ['credential_unknown', 'credential_conflict']) {
    assert.ok(
      samples.some(({ code }) => code === wanted),
      wanted,
    );
  }
  for (const { peer } of samples) assert.match(String(peer), /^(::ffff:)?127\.0\.0\.1$/);
});
