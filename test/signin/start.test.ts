/** Where people begin: choosing a provider, and leaving for it. */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { raw } from '../support/raw.ts';
import { Company, doorOf, Tab } from './fake.ts';

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

describe('the page', () => {
  test('offers an address and every provider, in the order of the policy', async () => {
    const { statusCode, body, headers } = await tab.get('/signin');
    assert.equal(statusCode, 200);
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.match(body, /<label for="email">Work e-mail<\/label>\n<input id="email" name="email" type="email"/);
    assert.ok(body.indexOf('Continue with Acme sign-in') < body.indexOf('Continue with Acme Germany'));
    assert.match(body, /<button name="provider" value="adfs"/);
    assert.match(body, /<title>Sign in · Acme<\/title>/);
  });

  test('is one button where there is one provider, and says so where there is none', async () => {
    company.providers = company.providers.slice(0, 1);
    const one = (await tab.get('/signin')).body;
    assert.equal(one.match(/<button/g)?.length, 1);
    assert.doesNotMatch(one, /type="email"/);
    company.providers = [];
    const none = (await tab.get('/signin')).body;
    assert.match(none, /No way to sign in is set up yet/);
    assert.doesNotMatch(none, /<form/);
  });

  test('carries the page to go back to, where it is one of ours', async () => {
    const returnOf = async (query: string) =>
      new Set(
        [...(await tab.get(`/signin${query}`)).body.matchAll(/name="return" value="([^"]*)"/g)].map(
          ([, value]) => value,
        ),
      );
    assert.deepEqual(await returnOf('?return=%2Fconsole%3Ftab%3D1%26x%3D2'), new Set(['/console?tab=1&amp;x=2']));
    for (const query of [
      '',
      '?return=https%3A%2F%2Fevil.example',
      '?return=%2F%2Fevil.example',
      '?return=%2F%5Cevil.example',
    ]) {
      assert.deepEqual(await returnOf(query), new Set(['/account']), query);
    }
    assert.equal((await tab.get('/signin?return=/a&return=//evil.example')).statusCode, 400);
  });

  test('`/` leads to the account, and nothing here answers HEAD or another method', async () => {
    const root = await tab.get('/');
    assert.deepEqual([root.statusCode, root.headers.location], [303, '/account']);
    const paths = [
      '/signin',
      '/signin/callback/okta?code=good',
      '/signin/sealed',
      '/account',
      '/signin/saml/adfs/metadata',
    ];
    for (const url of paths) {
      for (const method of ['HEAD', 'PUT', 'DELETE'] as const) {
        const { statusCode } = await app.inject({ method, url, headers: { host: 'localhost' } });
        assert.equal(statusCode, 404, `${method} ${url}`);
      }
    }
    const posts = ['/signin/callback/okta', '/account', '/signin/saml/adfs/metadata', '/'];
    for (const path of posts) assert.equal((await tab.post(path, { code: 'good', state: 'x' })).statusCode, 404, path);
    for (const path of ['/account/signout', '/account/sessions/ses_x/end', '/signin/saml/adfs'])
      assert.equal((await tab.get(path)).statusCode, 404, path);
    assert.deepEqual(company.calls, []);
  });
});

