/** Coming back from an OpenID provider: who is let in, and every way of getting somebody else's browser in. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Company, doorOf, NOW, Tab } from './fake.ts';

const SESSION = '__Host-gatehouse-session';

let company = new Company();
let app: FastifyInstance;
let tab: Tab;
const opened: FastifyInstance[] = [];

beforeEach(async () => {
  company = new Company();
  app = await doorOf(company);
  opened.push(app);
  tab = new Tab(app);
});
after(async () => {
  for (const each of opened) await each.close();
});

const back = (state: string, { code = 'good', provider = 'okta', more = '' } = {}) =>
  `/signin/callback/${provider}?code=${code}&state=${state}${more}`;

describe('coming back', () => {
  test('opens a session, lets the sign-in go, and leads to the page that was asked for', async () => {
    const state = await tab.leave('okta', { return: '/console?tab=1' });
    const answer = await tab.get(back(state, { more: '&iss=https%3A%2F%2Fidp.example.com' }));
    assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/console?tab=1']);
    const [{ secret } = { secret: '' }] = company.sessions;
    assert.deepEqual(answer.headers['set-cookie'], [
      `__Host-gatehouse-flow-${state.slice(0, 8)}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure`,
      `${SESSION}=${secret}; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax; Secure`,
    ]);
    const [finish] = company.inputs('finish');
    assert.equal(String(finish?.parameters), `code=good&state=${state}&iss=https%3A%2F%2Fidp.example.com`);
    assert.equal(finish?.flow, [...company.flows.keys()][0]);
    assert.equal((await tab.get('/account')).statusCode, 200);
  });

  test('an error of the provider reaches the sign-in with its words, and these never the page', async () => {
    const state = await tab.leave();
    company.failure = { code: 'provider_refused' };
    const answer = await tab.get(
      `/signin/callback/okta?error=access_denied&error_description=%3Cscript%3E&state=${state}`,
    );
    assert.equal(answer.statusCode, 403);
    assert.doesNotMatch(answer.body, /access_denied|script/);
    assert.match(
      String(company.inputs('finish')[0]?.parameters),
      /^error=access_denied&error_description=%3Cscript%3E&state=/,
    );
    assert.equal(tab.cookies.size, 0);
  });

  test('several sign-ins at once do not disturb each other', async () => {
    const [first, second] = [
      await tab.leave('okta', { return: '/first' }),
      await tab.leave('okta', { return: '/second' }),
    ];
    assert.equal((await tab.get(back(second))).headers.location, '/second');
    assert.equal((await tab.get(back(first))).headers.location, '/first');
  });

  test('a page to go back to is looked at once more, whatever was sealed', async () => {
    for (const returnTo of [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/signin',
      'javascript:alert(1)',
    ]) {
      const state = await tab.leave();
      for (const [flow, value] of company.flows) company.flows.set(flow, { ...value, returnTo });
      assert.equal((await tab.get(back(state))).headers.location, '/account', returnTo);
    }
  });
});

describe('a stranger at the door', () => {
  const refused = async (path: string, from = tab, status = 400) => {
    const answer = await from.get(path);
    assert.equal(answer.statusCode, status, path);
    assert.equal(answer.headers.location, undefined);
    assert.ok(![answer.headers['set-cookie']].flat().some((value) => value?.startsWith(SESSION)), path);
    return answer;
  };

  test('sends a victim to the end of their own sign-in (login CSRF): another browser, no session', async () => {
    const state = await tab.leave();
    const victim = new Tab(app);
    const answer = await refused(back(state), victim);
    assert.match(answer.body, /<code>browser_changed<\/code>/);
    assert.equal(company.inputs('finish').at(-1)?.flow, null);
    // Nor does it work where the victim has a sign-in of their own under way.
    await victim.leave();
    await refused(back(state), victim);
    assert.equal(company.sessions.length, 0);
  });

  test('swaps the beginning of a state, sends none, or one that is no state', async () => {
    const state = await tab.leave();
    await refused(back(`${state.slice(0, 8)}${'x'.repeat(35)}`));
    for (const wrong of ['', 'short', `${state}%0d%0aSet-Cookie:x`, `..%2f${state}`, 'a'.repeat(5000)]) {
      await refused(back(wrong));
    }
    await refused('/signin/callback/okta?code=good');
    await refused('/signin/callback/okta');
    assert.ok(company.inputs('finish').every(({ flow }, i) => i === 0 || flow === null));
  });

  test('replays a return: the first one let the sign-in go', async () => {
    const state = await tab.leave();
    const kept = new Map(tab.cookies);
    assert.equal((await tab.get(back(state))).statusCode, 303);
    await refused(back(state));
    assert.equal(company.sessions.length, 1);
    assert.equal(kept.size, 1);
  });

  test('a return that failed lets the sign-in go as well', async () => {
    const state = await tab.leave();
    await refused(back(state, { code: 'bad' }));
    assert.equal(tab.cookies.size, 0);
    await refused(back(state));
  });

  test('sends a parameter twice: refused, before anybody chooses one', async () => {
    for (const more of ['&code=good', '&state=x', '&%63ode=bad', '&iss=a&iss=b']) {
      const state = await tab.leave();
      await refused(back(state, { more }));
      assert.equal(tab.cookies.size, 0, 'the sign-in is over');
    }
    for (const more of ['&x=%', '&x=%ff', '&x=%c3']) await refused(back(await tab.leave(), { more }));
    assert.deepEqual(company.inputs('finish'), []);
  });

  test('ends a sign-in at another provider than it was begun at (mix-up)', async () => {
    const state = await tab.leave('okta');
    await refused(back(state, { provider: 'adfs' }));
    for (const provider of ['a%2F..', 'a%20b', '%0d%0a', 'x'.repeat(33), '%3Cb%3E']) {
      await refused(back(await tab.leave(), { provider }), tab, 404);
    }
  });

  test('plants a session before the sign-in (fixation): a new one takes its place, and the old one ends', async () => {
    const planted = company.open('per_attacker');
    tab.cookies.set(SESSION, planted.secret);
    const state = await tab.leave();
    assert.equal((await tab.get(back(state))).statusCode, 303);
    const secret = tab.cookies.get(SESSION);
    assert.notEqual(secret, planted.secret);
    assert.deepEqual(
      company.sessions.map((session) => session.secret),
      [secret],
    );
    assert.match((await tab.get('/account')).body, /alice@acme\.com/);
  });

  test('a planted cookie that means nothing is replaced as well', async () => {
    tab.cookies.set(SESSION, 'chosen-by-an-attacker');
    await tab.get(back(await tab.leave()));
    assert.equal(tab.cookies.get(SESSION), company.sessions[0]?.secret);
    assert.ok(company.sessions.every(({ secret }) => secret !== 'chosen-by-an-attacker'));
  });
});

test('a former session that cannot be ended does not keep anybody out', async () => {
  const before = company.open();
  tab.cookies.set(SESSION, before.secret);
  const state = await tab.leave();
  const services = company.services();
  const broken = { ...services, signOut: async () => Promise.reject(new Error('the store is gone')) };
  Object.assign(company, { services: () => broken });
  app = await doorOf(company);
  opened.push(app);
  const moved = new Tab(app);
  for (const [name, value] of tab.cookies) moved.cookies.set(name, value);
  assert.equal((await moved.get(back(state))).statusCode, 303);
  assert.equal(company.logged.length, 1);
});

test('what nobody foresaw is logged, and the page says nothing of it', async () => {
  const state = await tab.leave();
  company.failure = new Error('secret detail /var/lib/x');
  const answer = await tab.get(back(state));
  assert.equal(answer.statusCode, 500);
  assert.doesNotMatch(answer.body, /secret detail|\/var/);
  assert.deepEqual(Object.keys(company.logged[0] ?? {}), ['operation', 'error']);
  assert.equal((company.logged[0] as { operation: string }).operation, 'GET /signin/callback/:provider');
});

test('who fails on and on from one place is told to wait; a success there gives room again', async () => {
  const status = async () => (await new Tab(app).get(back('x'.repeat(43)))).statusCode;
  const codes: number[] = [];
  for (let i = 0; i < 122; i++) codes.push(await status());
  assert.deepEqual([codes.filter((code) => code === 400).length, codes.at(-1)], [120, 429]);
  assert.equal(company.inputs('finish').length, 120, 'who must wait is not looked at');
  // At another address of the neighbourhood nothing is amiss.
  assert.equal((await tab.get(back('x'.repeat(43)), { peer: '192.0.2.8' })).statusCode, 400);
  const refused = await tab.get(back('x'.repeat(43)));
  assert.equal(refused.headers['retry-after'], '5');
  company.now = NOW + 5000;
  const state = await tab.leave();
  assert.equal((await tab.get(back(state))).statusCode, 303);
  assert.equal(await status(), 400);
});

test('who signs in with a typed address clears what was counted on it', async () => {
  for (let i = 0; i < 9; i++) await tab.post('/signin', { email: 'bob@acme.com' });
  const answer = await tab.post('/signin', { email: 'bob@acme.com' });
  const state = /state=([\w-]+)/.exec(answer.body)?.[1] ?? '';
  assert.equal((await tab.get(back(state))).statusCode, 303);
  for (let i = 0; i < 10; i++) assert.equal((await tab.post('/signin', { email: 'bob@acme.com' })).statusCode, 200);
});
