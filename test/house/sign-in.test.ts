/** Signing in at a running gateway, with a provider that is not ours: who gets in, as what, and what ends it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { request } from 'undici';
import { type RunningGatehouse, startGatehouse } from '../../src/main.ts';
import { type RealProvider, realProvider } from '../oidc/loopback.ts';
import { silent } from '../support/gateway.ts';

const SECRET = 'a secret of the client, long enough for everybody';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0';
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
let provider: RealProvider;
let house: RunningGatehouse;
let url = '';
let ownerToken = '';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

before(async () => {
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const client = { client_id: 'gatehouse', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic' };
  provider = await realProvider(`${url}/signin/callback/okta`, [client]);
  const config = join(folder, 'gatehouse.yaml');
  writeFileSync(
    config,
    [
      `listen: { port: ${port}, url: "${url}" }`,
      `data: ${JSON.stringify(join(folder, 'data'))}`,
      `net: { allow: [127.0.0.0/8], plain: ["${new URL(provider.issuer).host}"] }`,
      'secrets: { allow: [{ reference: "env:OKTA_SECRET", for: 127.0.0.1 }] }',
    ].join('\n'),
  );
  house = await startGatehouse({ config, env: { OKTA_SECRET: SECRET }, log: silent });
  const claimed = await api('POST', '/api/owner', { body: { secret: house.ownerSecret, email: 'root@example.com' } });
  ownerToken = String(claimed.body.token);
  assert.equal((await apply(policy())).status, 200);
});
after(async () => {
  await house.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The provider says groups `eng` and `ops` of everybody. */
function policy({ more = '', identity = '' }: { more?: string; identity?: string } = {}): string {
  return `
identity:
  ${identity}
  providers:
    - name: okta
      domains: [example.com]
      oidc: { issuer: "${provider.issuer}", client_id: gatehouse, client_secret: "env:OKTA_SECRET", groups: groups }
  roles: { auditor: group okta/ops }
teams: { payments: { members: ["group okta/eng"] } }
${more}`;
}

interface Asked {
  readonly body?: object;
  readonly token?: string;
  readonly cookie?: string;
  readonly csrf?: string;
  readonly headers?: Record<string, string>;
}