describe('leaving', () => {
  test('by a provider: a page that goes on by itself, and a sealed cookie for this sign-in', async () => {
    const answer = await tab.post('/signin', { provider: 'okta', return: '/console' });
    assert.equal(answer.statusCode, 200);
    const [begun] = company.inputs('begin');
    assert.deepEqual(
      { ...begun, base: String(begun?.base) },
      {
        provider: 'okta',
        base: 'https://gatehouse.example.com/',
        returnTo: '/console',
        loginHint: null,
        browser: { userAgent: 'lightMyRequest', peer: '192.0.2.7' },
      },
    );
    const [[flow, { state }] = ['', { state: '' }]] = company.flows;
    const location = `https://idp.example.com/authorize?state=${state}&amp;scope=openid`;
    assert.ok(answer.body.includes(`<meta http-equiv="refresh" content="0; url=${location}">`));
    assert.ok(answer.body.includes(`<a class="button" href="${location}">`));
    assert.equal(
      answer.headers['set-cookie'],
      `__Host-gatehouse-flow-${state.slice(0, 8)}=${flow}; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure`,
    );
  });

  test('by an address: its domain finds the provider, which is told the address', async () => {
    await tab.post('/signin', { email: ' Bob@ACME.de ', return: '/x' });
    const [begun] = company.inputs('begin');
    assert.deepEqual([begun?.provider, begun?.loginHint], ['adfs', 'Bob@ACME.de']);
    // The cookie carries no address: only a digest to clear what was counted on it.
    assert.match([...tab.cookies.values()][0] ?? '', /^[\w-]{400}\.[\w-]{22}$/);
  });

  test('by an address nobody knows is as by one that somebody has', async () => {
    const answers = await Promise.all(
      ['alice@acme.com', 'nobody-at-all@acme.com'].map(async (email) => {
        const { statusCode, body, headers } = await tab.post('/signin', { email });
        return { statusCode, body: body.replace(/state=[\w-]{43}/g, 'state='), names: Object.keys(headers).sort() };
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
    const elsewhere = await tab.post('/signin', { email: 'eve@elsewhere.example', return: '/console' });
    assert.equal(elsewhere.statusCode, 200);
    assert.match(elsewhere.body, /role="alert" id="none">No way to sign in belongs to this address/);
    assert.match(elsewhere.body, /value="eve@elsewhere.example" aria-describedby="none"/);
    assert.match(elsewhere.body, /name="return" value="\/console"/);
  });

  test('from this machine without TLS: plain cookies, and the address the browser called', async () => {
    company.url = null;
    app = await doorOf(company);
    opened.push(app);
    const local = new Tab(app, 'http://localhost:8787');
    const answer = await local.post('/signin', { provider: 'okta' });
    assert.equal(answer.statusCode, 200);
    assert.equal(String(company.inputs('begin')[0]?.base), 'http://localhost:8787/');
    assert.match(
      String(answer.headers['set-cookie']),
      /^gatehouse-flow-[\w-]{8}=[\w-]+; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  test('under a name that is not known, nothing goes on: the page says what to set', async () => {
    company.url = null;
    app = await doorOf(company);
    opened.push(app);
    const stranger = new Tab(app);
    for (const answer of [
      await stranger.get('/signin'),
      await stranger.post('/signin', { provider: 'okta' }),
      await stranger.get('/account'),
    ]) {
      assert.equal(answer.statusCode, 503);
      assert.match(answer.body, /listen\.url/);
    }
    assert.deepEqual(company.calls, []);
    assert.equal(company.away[0]?.[0], 'address_unknown');
  });

  test('for a page that is none of ours leads to the account page in the end', async () => {
    const hostile = ['//evil.example', '/\\evil.example', 'https://evil.example', '/.//evil.example', '/signin'];
    for (const path of hostile) await tab.post('/signin', { provider: 'okta', return: path });
    assert.deepEqual(
      company.inputs('begin').map(({ returnTo }) => returnTo),
      hostile.map(() => '/account'),
    );
  });

  test('at most five at once are kept, whatever a browser sends', async () => {
    for (let i = 0; i < 8; i++) assert.notEqual(await tab.leave(), '');
    assert.equal(tab.cookies.size, 5);
    const [latest] = [...company.flows.keys()].slice(-1);
    assert.ok([...tab.cookies.values()].includes(latest ?? ''));
  });

  test('never to what is no address of the web', async () => {
    company.idp = 'javascript:alert(1)//';
    const answer = await tab.post('/signin', { provider: 'okta' });
    assert.equal(answer.statusCode, 500);
    assert.doesNotMatch(answer.body, /javascript/);
    assert.equal(answer.headers['set-cookie'], undefined);
  });

  test('fails with a page where the provider does not answer', async () => {
    company.failure = { code: 'provider_unreachable' };
    const answer = await tab.post('/signin', { provider: 'okta' });
    assert.equal(answer.statusCode, 503);
    assert.match(answer.body, /Your sign-in provider does not answer\. Try again in a minute\./);
    assert.match(answer.body, /<code>provider_unreachable<\/code>/);
    company.failure = null;
    assert.equal((await tab.post('/signin', { provider: 'unknown' })).statusCode, 400);
  });
});

describe('a form that is not what our page sends', () => {
  test('from another site is refused before a byte of it is read', async () => {
    for (const headers of [
      { origin: undefined, 'sec-fetch-site': 'cross-site' },
      { origin: undefined, 'sec-fetch-site': 'same-site' },
      { origin: undefined, 'sec-fetch-site': undefined },
      { origin: 'https://gatehouse.example.com:8443', 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      for (const path of ['/signin', '/signin/sealed', '/account/signout', '/account/sessions/ses_x/end']) {
        const answer = await tab.post(path, 'a=%', { headers });
        assert.equal(answer.statusCode, 403, path);
        assert.match(answer.body, /<code>form_foreign<\/code>/);
      }
    }
    assert.deepEqual(company.calls, []);
  });

  test('with a field twice, both ways or neither, broken, in another media type or encoded is refused', async () => {
    const forms = [
      'provider=okta&provider=adfs',
      'email=a%40acme.com&email=b%40acme.com',
      'provider=okta&return=%2Fa&return=%2F%2Fevil.example',
      'provider=okta&email=a%40acme.com',
      '',
      'return=%2F',
      'provider=..%2Fadmin',
      'provider=%0d%0aSet-Cookie%3Ax',
      'provider=',
      'email=',
      'email=alice',
      'email=a%40b%40c',
      'email=a%0d%0aX%3A1%40acme.com',
      `email=${'a'.repeat(65)}%40acme.com`,
      'email=%ff%40acme.com',
      'provider=okta&x=%',
    ];
    for (const form of forms) {
      const { statusCode, body } = await tab.post('/signin', form);
      assert.equal(statusCode, 400, form);
      assert.match(body, /<code>form_invalid<\/code>/);
    }
    for (const headers of [
      { 'content-type': 'application/json' },
      { 'content-type': 'multipart/form-data; boundary=x' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/x-www-form-urlencoded; charset=utf-16' },
      { 'content-type': undefined },
      { 'content-encoding': 'gzip' },
    ]) {
      assert.equal((await tab.post('/signin', 'provider=okta', { headers })).statusCode, 400, JSON.stringify(headers));
    }
    assert.deepEqual(company.calls, []);
  });

  test('that is too large is refused, however it is framed', async () => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
    const headers = { origin: 'https://gatehouse.example.com', 'content-type': 'application/x-www-form-urlencoded' };
    for (const more of [{}, { 'transfer-encoding': 'chunked' }]) {
      const body = `provider=okta&x=${'a'.repeat(8 * 1024)}`;
      const answer = await raw(url, {
        path: '/signin',
        headers: { ...headers, host: 'gatehouse.example.com', ...more },
        body,
      });
      assert.equal(answer.status, 400);
      assert.match(answer.body.toString(), /form_invalid/);
    }
    assert.deepEqual(company.calls, []);
  });
});

test('who begins again and again with one address is told to wait, and nobody else', async () => {
  const codes: number[] = [];
  for (let i = 0; i < 11; i++) codes.push((await tab.post('/signin', { email: 'bob@acme.com' })).statusCode);
  assert.deepEqual(codes, [...Array<number>(10).fill(200), 429]);
  const answer = await tab.post('/signin', { email: 'bob@acme.com' });
  assert.equal(answer.headers['retry-after'], '60');
  assert.match(answer.body, /<h1>Please wait<\/h1>[\s\S]*Try again in 60 seconds\./);
  assert.equal(company.inputs('begin').length, 10);
  assert.equal((await tab.post('/signin', { email: 'carol@acme.com' })).statusCode, 200);
  assert.deepEqual(
    company.away.map(([code]) => code),
    ['too_many', 'too_many'],
  );
});
