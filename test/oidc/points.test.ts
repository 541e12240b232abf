import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oidcClient } from '../../src/identity/oidc/client.ts';
import type { OidcProvider } from '../../src/policy/model.ts';
import { CALLBACK, Idp, ISSUER, newKey, SECRET, settingsOf } from './idp.ts';

const DOCUMENT = '/.well-known/openid-configuration';

/** `point: state` of each, in their order, and all messages. */
async function look(idp: Idp, changes: Partial<OidcProvider> = {}, more: { secret?: string | null } = {}) {
  const { secret = SECRET } = more;
  const client = oidcClient(settingsOf(changes), {
    fetcher: idp.fetcher,
    clock: idp.clock,
    secret: () => secret,
    log: { warn() {} },
  });
  const points = await client.test({ callback: CALLBACK });
  const text = JSON.stringify(points);
  for (const held of [SECRET, 'eyJ', 'access-1', 'alice']) assert.ok(!text.includes(held), `${held} in ${text}`);
  for (const { message } of points) assert.match(message, /^[A-Z].*(?:\.|https:\S+)$/);
  const of = (point: string) => points.find((one) => one.point === point);
  return { states: points.map(({ point, state }) => `${point}: ${state}`), of };
}

async function healthy(): Promise<Idp> {
  const idp = await Idp.start();
  idp.routes.set('/token', () => ({ status: 400, json: { error: 'invalid_grant', error_description: 'alice' } }));
  idp.routes.set(DOCUMENT, () => ({
    json: idp.metadata,
    headers: { date: new Date(idp.clock.now()).toUTCString() },
  }));
  return idp;
}

test('a provider that is set up well has nothing but good points', async () => {
  const { states, of } = await look(await healthy());
  assert.deepEqual(states, [
    'discovery: ok',
    'issuer: ok',
    'clock: ok',
    'keys: ok',
    'pkce: ok',
    'scopes: ok',
    'groups: ok',
    'secret: ok',
    'redirect: ok',
  ]);
  assert.ok(of('redirect')?.message.includes(CALLBACK));
  assert.match(of('keys')?.message ?? '', /RS256/);
});

test('a provider that does not answer, or is another, is told, and what must be registered there all the same', async () => {
  const down = await healthy();
  down.down = 'unreachable';
  assert.deepEqual((await look(down)).states, ['discovery: failed', 'redirect: ok']);
  const other = await healthy();
  other.metadata.issuer = 'https://evil.example.com';
  const { states, of } = await look(other);
  assert.deepEqual(states, ['discovery: failed', 'redirect: ok']);
  assert.match(of('discovery')?.message ?? '', /another issuer/);
  assert.ok(!other.paths().includes('/token'));
});

test('it looks past what is held: a provider that went down a moment ago is told', async () => {
  const idp = await healthy();
  const client = idp.client();
  await client.begin({ callback: CALLBACK, state: 's', loginHint: null });
  idp.down = 'too_slow';
  const [point] = await client.test({ callback: CALLBACK });
  assert.equal(`${point?.point}: ${point?.state}`, 'discovery: failed');
});

test('clocks that differ are told with which way and how much', async () => {
  for (const [ahead, state, said] of [
    [0, 'ok', 'agree'],
    [5, 'ok', 'agree'],
    [-5, 'ok', 'agree'],
    [60, 'warning', '60 seconds ahead of'],
    [-120, 'warning', '120 seconds behind'],
    [121, 'failed', '121 seconds ahead of'],
  ] as const) {
    const idp = await healthy();
    const date = new Date(idp.clock.now() - ahead * 1000).toUTCString();
    idp.routes.set(DOCUMENT, () => ({ json: idp.metadata, headers: { date } }));
    const point = (await look(idp)).of('clock');
    assert.equal(point?.state, state, String(ahead));
    assert.ok(point?.message.includes(said), point?.message);
  }
  const cached = await healthy();
  const date = new Date(cached.clock.now() - 600_000).toUTCString();
  cached.routes.set(DOCUMENT, () => ({ json: cached.metadata, headers: { date, age: '600' } }));
  assert.equal((await look(cached)).of('clock')?.state, 'ok');
  const silent = await healthy();
  silent.routes.set(DOCUMENT, () => ({ json: silent.metadata }));
  assert.equal((await look(silent)).of('clock')?.state, 'warning');
});

