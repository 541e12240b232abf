/** Sessions and their end, changes by a browser, no way around SSO, the sealed way in, and two people for what weakens control. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.ts';
import { ACCESS, openWorld, refusedBy, signedIn, signIn, type World, whoAmI } from './world.ts';

const ALICE = { provider: 'okta', login: 'okta-alice' };
const BOB = { provider: 'okta', login: 'okta-bob' };
const ROLES = 'roles: { admin: group okta/platform-admins, auditor: group okta/security-audit }';
/** P3: from when Gatehouse knows of it. */
const NOW_MS = 1000;

let world: World;

before(async () => {
  world = await openWorld();
});
after(() => world?.close());

const api = (path: string): string => `${world.gateway.url}/api${path}`;

async function csrfOf(browser: Browser): Promise<string> {
  return String((await whoAmI(world, browser)).body.csrf);
}

/** A change by the browser of somebody who is signed in, as a page of ours makes it. */
async function change(browser: Browser, path: string, body: object, method: 'POST' | 'DELETE' = 'POST') {
  const headers = { 'x-gatehouse-csrf': await csrfOf(browser) };
  return browser.call(api(path), { method, headers, ...(method === 'POST' ? { body } : {}) });
}

test('the cookie is out of reach of scripts and other sites, and is no key for the model door', async () => {
  const browser = await signedIn(world, BOB);
  const cookie = browser.jar.find('localhost', /gatehouse-session$/);
  assert.ok(cookie?.httpOnly === true && cookie.sameSite === 'lax' && cookie.path === '/');
  assert.deepEqual(
    browser.jar.all().filter(({ name }) => name.includes('gatehouse-flow')),
    [],
    'a sign-in under way was left behind',
  );
  const call = await browser.call(`${world.gateway.url}/v1/messages`, {
    method: 'POST',
    body: { model: 'claude-haiku-5-5' },
  });
  assert.equal(call.status, 401);
  const bearer = await world.gateway.ask('GET', '/api/session', { token: cookie.value });
  assert.equal(bearer.status, 401, 'the secret of a cookie works as a token');
});

test('a change by cookie needs the token of the session and a page of ours (CSRF)', async () => {
  const browser = await signedIn(world, ALICE);
  const csrf = await csrfOf(browser);
  const other = await csrfOf(await signedIn(world, ALICE));
  const body = { email: 'new@acme.com' };
  const ask = (headers: Record<string, string>, origin?: string) =>
    browser.call(api('/people'), { method: 'POST', headers, body, ...(origin === undefined ? {} : { origin }) });
  assert.equal((await ask({})).status, 403, 'without the token');
  assert.equal((await ask({ 'x-gatehouse-csrf': other })).status, 403, 'with that of another session');
  assert.ok(
    (await ask({ 'x-gatehouse-csrf': csrf }, 'http://localhost:1')).status >= 400,
    'from a page at another port',
  );
  assert.ok((await ask({ 'x-gatehouse-csrf': csrf }, 'http://attacker.example')).status >= 400, 'from another site');
  assert.ok((await ask({ 'x-gatehouse-csrf': csrf, origin: 'null' })).status >= 400, 'from a sandbox');
  assert.equal((await ask({ 'x-gatehouse-csrf': csrf })).status, 201);
  const forged = await browser.call(`${world.gateway.url}/account/signout`, {
    method: 'POST',
    origin: 'http://localhost:1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `csrf=${csrf}`,
  });
  assert.ok(forged.status >= 400);
  assert.equal((await whoAmI(world, browser)).status, 200, 'another page signed somebody out');
});

test('P3: a session that an admin ends is over within a second, and those of others are not', async () => {
  const [one, two] = [await signedIn(world, BOB), await signedIn(world, BOB)];
  const { body } = await whoAmI(world, one);
  const { id } = body.credential as { id: string };
  await world.gateway.done('DELETE', `/api/sessions/${id}`);
  const told = performance.now();
  while ((await whoAmI(world, one)).status === 200) assert.ok(performance.now() - told < NOW_MS, 'it works on');
  assert.equal((await whoAmI(world, one)).status, 401);
  assert.equal((await one.open(`${world.gateway.url}/account`)).url.pathname, '/signin');
  assert.equal((await whoAmI(world, two)).status, 200);
  await world.gateway.done('POST', `/api/people/${body.person}/sessions/revoke`, { body: { reason: 'a lost laptop' } });
  assert.equal((await whoAmI(world, two)).status, 401);
});

