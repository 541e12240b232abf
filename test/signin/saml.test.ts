/** The answer of a SAML provider: a form from another site, which is sent again from ours before anybody looks at it. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { after, beforeEach, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { bareDoorOf, Company, ORIGIN, Tab } from './fake.ts';

const ACS = '/signin/saml/adfs';
const GOOD = Buffer.from('good response').toString('base64');
const ELSEWHERE = { origin: 'https://idp.example.com', 'sec-fetch-site': 'cross-site', cookie: undefined };
/** A page that sends no referrer has no origin. */
const NOWHERE = { origin: 'null', 'sec-fetch-site': 'cross-site', cookie: undefined };

let company = new Company();
let app: FastifyInstance;
let tab: Tab;
const opened: FastifyInstance[] = [];

beforeEach(async () => {
  company = new Company();
  app = await bareDoorOf(company);
  opened.push(app);
  tab = new Tab(app);
});
after(async () => {
  for (const each of opened) await each.close();
});

/** Hidden fields of the form in a page. */
function fieldsOf(body: string): Record<string, string> {
  return Object.fromEntries(
    [...body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  );
}

describe('an answer', () => {
  test('from the provider is sent again from our own page, and then let in', async () => {
    for (const headers of [ELSEWHERE, NOWHERE]) {
      const state = await tab.leave('adfs', { return: '/console' });
      const first = await tab.post(ACS, { SAMLResponse: GOOD, RelayState: state }, { headers });
      assert.equal(first.statusCode, 200);
      assert.equal(first.headers['set-cookie'], undefined, 'the sign-in is kept for the second arrival');
      assert.match(first.body, new RegExp(`<form method="post" action="${ACS}">`));
      assert.match(first.body, /<button>Continue<\/button>/);
      const fields = fieldsOf(first.body);
      assert.deepEqual(fields, { SAMLResponse: GOOD, RelayState: state, again: '1' });
      const second = await tab.post(ACS, fields);
      assert.deepEqual([second.statusCode, second.headers.location], [303, '/console']);
      const finish = company.inputs('finish').at(-1);
      assert.equal(String(finish?.parameters), String(new URLSearchParams({ SAMLResponse: GOOD, RelayState: state })));
      assert.equal(finish?.provider, 'adfs');
    }
    assert.equal(company.inputs('finish').length, 2);
    assert.ok(![...tab.cookies.keys()].some((name) => name.includes('flow')));
  });

  test('is sent again by the one script that may run, which is ours', async () => {
    const { body, headers } = await tab.post(ACS, { SAMLResponse: GOOD }, { headers: ELSEWHERE });
    const scripts = [...body.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script]) => script ?? '');
    assert.deepEqual(scripts, ['document.forms[0].submit()']);
    const digest = createHash('sha256')
      .update(scripts[0] ?? '')
      .digest('base64');
    assert.match(
      String(headers['content-security-policy']),
      new RegExp(`script-src 'sha256-${digest.replace(/[+/]/g, '\\$&')}';`),
    );
  });

  test('that says it was sent again, and came from elsewhere, is not sent on in a circle', async () => {
    const answer = await tab.post(ACS, { SAMLResponse: GOOD, again: '1' }, { headers: ELSEWHERE });
    assert.equal(answer.statusCode, 403);
    assert.doesNotMatch(answer.body, /<script>/);
    assert.deepEqual(company.calls, []);
  });

  test('nobody asked for comes without a state and is for the sign-in to judge', async () => {
    const answer = await tab.post(ACS, { SAMLResponse: GOOD });
    assert.equal(answer.statusCode, 400);
    const [finish] = company.inputs('finish');
    assert.equal(finish?.flow, null);
    assert.equal(String(finish?.parameters), `SAMLResponse=${encodeURIComponent(GOOD)}`);
    const relayed = await tab.post(ACS, { SAMLResponse: GOOD, RelayState: 'https://gatehouse.example.com/x?a=b' });
    assert.equal(relayed.statusCode, 400);
    assert.equal(company.inputs('finish')[1]?.flow, null);
  });

  test('with line ends inside is the same answer', async () => {
    const state = await tab.leave('adfs');
    const wrapped = `${GOOD.slice(0, 8)}\r\n${GOOD.slice(8)}\n`;
    const first = await tab.post(ACS, { SAMLResponse: wrapped, RelayState: state }, { headers: ELSEWHERE });
    assert.equal(fieldsOf(first.body).SAMLResponse, GOOD);
    assert.equal((await tab.post(ACS, { SAMLResponse: wrapped, RelayState: state })).statusCode, 303);
  });
});