test('keys that no ID token can be verified with are told', async () => {
  const none = await healthy();
  none.keys = [];
  assert.equal((await look(none)).of('keys')?.state, 'failed');
  const other = await healthy();
  other.keys = [(await newKey('k', 'EdDSA')).jwk];
  assert.equal((await look(other)).of('keys')?.state, 'failed');
  const broken = await healthy();
  broken.routes.set('/keys', () => ({ status: 500 }));
  assert.match((await look(broken)).of('keys')?.message ?? '', /The key set answered 500\./);
});

test('a secret that is missing, not allowed or wrong is told apart from one that cannot be judged', async () => {
  const missing = await healthy();
  const { of } = await look(missing, {}, { secret: null });
  assert.equal(of('secret')?.state, 'failed');
  assert.match(of('secret')?.message ?? '', /env:ACME is not there, or not allowed for the host idp\.example\.com/);
  for (const [status, json, state] of [
    [401, { error: 'invalid_client' }, 'failed'],
    [400, { error: 'unauthorized_client' }, 'failed'],
    [400, { error: 'invalid_request' }, 'warning'],
    [400, { error: 'alice' }, 'warning'],
    [500, {}, 'failed'],
    [302, {}, 'failed'],
  ] as const) {
    const idp = await healthy();
    idp.routes.set('/token', () => ({ status, json }));
    assert.equal((await look(idp)).of('secret')?.state, state, JSON.stringify(json));
  }
  const post = { authentication: { method: 'client_secret_post', secret: 'env:ACME' } } as const;
  assert.equal((await look(await healthy(), post)).of('secret')?.state, 'warning');
  const key = { authentication: { method: 'private_key_jwt', key: 'file:/k', keyId: null, alg: null } } as const;
  assert.match((await look(await healthy(), key)).of('secret')?.message ?? '', /The private key cannot be read/);
});

test('the made-up code is made up anew, and sent with the redirect URI and a verifier', async () => {
  const idp = await healthy();
  await look(idp);
  await look(idp);
  const bodies = idp.requests
    .filter(({ url }) => url === `${ISSUER}/token`)
    .map(({ body }) => new URLSearchParams(String(body)));
  assert.equal(bodies.length, 2);
  assert.notEqual(bodies[0]?.get('code'), bodies[1]?.get('code'));
  assert.equal(bodies[0]?.get('redirect_uri'), CALLBACK);
  assert.ok(bodies[0]?.has('code_verifier'));
});

test('PKCE, scopes and groups that the provider does not list are warnings; what cannot work has failed', async () => {
  const idp = await healthy();
  Object.assign(idp.metadata, {
    code_challenge_methods_supported: ['plain'],
    scopes_supported: ['openid'],
    claims_supported: ['sub'],
  });
  const { of } = await look(idp);
  assert.deepEqual(
    ['pkce', 'scopes', 'groups'].map((point) => of(point)?.state),
    ['warning', 'warning', 'warning'],
  );
  assert.match(of('scopes')?.message ?? '', /email, profile/);
  assert.equal((await look(await healthy(), { scopes: ['email'] })).of('scopes')?.state, 'failed');
  assert.equal((await look(await healthy(), { groupsClaim: null })).of('groups')?.state, 'ok');
  assert.equal((await look(await healthy(), { groupsFrom: 'entra' })).of('groups')?.state, 'ok');
  assert.equal((await look(await healthy(), { groupsFrom: 'google' })).of('groups')?.state, 'failed');
  const scopes = ['openid', 'https://www.googleapis.com/auth/cloud-identity.groups.readonly'];
  assert.equal((await look(await healthy(), { groupsFrom: 'google', scopes })).of('groups')?.state, 'ok');
});

test('a fetcher that fails in a way nobody foresaw makes a failed point, not a rejection', async () => {
  const idp = await healthy();
  const client = oidcClient(settingsOf(), {
    fetcher: { fetch: async () => Promise.reject(new Error(`boom ${SECRET}`)) },
    clock: idp.clock,
    secret: () => SECRET,
    log: { warn() {} },
  });
  const points = await client.test({ callback: 'no address' });
  assert.deepEqual(
    points.map(({ point, state }) => `${point}: ${state}`),
    ['discovery: failed', 'redirect: failed'],
  );
  assert.ok(!JSON.stringify(points).includes(SECRET));
});