async function api(method: 'GET' | 'POST' | 'DELETE' | 'PUT', path: string, asked: Asked = {}) {
  const { body, token, cookie, csrf, headers = {} } = asked;
  const answer = await request(url + path, {
    method,
    headers: {
      'user-agent': FIREFOX,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie, origin: url, 'sec-fetch-site': 'same-origin' }),
      ...(csrf === undefined ? {} : { 'x-gatehouse-csrf': csrf }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text, body: parsed(text) };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function apply(text: string, token = ownerToken) {
  return api('POST', '/api/policy/apply', { body: { text }, token });
}

function cookiesOf(headers: Record<string, string | string[] | undefined>): string {
  return [headers['set-cookie'] ?? []]
    .flat()
    .map((cookie) => cookie.split(';')[0])
    .join('; ');
}

/** The way to the provider, and the cookie that must come back with the answer. */
async function begin(): Promise<{ location: string; flow: string }> {
  const begun = await request(`${url}/signin`, {
    method: 'POST',
    headers: {
      'user-agent': FIREFOX,
      'content-type': 'application/x-www-form-urlencoded',
      origin: url,
      'sec-fetch-site': 'same-origin',
    },
    body: 'provider=okta&return=%2Faccount',
  });
  const page = await begun.body.text();
  const location = /url=([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
  assert.ok(location !== undefined, page);
  return { location, flow: cookiesOf(begun.headers) };
}

/** Signs in as somebody and gives the cookie of the session, or the page that says why not. */
async function signIn(account: string): Promise<{ cookie: string; status: number; page: string }> {
  const { location, flow } = await begin();
  const back = await provider.visit(location, account);
  const done = await request(back, { headers: { 'user-agent': FIREFOX, cookie: flow } });
  const cookie = cookiesOf(done.headers)
    .split('; ')
    .filter((one) => one.startsWith('gatehouse-session=') && one !== 'gatehouse-session=')
    .join('');
  return { cookie, status: done.statusCode, page: await done.body.text() };
}

test('somebody of the provider’s domain gets in, in the role and team of their groups, with the reason', async () => {
  const { cookie, status } = await signIn('alice');
  assert.equal(status, 303);
  const me = await api('GET', '/api/session', { cookie });
  assert.equal(me.body.email, 'alice@example.com');
  assert.equal(me.body.role, 'auditor');
  assert.match(String(me.body.role_reason), /identity\.roles\.auditor names whoever is in group okta\/ops/);
  assert.equal(me.body.team_name, 'payments');
  const account = await api('GET', '/account', { cookie });
  assert.match(account.text, /okta\/eng/);
  // Reads everything, changes nothing.
  assert.equal((await api('GET', '/api/people', { cookie })).status, 200);
  const csrf = String(me.body.csrf);
  const refused = await api('POST', '/api/teams', { cookie, csrf, body: { name: 'mine' } });
  assert.deepEqual([refused.status, refused.body.code], [403, 'role_required']);
});

test('a session is for its browser, its pages and its time; its end is in force at once', async () => {
  const { cookie } = await signIn('bob');
  const me = await api('GET', '/api/session', { cookie });
  const session = (me.body.credential as { id: string }).id;
  const without = await api('DELETE', `/api/sessions/${session}`, { cookie });
  assert.deepEqual([without.status, without.body.code], [403, 'csrf_missing']);
  // As a bearer it is nothing.
  const secret = cookie.split('=')[1] ?? '';
  assert.equal((await api('GET', '/api/session', { token: secret })).status, 401);
  const ended = await api('DELETE', `/api/sessions/${session}`, { cookie, csrf: String(me.body.csrf) });
  assert.deepEqual([ended.status, ended.body.state], [200, 'revoked']);
  assert.equal((await api('GET', '/api/session', { cookie })).status, 401);

  const { cookie: copied } = await signIn('bob');
  const elsewhere = await api('GET', '/api/session', { cookie: copied, headers: { 'user-agent': 'curl/8' } });
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [401, 'session_elsewhere']);
  // The copy ended it for both: which of them is the thief cannot be told.
  let last = 200;
  for (let look = 0; look < 100 && last === 200; look++) {
    last = (await api('GET', '/api/session', { cookie: copied })).status;
  }
  assert.equal(last, 401);
  const trail = await api('GET', '/api/audit?kind=change&limit=50', { token: ownerToken });
  assert.match(trail.text, /"alarm":"other_client"/);
});

test('an address that somebody has links nobody, until an admin says so; it can be undone', async () => {
  await api('POST', '/api/people', { body: { email: 'carol@example.com' }, token: ownerToken });
  const first = await signIn('carol');
  assert.equal(first.cookie, '');
  assert.match(first.page, /An admin must link this sign-in/);
  const waiting = await api('GET', '/api/identities/waiting', { token: ownerToken });
  const [row] = waiting.body.waiting as { id: string }[];
  const linked = await api('POST', `/api/identities/waiting/${row?.id}/link`, { body: {}, token: ownerToken });
  assert.equal(linked.body.person_name, 'carol@example.com');
  const { cookie } = await signIn('carol');
  assert.equal((await api('GET', '/api/session', { cookie })).body.email, 'carol@example.com');
  const unlinked = await api('POST', `/api/identities/${linked.body.id}/unlink`, { body: {}, token: ownerToken });
  assert.equal(unlinked.status, 200);
  assert.equal((await api('GET', '/api/session', { cookie })).status, 401, 'its sessions ended with it');
});

test('two people: what weakens the policy waits for somebody else, and never for its author', async () => {
  const strict = policy({
    more: 'two_people: [controls]\naccess: [ { allow: claude-*, to: everyone }, { deny: claude-opus-*, to: everyone } ]',
  });
  assert.equal((await apply(strict)).status, 200);
  const weaker = policy({ more: 'two_people: [controls]\naccess: [ { allow: claude-*, to: everyone } ]' });
  const proposed = await apply(weaker);
  assert.equal(proposed.status, 202);
  const id = String(proposed.body.id);
  const own = await api('POST', `/api/proposals/${id}/approve`, { body: {}, token: ownerToken });
  assert.deepEqual([own.status, own.body.code], [403, 'second_person_needed']);
  const inForce = await api('GET', '/api/policy', { token: ownerToken });
  assert.match(String(inForce.body.text), /deny: claude-opus/);
  // An admin of the directory, who signs in like everybody.
  const { cookie } = await signIn('dora');
  const dora = String((await api('GET', '/api/session', { cookie })).body.person);
  await api('PUT', `/api/people/${dora}/role`, { body: { role: 'admin' }, token: ownerToken });
  const csrf = String((await api('GET', '/api/session', { cookie })).body.csrf);
  const approved = await api('POST', `/api/proposals/${id}/approve`, { body: {}, cookie, csrf });
  assert.equal(approved.status, 200, approved.text);
  assert.doesNotMatch(String((await api('GET', '/api/policy', { token: ownerToken })).body.text), /deny: claude-opus/);
});

test('P8: an admin gives nobody what is not theirs to give: themselves a team, the organization money, the owner another proof', async () => {
  const { cookie } = await signIn('dora');
  const me = await api('GET', '/api/session', { cookie });
  assert.equal(me.body.role, 'admin');
  const csrf = String(me.body.csrf);
  const ask = (path: string, body: object, method: 'POST' | 'PUT' = 'POST') =>
    api(method, path, { cookie, csrf, body });
  const moved = await ask(`/api/people/${me.body.person}/team`, { team: 'payments' });
  assert.deepEqual([moved.status, moved.body.code], [403, 'second_person_needed']);
  const money = { kind: 'budget', for: 'organization', usd: '999', hours: '8 h', reason: 'INC-1' };
  const granted = await ask('/api/grants', money);
  assert.deepEqual([granted.status, granted.body.code], [403, 'role_required']);
  // The owner is known at the provider from now on: who else it proves is not an admin's to say.
  await signIn('root');
  const waiting = await api('GET', '/api/identities/waiting', { token: ownerToken });
  const [row] = waiting.body.waiting as { id: string }[];
  const linked = await api('POST', `/api/identities/waiting/${row?.id}/link`, { body: {}, token: ownerToken });
  assert.equal(linked.status, 200, linked.text);
  const current = String((await api('GET', '/api/policy', { token: ownerToken })).body.text);
  const elsewhere = current.replace('client_id: gatehouse', 'client_id: another');
  const pointed = await ask('/api/policy/apply', { text: elsewhere });
  assert.deepEqual([pointed.status, pointed.body.code], [403, 'role_required'], pointed.text);
  // Where who may what takes two people, an admin does not appoint the second one.
  const both = current.replace('two_people: [controls]', 'two_people: [controls, credentials]');
  assert.notEqual(both, current);
  assert.equal((await apply(both)).status, 200);
  const appointed = await ask('/api/people/carol@example.com/role', { role: 'admin' }, 'PUT');
  assert.deepEqual([appointed.status, appointed.body.code], [409, 'change_refused'], appointed.text);
});

test('a request with an idempotency key is done once, and its answer is the same with its secret', async () => {
  const body = { service: 'ci', label: 'once' };
  const headers = { 'idempotency-key': '"a-key-of-the-test"' };
  const [first, second] = [
    await api('POST', '/api/keys', { body, headers, token: ownerToken }),
    await api('POST', '/api/keys', { body, headers, token: ownerToken }),
  ];
  assert.equal(first.status, 201, first.text);
  assert.deepEqual([second.status, second.text], [first.status, first.text]);
  const other = await api('POST', '/api/keys', { body: { ...body, label: 'twice' }, headers, token: ownerToken });
  assert.deepEqual([other.status, other.body.code], [422, 'idempotency_mismatch']);
});

test('events come as they are recorded, and end with the credential', async () => {
  const made = await api('POST', '/api/keys', {
    body: { person: 'root@example.com', kind: 'admin', label: 'listener' },
    token: ownerToken,
  });
  const { secret, key } = made.body as { secret: string; key: { id: string } };
  const stream = await request(`${url}/api/events?kind=change`, { headers: { authorization: `Bearer ${secret}` } });
  assert.equal(stream.statusCode, 200);
  let text = '';
  const done = (async () => {
    for await (const chunk of stream.body) text += chunk;
  })();
  await api('POST', '/api/teams', { body: { name: 'heard' }, token: ownerToken });
  while (!text.includes('team.added')) await new Promise((resolve) => setTimeout(resolve, 10));
  await api('POST', `/api/keys/${key.id}/revoke`, { body: {}, token: ownerToken });
  await done;
  assert.match(text, /"action":"team\.added"/);
  assert.match(text, /event: end/);
});

test('require_sso shuts every other way, not before one is sealed; the sealed one works once, with an alarm', async () => {
  const { cookie } = await signIn('alice');
  const person = String((await api('GET', '/api/session', { cookie })).body.person);
  await api('POST', '/api/people', { body: { email: 'frida@example.com' }, token: ownerToken });
  const key = await api('POST', '/api/keys', { body: { person: 'frida@example.com' }, token: ownerToken });
  const known = await api('GET', '/api/identities?person=root@example.com', { token: ownerToken });
  const [identity] = known.body.identities as { id: string }[];
  await api('POST', `/api/identities/${identity?.id}/unlink`, { body: {}, token: ownerToken });
  const closed = policy({ identity: 'require_sso: true' });
  const early = await apply(closed);
  assert.equal(early.status, 409, early.text);
  assert.match(early.text, /gatehouse owner seal/);
  const sealed = await api('POST', '/api/owner/break-glass', { body: {}, token: ownerToken });
  // The two people of before are still the rule: taking a kind out is one of its kinds.
  const proposed = await apply(closed);
  assert.equal(proposed.status, 202);
  const dora = await signIn('dora');
  const csrf = String((await api('GET', '/api/session', { cookie: dora.cookie })).body.csrf);
  const approve = `/api/proposals/${proposed.body.id}/approve`;
  assert.equal((await api('POST', approve, { body: {}, cookie: dora.cookie, csrf })).status, 200);

  const shut = await api('GET', '/api/session', { token: ownerToken });
  assert.deepEqual([shut.status, shut.body.code], [401, 'sso_required']);
  const call = await api('POST', '/v1/messages', { body: {}, token: String(key.body.secret) });
  assert.equal(call.status, 401);
  assert.match(call.text, /has not signed in with the company/);
  assert.equal((await api('GET', '/api/session', { cookie })).body.person, person, 'signed-in people go on');

  const open = (secret: string) =>
    request(`${url}/signin/sealed`, {
      method: 'POST',
      headers: {
        'user-agent': FIREFOX,
        'content-type': 'application/x-www-form-urlencoded',
        origin: url,
        'sec-fetch-site': 'same-origin',
      },
      body: new URLSearchParams({ secret }).toString(),
    });
  const opened = await open(String(sealed.body.secret));
  assert.equal(opened.statusCode, 303, await opened.body.text());
  const owner = cookiesOf(opened.headers);
  assert.equal((await api('GET', '/api/session', { cookie: owner })).body.role, 'primary_owner');
  const again = await open(String(sealed.body.secret));
  assert.equal(again.statusCode, 403);
  await again.body.dump();
  const trail = await api('GET', '/api/audit?kind=change&limit=50', { cookie: owner });
  assert.match(trail.text, /"action":"break_glass\.used"/);
});

test('P9: with the provider gone, signed-in people go on, and nobody new gets in', async () => {
  const { cookie } = await signIn('erin');
  const begun = await begin();
  await provider.close();
  assert.equal((await api('GET', '/api/session', { cookie })).body.email, 'erin@example.com');
  assert.equal((await api('GET', '/account', { cookie })).status, 200);
  const state = new URL(begun.location).searchParams.get('state');
  const iss = encodeURIComponent(provider.issuer);
  const back = await request(`${url}/signin/callback/okta?code=abc&state=${state}&iss=${iss}`, {
    headers: { 'user-agent': FIREFOX, cookie: begun.flow },
  });
  assert.match(await back.body.text(), /does not answer/);
  assert.doesNotMatch(cookiesOf(back.headers), /gatehouse-session=./);
  assert.equal((await api('GET', '/api/session', { cookie })).status, 200, 'nobody is signed out by it');
});