test('everybody ends their own sessions, by page and by API, and sees nobody else’s', async () => {
  const [here, there, alice] = [await signedIn(world, BOB), await signedIn(world, BOB), await signedIn(world, ALICE)];
  const account = await here.open(`${world.gateway.url}/account`);
  const { id } = (await whoAmI(world, there)).body.credential as { id: string };
  const form = account.forms.find(({ action }) => action.pathname.includes(id));
  assert.ok(form !== undefined, 'the account page does not list the other session');
  assert.equal((await here.send(account, form)).url.pathname, '/account');
  assert.equal((await whoAmI(world, there)).status, 401);
  const hers = ((await whoAmI(world, alice)).body.credential as { id: string }).id;
  const seen = (await here.call(api('/sessions'))).text;
  assert.ok(!seen.includes(hers), 'a member sees the sessions of others');
  assert.equal((await change(here, `/sessions/${hers}`, {}, 'DELETE')).status, 404);
  assert.equal((await whoAmI(world, alice)).status, 200);
  const page = await here.open(`${world.gateway.url}/account`);
  const out = page.forms.find(({ action }) => action.pathname === '/account/signout');
  assert.ok(out !== undefined);
  assert.equal((await here.send(page, out)).url.pathname, '/signin');
  assert.equal((await whoAmI(world, here)).status, 401);
});

test('a cookie in another browser ends the session, for both, with an alarm in the trail', async () => {
  const victim = await signedIn(world, BOB);
  const stolen = victim.jar.find('localhost', /gatehouse-session$/);
  const thief = new Browser({ userAgent: 'curl/8.0' });
  if (stolen !== undefined) thief.jar.put(stolen);
  assert.equal((await whoAmI(world, thief)).status, 401);
  const alarms = await world.gateway.records(
    ({ action, after: state }) =>
      action === 'session.revoked' && (state as { alarm?: string } | null)?.alarm === 'other_client',
  );
  assert.equal(alarms.length, 1);
  assert.equal((await whoAmI(world, victim)).status, 401);
  await world.gateway.says(/ALARM: a session was ended/);
});

test('whoever signs in anew in the same browser gets another session, and the one before is over', async () => {
  const browser = await signedIn(world, BOB);
  const before = browser.jar.find('localhost', /gatehouse-session$/);
  await signIn(world, BOB, browser);
  const now = browser.jar.find('localhost', /gatehouse-session$/);
  assert.notEqual(now?.value, before?.value);
  const old = new Browser();
  if (before !== undefined) old.jar.put(before);
  assert.equal((await whoAmI(world, old)).status, 401);
});

test('the page to come back to is one of ours, whatever a link says', async () => {
  for (const [asked, landed] of [
    ['/account?x=1', '/account?x=1'],
    ['https://attacker.example/', '/account'],
    ['//attacker.example', '/account'],
    ['/\\attacker.example', '/account'],
  ] as const) {
    const browser = await signedIn(world, BOB);
    const start = await browser.open(`${world.gateway.url}/signin?return=${encodeURIComponent(asked)}`);
    const seen: URL[] = [];
    browser.watch = (outgoing) => {
      seen.push(outgoing.url);
      return outgoing;
    };
    await browser.submit(start, { provider: 'okta' });
    const last = seen.at(-1);
    assert.equal(last?.origin, world.gateway.url);
    assert.equal(`${last?.pathname}${last?.search}`, landed);
  }
});

