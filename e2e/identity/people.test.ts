/** Who comes in, as whom, and what they may: with providers that are not ours, from the sign-in page to the trail. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { request } from 'undici';
import { ACCESS, OKTA, openWorld, person, refusedBy, signedIn, signIn, type World, whoAmI } from './world.ts';

let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world?.close());

const okta = (login: string) => ({ provider: 'okta', login });
const newest = (list: unknown): Record<string, string> => (list as Record<string, string>[])[0] ?? {};

async function keyOf(email: string): Promise<string> {
  return String((await world.gateway.done('POST', '/api/keys', { body: { person: email, label: 'e2e' } })).secret);
}

/** The status of a model call with this key. */
async function call(key: string): Promise<number> {
  const reply = await request(`${world.gateway.url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'claude-haiku-5-5', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await reply.body.dump();
  return reply.statusCode;
}

test('an address of a captured domain finds its provider, and its groups make an admin, with the reason shown', async () => {
  const { page, browser } = await signIn(world, okta('okta-alice'));
  assert.equal(page.url.href, `${world.gateway.url}/account`);
  assert.match(page.text, /alice@acme\.com/);
  assert.match(page.text, /Role Admin\b.*group okta\/platform-admins/);
  const { body, status } = await whoAmI(world, browser);
  assert.equal(status, 200);
  assert.equal(body.role, 'admin');
  assert.match(String(body.role_reason), /group okta\/platform-admins/);
  assert.equal(body.email, 'alice@acme.com');
  const policy = await browser.call(`${world.gateway.url}/api/policy`);
  assert.equal(policy.status, 200, 'an admin by group cannot read the policy');
});

test('whoever types an address goes to the provider of its domain, and learns nothing of who exists', async () => {
  const { browser } = await signIn(world, okta('okta-bob'));
  browser.jar.clear();
  const hosts = [];
  for (const email of ['alice@acme.com', 'nobody-at-all@acme.com', 'dora@acme.org']) {
    const start = await browser.open(`${world.gateway.url}/signin`);
    hosts.push((await browser.submit(start, { email })).url.host);
  }
  const [oktaHost, keycloakHost] = [world.okta, world.keycloak].map(({ issuer }) => new URL(issuer).host);
  assert.deepEqual(hosts, [oktaHost, oktaHost, keycloakHost]);
  const start = await browser.open(`${world.gateway.url}/signin`);
  assert.equal((await browser.submit(start, { email: 'who@example.com' })).url.host, new URL(world.gateway.url).host);
});

test('roles follow the groups of the provider: auditor, team lead, member; the highest wins and nobody has more', async () => {
  const roles = new Map<string, [unknown, unknown]>();
  for (const login of ['okta-audrey', 'okta-lena', 'okta-bob']) {
    const browser = await signedIn(world, okta(login));
    const { body } = await whoAmI(world, browser);
    const people = await browser.call(`${world.gateway.url}/api/policy`);
    roles.set(login, [body.role, people.status]);
    const csrf = String(body.csrf);
    const made = await browser.call(`${world.gateway.url}/api/people`, {
      method: 'POST',
      headers: { 'x-gatehouse-csrf': csrf },
      body: { email: `${login}@acme.com` },
    });
    assert.equal(made.status, 403, `${login} changed the directory: ${made.text}`);
  }
  assert.deepEqual(Object.fromEntries(roles), {
    'okta-audrey': ['auditor', 200],
    'okta-lena': ['team_lead', 403],
    'okta-bob': ['member', 403],
  });
});

test('several issuers at once: people of the other company come in by theirs, and cannot by this one', async () => {
  const dora = await signedIn(world, { provider: 'keycloak', login: 'kc-dora' });
  const { body } = await whoAmI(world, dora);
  assert.equal(body.role, 'member');
  assert.equal(await call(await keyOf('dora@acme.org')), 200, 'a group of that provider opens the models');
  // Who runs one provider must not become an admin of the other company, nor anybody of it.
  const cases = [okta('okta-mallory'), { provider: 'keycloak', login: 'kc-eve' }];
  for (const visitor of cases) {
    const { page } = await signIn(world, visitor);
    assert.equal(refusedBy(page), 'domain_elsewhere', page.text);
  }
});

test('what a group opens is closed at the next sign-in without it, for keys too', async () => {
  await signedIn(world, okta('okta-bob'));
  const key = await keyOf('bob@acme.com');
  assert.equal(await call(key), 200);
  await world.okta.tell('accounts', { ...OKTA, 'okta-bob': person('bob@acme.com', ['platform-admins']) });
  const browser = await signedIn(world, okta('okta-bob'));
  assert.equal(await call(key), 451);
  assert.equal((await whoAmI(world, browser)).body.role, 'admin');
  await world.okta.tell('accounts', OKTA);
  await signedIn(world, okta('okta-bob'));
  assert.equal(await call(key), 200);
  assert.equal((await whoAmI(world, browser)).body.role, 'member', 'a session kept the role that its person lost');
});

test('P8: an address that the provider has not verified, or does not say, lets nobody in', async () => {
  assert.equal(refusedBy((await signIn(world, okta('okta-unverified'))).page), 'email_unverified');
  assert.equal(refusedBy((await signIn(world, okta('okta-nameless'))).page), 'email_missing');
});

test('P8: an address never links: whoever proves that of a person who is here waits until an admin links them, and unlinking undoes it', async () => {
  const { gateway } = world;
  const { body: made } = await gateway.ask('POST', '/api/people', { body: { email: 'erin@acme.com' } });
  const first = await signIn(world, okta('okta-erin'));
  assert.equal(refusedBy(first.page), 'link_needed', first.page.text);
  const waiting = newest((await gateway.done('GET', '/api/identities/waiting')).waiting);
  assert.equal(waiting.person, made.id);
  await gateway.done('POST', `/api/identities/waiting/${waiting.id}/link`, { body: { reason: 'it is her' } });
  const browser = await signedIn(world, okta('okta-erin'));
  assert.equal((await whoAmI(world, browser)).body.person, made.id);
  const linked = newest((await gateway.done('GET', '/api/identities?person=erin@acme.com')).identities);
  await gateway.done('POST', `/api/identities/${linked.id}/unlink`, { body: { reason: 'it is not' } });
  assert.equal((await whoAmI(world, browser)).status, 401, 'P3: the session outlived the link');
  assert.equal(refusedBy((await signIn(world, okta('okta-erin'))).page), 'link_needed');
  const changes = await gateway.records(({ kind, subject }) => kind === 'change' && subject === made.id, 3);
  const actions = changes.map(({ action }) => String(action));
  for (const action of ['identity.linked', 'identity.unlinked']) assert.ok(actions.includes(action), actions.join());
});

test('a guest comes in by invitation alone, until its end, and is out at once when it is revoked', async () => {
  const { gateway } = world;
  const partner = okta('okta-partner');
  assert.equal(refusedBy((await signIn(world, partner)).page), 'not_invited');
  const ends = new Date(Date.now() + 3_600_000).toISOString();
  const invited = await gateway.done('POST', '/api/invitations', {
    body: { email: 'partner@example.net', provider: 'okta', sponsor: 'alice@acme.com', ends_at: ends, reason: 'audit' },
  });
  const browser = await signedIn(world, partner);
  const { body } = await whoAmI(world, browser);
  assert.ok(Date.parse(String((body.credential as Record<string, string>).expires_at)) <= Date.parse(ends));
  const key = await keyOf('partner@example.net');
  assert.equal(await call(key), 200);
  await gateway.done('POST', `/api/invitations/${invited.id}/revoke`, { body: { reason: 'done' } });
  assert.equal(await call(key), 401, 'P3: the key of a guest outlived the invitation');
  assert.equal((await whoAmI(world, browser)).status, 401, 'P3: the session of a guest outlived the invitation');
  assert.equal(refusedBy((await signIn(world, partner)).page), 'ended');
});

test('P3: a person who is disabled is out, keys and browsers, and cannot come back', async () => {
  const { gateway } = world;
  const browser = await signedIn(world, okta('okta-lena'));
  const key = await keyOf('lena@acme.com');
  const { person: lena } = (await whoAmI(world, browser)).body;
  await gateway.done('POST', `/api/people/${lena}/disable`, { body: {} });
  assert.equal((await whoAmI(world, browser)).status, 401);
  assert.equal(await call(key), 401);
  assert.equal(refusedBy((await signIn(world, okta('okta-lena'))).page), 'disabled');
});

test('a provider that is taken out of the policy takes its roles and its access along at once', async () => {
  const browser = await signedIn(world, okta('okta-alice'));
  const key = await keyOf('alice@acme.com');
  assert.equal(await call(key), 200);
  await world.govern({
    identity: 'roles: { admin: group keycloak/platform-admins }',
    rest: ACCESS.replace('group okta/eng, ', ''),
  });
  assert.equal((await whoAmI(world, browser)).body.role, 'member');
  assert.equal(await call(key), 451);
  await world.govern();
  assert.equal((await whoAmI(world, browser)).body.role, 'admin');
});
