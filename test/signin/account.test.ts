/** The account page, its sessions, and the sealed way in. */
import assert from 'node:assert/strict';
import { after, beforeEach, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { newId } from '../../src/kernel/ids.ts';
import { Company, doorOf, SEALED, Tab } from './fake.ts';

const SESSION = '__Host-gatehouse-session';
const DROPPED = `${SESSION}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure`;

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

function signedIn(person = 'per_alice', browser = tab) {
  const session = company.open(person);
  browser.cookies.set(SESSION, session.secret);
  return session;
}

describe('the account page', () => {
  test('shows role with its reason, teams, groups and sessions, this one marked', async () => {
    const other = company.open();
    const own = signedIn();
    const { statusCode, body, headers } = await tab.get('/account');
    assert.equal(statusCode, 200);
    assert.match(body, /<h1 id="who">alice@acme\.com<\/h1>/);
    assert.match(body, /<strong>Admin<\/strong> <span class="soft">· group okta\/platform-admins<\/span>/);
    assert.match(body, /<li>payments<\/li>[\s\S]*<li>okta\/eng<\/li>/);
    assert.equal(body.match(/this browser/g)?.length, 1);
    assert.match(
      body,
      /Last used 5 minutes ago · since <time datetime="2026-11-24T10:00:00\.000Z">24 Nov 2026, 10:00 UTC<\/time>/,
    );
    for (const { session } of [own, other]) assert.ok(body.includes(`action="/account/sessions/${session}/end"`));
    assert.equal(headers['set-cookie'], undefined);
    // The secret is in the cookie and nowhere else.
    assert.ok(!body.includes(own.secret));
  });

  test('shows a few groups and keeps the rest behind a click', async () => {
    signedIn();
    company.shown = { groups: Array.from({ length: 2000 }, (_, i) => `okta/g${i}`), teams: [], email: null };
    const { body } = await tab.get('/account');
    assert.ok(body.indexOf('okta/g11') < body.indexOf('<summary>1988 more</summary>'));
    assert.ok(body.indexOf('okta/g12<') > body.indexOf('<details>'));
    assert.match(body, /<h1 id="who">Your account<\/h1>/);
    assert.match(body, /<dt>Teams<\/dt><dd><span class="soft">none<\/span>/);
  });

  test('turns the secret when the session says so', async () => {
    const { session } = signedIn();
    company.shown = { renewed: { id: session, secret: 'turned-secret-0123456789', expiresAt: company.now + 60_000 } };
    const { headers } = await tab.get('/account');
    assert.equal(
      headers['set-cookie'],
      `${SESSION}=turned-secret-0123456789; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure`,
    );
  });

  test('is not for whoever is not signed in: they go to the sign-in page, without the cookie that means nothing', async () => {
    const none = await tab.get('/account');
    assert.deepEqual([none.statusCode, none.headers.location, none.headers['set-cookie']], [303, '/signin', undefined]);
    for (const value of ['unknown-secret', '"quoted"', 'a=b']) {
      const answer = await tab.get('/account', { headers: { cookie: `${SESSION}=${value}` } });
      assert.deepEqual([answer.statusCode, answer.headers['set-cookie']], [303, DROPPED], value);
    }
    // A cookie for a page without TLS is none for one with it.
    const { secret } = company.open();
    assert.equal((await tab.get('/account', { headers: { cookie: `gatehouse-session=${secret}` } })).statusCode, 303);
  });
});

describe('signing out', () => {
  test('ends this session and takes the cookie', async () => {
    const { csrf } = signedIn();
    const answer = await tab.post('/account/signout', { csrf });
    assert.deepEqual(
      [answer.statusCode, answer.headers.location, answer.headers['set-cookie']],
      [303, '/signin?out', DROPPED],
    );
    assert.deepEqual(company.sessions, []);
    assert.match((await tab.get('/signin?out')).body, /role="status">You are signed out of this browser\./);
  });

  test('of another session of one’s own leaves this one', async () => {
    const other = company.open();
    const own = signedIn();
    const answer = await tab.post(`/account/sessions/${other.session}/end`, { csrf: own.csrf });
    assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/account']);
    assert.deepEqual(company.sessions, [own]);
  });

  test('needs the token of this very session', async () => {
    const other = company.open();
    const own = signedIn();
    for (const form of ['', `csrf=`, `csrf=${other.csrf}`, `csrf=${own.csrf}x`, `csrf=${own.csrf}&csrf=${own.csrf}`]) {
      for (const path of ['/account/signout', `/account/sessions/${own.session}/end`]) {
        const answer = await tab.post(path, form);
        assert.ok(answer.statusCode === 403 || answer.statusCode === 400, form);
        assert.equal(answer.headers['set-cookie'], undefined);
      }
    }
    assert.equal(company.sessions.length, 2);
  });

  test('with a token of before tells the browser the secret that has turned meanwhile', async () => {
    const { session } = signedIn();
    company.shown = { renewed: { id: session, secret: 'turned-secret-0123456789', expiresAt: company.now + 60_000 } };
    const answer = await tab.post('/account/signout', { csrf: 'old' });
    assert.equal(answer.statusCode, 403);
    assert.match(answer.body, /<code>form_late<\/code>/);
    assert.match(String(answer.headers['set-cookie']), /^__Host-gatehouse-session=turned-secret-0123456789;/);
  });

  test('when the session has ended already leads to the sign-in page', async () => {
    const own = signedIn();
    company.sessions.splice(0);
    for (const path of ['/account/signout', `/account/sessions/${own.session}/end`]) {
      tab.cookies.set(SESSION, own.secret);
      const answer = await tab.post(path, { csrf: own.csrf });
      assert.deepEqual(
        [answer.statusCode, answer.headers.location, answer.headers['set-cookie']],
        [303, '/signin', DROPPED],
      );
    }
    assert.equal((await new Tab(app).post('/account/signout', { csrf: 'x' })).headers.location, '/signin');
  });

  test('of what is no session is no page', async () => {
    const { csrf } = signedIn();
    for (const id of ['x', 'ses_', newId('per'), 'ses_..%2f', `${newId('ses')}%0a`]) {
      assert.equal((await tab.post(`/account/sessions/${id}/end`, { csrf })).statusCode, 404, id);
    }
    assert.deepEqual(company.inputs('signOut'), []);
  });
});

describe('the sealed way in', () => {
  test('says that it raises an alarm, before anything is typed', async () => {
    const { body } = await tab.get('/signin/sealed');
    assert.match(body, /<strong>Opening this raises an alarm\.<\/strong>/);
    assert.match(body, /<input id="secret" name="secret" type="password" required maxlength="300" autocomplete="off"/);
    company.hasSealed = false;
    const none = await tab.get('/signin/sealed');
    assert.match(none.body, /No secret is sealed here/);
    assert.doesNotMatch(none.body, /<form/);
  });

  test('opens a session of its own, whatever was in the browser', async () => {
    const before = signedIn('per_attacker');
    const answer = await tab.post('/signin/sealed', { secret: ` ${SEALED}\n` });
    assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/account']);
    assert.notEqual(tab.cookies.get(SESSION), before.secret);
    assert.deepEqual(
      company.sessions.map(({ person }) => person),
      ['per_owner'],
    );
    company.shown = { provider: null, role: 'primary_owner' };
    const { body } = await tab.get('/account');
    assert.match(body, /You came in with the sealed secret\. An alarm was raised/);
    assert.match(body, /<strong>Primary owner<\/strong>/);
  });

  test('does not open for another secret, which the page never shows', async () => {
    const wrong = `ghb_${'Y'.repeat(40)}`;
    const answer = await tab.post('/signin/sealed', { secret: wrong });
    assert.equal(answer.statusCode, 403);
    assert.match(answer.body, /<code>secret_wrong<\/code>/);
    assert.ok(!answer.body.includes(wrong));
    assert.equal(answer.headers['set-cookie'], undefined);
  });

  test('is tried three times from one place; what is no such secret neither counts nor is looked at', async () => {
    for (const secret of [
      '',
      'x',
      'gho_'.padEnd(44, 'x'),
      'ghb_',
      `ghb_${'Y'.repeat(40)}"`,
      'ghb_'.padEnd(300, 'x'),
      SEALED.toLowerCase().slice(0, 10),
    ]) {
      const answer = await tab.post('/signin/sealed', { secret });
      assert.equal(answer.statusCode, 403, secret);
      assert.match(answer.body, /<code>secret_malformed<\/code>/);
    }
    assert.deepEqual(company.inputs('breakGlass'), []);
    const codes: number[] = [];
    for (let i = 0; i < 5; i++)
      codes.push((await tab.post('/signin/sealed', { secret: `ghb_${'Y'.repeat(40)}` })).statusCode);
    assert.deepEqual(codes, [403, 403, 403, 429, 429]);
    assert.equal((await tab.post('/signin/sealed', { secret: SEALED })).statusCode, 429, 'the right one waits as well');
    assert.equal((await tab.post('/signin/sealed', { secret: SEALED }, { peer: '198.51.100.1' })).statusCode, 303);
  });
});