describe('an attacker', () => {
  test('makes a victim end the attacker’s sign-in: the victim’s browser has none of it', async () => {
    const state = await tab.leave('adfs');
    const victim = new Tab(app);
    const first = await victim.post(ACS, { SAMLResponse: GOOD, RelayState: state }, { headers: ELSEWHERE });
    const second = await victim.post(ACS, fieldsOf(first.body));
    assert.equal(second.statusCode, 400);
    assert.match(second.body, /browser_changed/);
    assert.equal(company.sessions.length, 0);
  });

  test('sends an answer again', async () => {
    const state = await tab.leave('adfs');
    assert.equal((await tab.post(ACS, { SAMLResponse: GOOD, RelayState: state })).statusCode, 303);
    assert.equal((await tab.post(ACS, { SAMLResponse: GOOD, RelayState: state })).statusCode, 400);
  });

  test('sends fields twice, markup, or what is no base 64', async () => {
    const state = await tab.leave('adfs');
    const good = encodeURIComponent(GOOD);
    const forms = [
      `SAMLResponse=${good}&SAMLResponse=${good}`,
      `SAMLResponse=${good}&RelayState=${state}&RelayState=x`,
      `SAMLResponse=${good}&%53AMLResponse=${good}`,
      'SAMLResponse=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E',
      `SAMLResponse=${good}&RelayState=%C3%A4`,
      `SAMLResponse=${good}&RelayState=%00`,
      `SAMLResponse=${good}&RelayState=${'a'.repeat(1025)}`,
      'SAMLResponse=',
      'SAMLResponse=====',
      'RelayState=x',
      '',
    ];
    for (const form of forms) {
      for (const headers of [ELSEWHERE, {}]) {
        const { statusCode, body } = await tab.post(ACS, form, { headers });
        assert.equal(statusCode, 400, form);
        assert.match(body, /form_invalid/);
        assert.doesNotMatch(body, /alert/);
      }
    }
    const hostile = `"><script>alert(1)</script>`;
    const { body } = await tab.post(ACS, { SAMLResponse: GOOD, RelayState: hostile }, { headers: ELSEWHERE });
    assert.match(body, /value="&quot;&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;"/);
    assert.deepEqual(company.inputs('finish'), []);
  });

  test('sends more than half a mebibyte, or another media type', async () => {
    const form = (bytes: number) => `SAMLResponse=${'A'.repeat(bytes - 'SAMLResponse='.length)}`;
    assert.equal((await tab.post(ACS, form(512 * 1024), { headers: ELSEWHERE })).statusCode, 200);
    assert.equal((await tab.post(ACS, form(512 * 1024 + 1), { headers: ELSEWHERE })).statusCode, 400);
    for (const type of ['text/xml', 'multipart/form-data; boundary=x', 'application/json']) {
      const { statusCode } = await tab.post(ACS, form(100), { headers: { ...ELSEWHERE, 'content-type': type } });
      assert.equal(statusCode, 400, type);
    }
  });

  test('sends many answers slowly: their neighbourhood waits, others get in, the slow are cut', async (t) => {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const head = `POST ${ACS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nSAML`;
    let arrived = 0;
    const all = new Promise<void>((resolve) => {
      app.server.on('request', () => {
        arrived += 1;
        if (arrived === 64) resolve();
      });
    });
    const closed = Array.from({ length: 64 }, () => {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(head);
      return new Promise<void>((resolve) => socket.once('close', () => resolve()));
    });
    await all;
    const busy = await tab.post(ACS, { SAMLResponse: GOOD }, { peer: '127.0.0.9' });
    assert.equal(busy.statusCode, 503);
    assert.match(busy.body, /<code>busy<\/code>/);
    assert.equal(busy.headers['retry-after'], '5');
    assert.equal((await tab.post(ACS, { SAMLResponse: GOOD }, { peer: '192.0.2.1' })).statusCode, 400);
    t.mock.timers.tick(15_000);
    await Promise.all(closed);
    assert.equal((await tab.post(ACS, { SAMLResponse: GOOD }, { peer: '127.0.0.9' })).statusCode, 400);
    assert.equal(company.away.filter(([code]) => code === 'form_slow').length, 64);
  });
});

describe('metadata', () => {
  test('is for a SAML provider, with our address', async () => {
    const answer = await tab.get(`${ACS}/metadata`);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-type'], 'application/samlmetadata+xml');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.body, `<EntityDescriptor entityID="${ORIGIN}/signin/saml/adfs"/>`);
    for (const name of ['okta', 'nobody', '..%2f', '%0a']) {
      assert.equal((await tab.get(`/signin/saml/${name}/metadata`)).statusCode, 404, name);
    }
  });
});