test('two people: what weakens control waits for somebody else’s approval, and its author cannot give it', async () => {
  await world.govern({
    rest: `two_people: [credentials, controls]\n${ACCESS}  - { deny: claude-opus-*, to: everyone }\n`,
  });
  const alice = await signedIn(world, ALICE);
  const text = String((await alice.call(api('/policy'))).body.text);
  const weaker = text.replace(/ {2}- \{ deny: claude-opus.*\n/, '');
  assert.notEqual(weaker, text);
  const proposed = await change(alice, '/policy/apply', { text: weaker, reason: 'it is in the way' });
  assert.equal(proposed.status, 202, proposed.text);
  const { id } = proposed.body;
  assert.equal((await alice.call(api('/policy'))).body.text, text, 'it came into force');
  assert.ok((await change(alice, `/proposals/${id}/approve`, {})).status >= 400, 'its author approved it');
  const approved = await world.gateway.ask('POST', `/api/proposals/${id}/approve`, { body: { reason: 'agreed' } });
  assert.equal(approved.status, 200, approved.text);
  assert.equal((await alice.call(api('/policy'))).body.text, weaker);
});

test('require_sso: there is no way around the provider, but for the sealed one, which raises an alarm', async () => {
  const { gateway } = world;
  const { secret } = await gateway.done('POST', '/api/owner/break-glass', { body: {} });
  const service = await gateway.done('POST', '/api/keys', { body: { service: 'ci', label: 'ci' } });
  const alice = await signedIn(world, ALICE);
  const key = await gateway.done('POST', '/api/keys', {
    body: { person: 'alice@acme.com', label: 'a', kind: 'admin' },
  });
  const text = String((await alice.call(api('/policy'))).body.text);
  const strict = text.replace(ROLES, `require_sso: true\n  ${ROLES}`).replace(/^two_people.*\n/m, '');
  const applied = await gateway.ask('POST', '/api/policy/apply', { body: { text: strict } });
  const { id } = applied.body;
  // Taking the two people away is itself one of the things that need them.
  if (applied.status === 202) assert.equal((await change(alice, `/proposals/${id}/approve`, {})).status, 200);
  assert.equal((await gateway.ask('GET', '/api/session')).status, 401, 'a token of a person without an identity works');
  assert.equal((await gateway.ask('GET', '/api/session', { token: String(key.secret) })).status, 200);
  assert.equal((await whoAmI(world, alice)).status, 200);
  const call = await gateway.ask('POST', '/v1/messages', {
    token: String(service.secret),
    body: { model: 'claude-haiku-5-5', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] },
  });
  assert.equal(call.status, 451, 'a service, which is no person, is known: no rule is for it');
  const glass = new Browser();
  const page = await glass.open(`${gateway.url}/signin/sealed`);
  const wrong = await glass.submit(page, {
    secret: `${String(secret).slice(0, -1)}${String(secret).endsWith('0') ? '1' : '0'}`,
  });
  assert.equal(refusedBy(wrong), 'secret_wrong', wrong.text);
  const entered = await glass.submit(await glass.open(`${gateway.url}/signin/sealed`), { secret: String(secret) });
  assert.equal(entered.url.pathname, '/account', entered.text);
  const { body } = await whoAmI(world, glass);
  assert.equal(body.role, 'primary_owner');
  assert.ok(Date.parse(String((body.credential as Record<string, string>).expires_at)) <= Date.now() + 3_600_000);
  const used = await alice.call(api('/audit?kind=change&limit=100'));
  const records = used.body.records as { action: string; after: { alarm?: boolean } | null }[];
  assert.ok(records.some(({ action, after: state }) => action === 'break_glass.used' && state?.alarm === true));
  await gateway.says(/ALARM: the sealed way in/);
  const second = new Browser();
  const refused = await second.call(`${gateway.url}/signin/sealed`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `secret=${secret}`,
  });
  assert.equal(refused.status, 403, 'the secret worked twice');
  assert.ok(!gateway.printed().includes(String(secret)), 'the secret stands in the log');
});

test('the trail of all this verifies, and holds no secret of a cookie', async () => {
  const records = await world.gateway.halt();
  assert.ok(records.some(({ kind }) => kind === 'change'));
  assert.doesNotMatch(JSON.stringify(records), /ghb_\w{10}|ghs_\w{10}|gatehouse-session=/);
});
