/** A page on the web that makes a browser call a gateway: every door checks Host and Origin, and no answer lets another origin in. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { adminDoor } from '../../src/doors/admin/door.ts';
import { hostCheck } from '../../src/doors/hosts.ts';
import { messagesDoor } from '../../src/doors/messages/door.ts';
import { createServer } from '../../src/doors/server.ts';
import { signInDoor } from '../../src/doors/signin/door.ts';
import { watchDoor } from '../../src/doors/watch/door.ts';
import type { Envelope } from '../../src/steps/exchange.ts';
import { World } from '../admin/fake.ts';
import { paper } from '../docs/papers.ts';
import { Company } from '../signin/fake.ts';
import { speak } from '../support/speak.ts';

const DOORS = { messagesDoor, watchDoor, signInDoor, adminDoor };

interface Route {
  readonly method: string;
  readonly path: string;
}

let app: FastifyInstance;
let port = 0;
let token = '';
const routes: Route[] = [];
const calls: Envelope[] = [];
const world = new World();
const company = new Company();

before(async () => {
  const owner = world.party('olga@example.com', { role: 'primary_owner' });
  token = world.credential(owner.id, { kind: 'admin' }).secret;
  app = createServer({ hosts: ['Gatehouse.Example.com'], requestMs: 30_000 });
  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) routes.push({ method: each, path: url.replace(/:\w+/g, 'x') });
  });
  await messagesDoor(app, async (envelope) => {
    calls.push(envelope);
    envelope.reply.start(200, ['content-type', 'application/json']);
    envelope.reply.end();
  });
  await watchDoor(app, { metrics: () => '', ready: () => null, mayReadMetrics: null });
  await signInDoor(app, company.services());
  await adminDoor(app, world.services());
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
});
after(() => app.close());

/** Status, head and body of one request with exactly these lines beside what is usual. */
async function say(route: Route, lines: string, body = ''): Promise<{ status: number; text: string }> {
  const length = route.method === 'POST' ? `content-length: ${body.length}\r\n` : '';
  const text = await speak(
    port,
    `${route.method} ${route.path} HTTP/1.1\r\n${lines}${length}connection: close\r\n\r\n${body}`,
  );
  return { status: Number(text.split(' ')[1]), text };
}

test('the doors of this test are those of the gateway, and every route is known', () => {
  const source = readFileSync(new URL('../../src/main/doors.ts', import.meta.url), 'utf8');
  const opened = new Set([...source.matchAll(/await (\w+Door)\(/g)].map(([, name]) => name));
  assert.deepEqual([...opened].sort(), Object.keys(DOORS).sort());
  const documented = JSON.parse(paper('docs/openapi.json')) as { paths: Record<string, Record<string, unknown>> };
  for (const [path, operations] of Object.entries(documented.paths)) {
    const at = path.replace(/\{\w+\}/g, 'x');
    for (const method of Object.keys(operations)) {
      assert.ok(
        routes.some((route) => route.path === at && route.method === method.toUpperCase()),
        `${method} ${path}`,
      );
    }
  }
  assert.ok(routes.length > 40);
});

/** As the route of SAML answers stands in the list of routes. */
const ANSWER = '/signin/saml/x';

const STRANGE_HOSTS = [
  'evil.example',
  'evil.example:80',
  'localhost.evil.example',
  'gatehouse.example.com.evil.example',
  'evil-gatehouse.example.com',
  'xlocalhost',
  'localhost:80:80',
  'localhost:x',
  'localhost@evil.example',
  'evil.example@localhost',
  'localhost evil.example',
  'localhost, evil.example',
  'localhost/evil.example',
  'localhost#evil.example',
  'localhost\\evil.example',
  'localhost..',
  '.localhost',
  '[::1].evil.example',
  '[::1%evil.example]',
  '[evil.example]',
  '[127.0.0.1]',
  '127.0.0.1.evil.example',
  '127.0.0.1.nip.io',
  '127.1',
  '0x7f.0.0.1',
  '2130706433',
  '::1',
  'local\u00e4host',
];
const STRANGE_ORIGINS = [
  'null',
  'http://evil.example',
  'https://localhost.evil.example',
  'https://evil.example:443',
  'http://localhost@evil.example',
  'http://203.0.113.9',
  'http://[2001:db8::1]',
  'http://127.0.0.2',
  'http://[::ffff:7f00:2]',
  'localhost',
  'file://localhost',
  'chrome-extension://localhost',
  'http://localhost http://evil.example',
  'http://evil.example, http://localhost',
  '//localhost',
];

test('P8: every route refuses every name that is not ours, before anything else', async () => {
  for (const route of [...routes, { method: 'GET', path: '/nothing' }, { method: 'POST', path: '/api/nothing' }]) {
    const bearer = `authorization: Bearer ${token}\r\n`;
    for (const lines of ['host: evil.example\r\n', `host: localhost:${port}\r\norigin: https://evil.example\r\n`]) {
      // A SAML provider answers through the browser, from an origin of its own: that one address looks at it itself.
      if (route.method === 'POST' && route.path === ANSWER && lines.includes('origin:')) continue;
      const { status, text } = await say(route, lines + bearer);
      assert.equal(status, 421, `${route.method} ${route.path}: ${text}`);
    }
  }
  assert.deepEqual([calls, world.changes, company.calls], [[], [], []]);
});

test('P8: one address takes a form from another origin, and believes nothing of it before our own page sends it again', async () => {
  const form =
    'content-type: application/x-www-form-urlencoded\r\norigin: https://idp.example\r\nsec-fetch-site: cross-site\r\n';
  const ours = `host: localhost:${port}\r\n`;
  const { status, text } = await say({ method: 'POST', path: ANSWER }, ours + form, 'SAMLResponse=AAAA&RelayState=s');
  assert.equal(status, 200, text);
  assert.match(text, /<form/);
  for (const path of [
    `${ANSWER}/`,
    `${ANSWER}/metadata`,
    `${ANSWER}?a=b`,
    '/signin',
    '/account/signout',
    '/api/people',
  ]) {
    const refused = await say({ method: 'POST', path }, ours + form, 'SAMLResponse=AAAA');
    assert.equal(refused.status, 421, path);
  }
  const got = await say({ method: 'GET', path: ANSWER }, ours + form);
  assert.equal(got.status, 421);
  assert.deepEqual(company.calls, []);
});

test('P8: no spelling of a strange Host is ours', async () => {
  for (const host of STRANGE_HOSTS) {
    const { status } = await say({ method: 'GET', path: '/v1/models' }, `host: ${host}\r\n`);
    assert.ok(status === 421 || status === 400, `${host}: ${status}`);
  }
  assert.deepEqual(calls, []);
});

test('P8: no strange Origin is ours', async () => {
  for (const origin of STRANGE_ORIGINS) {
    const { status } = await say(
      { method: 'GET', path: '/v1/models' },
      `host: 127.0.0.1:${port}\r\norigin: ${origin}\r\n`,
    );
    assert.ok(status === 421 || status === 400, `${origin}: ${status}`);
  }
  assert.deepEqual(calls, []);
});

test('P8: the Host counts, not the absolute form of the target', async () => {
  for (const [target, host, status] of [
    ['http://localhost/api/people', 'evil.example', 421],
    ['http://evil.example/api/people', 'evil.example', 421],
    ['//evil.example/api/people', 'evil.example', 421],
  ] as const) {
    const { text } = await say({ method: 'GET', path: target }, `host: ${host}\r\nauthorization: Bearer ${token}\r\n`);
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} `), target);
  }
});

describe('which names are ours', () => {
  const ours = hostCheck(['gatehouse.example.com']);
  // Bound to loopback or to every address, the list is the same: what is reached by a name must be named.
  const none = hostCheck([]);
  for (const [host, origin, expected] of [
    ['localhost', undefined, true],
    ['LOCALHOST:8787', undefined, true],
    ['localhost.', undefined, true],
    ['localhost.:8787', undefined, true],
    ['127.0.0.1:8787', undefined, true],
    ['192.0.2.7', undefined, true],
    ['[::1]:8787', undefined, true],
    ['[2001:DB8:0:0::1]', undefined, true],
    ['gatehouse.example.com', undefined, true],
    ['GATEHOUSE.example.com.:443', undefined, true],
    [undefined, undefined, false],
    ['', undefined, false],
    ['gatehouse.example.com', 'https://gatehouse.example.com', true],
    ['gatehouse.example.com', 'https://gatehouse.example.com.', true],
    ['gatehouse.example.com', 'https://GATEHOUSE.example.com:8443', true],
    ['gatehouse.example.com', 'http://localhost:3000', true],
    ['gatehouse.example.com', 'https://127.0.0.1', false],
    ['127.0.0.1:8787', 'http://127.0.0.1:8787', true],
    ['127.0.0.1:8787', 'http://127.1:8787', true],
    ['127.0.0.1:8787', 'http://127.0.0.2:8787', false],
    ['[0:0:0:0:0:0:0:1]:8787', 'http://[::1]:8787', true],
    ['[::1]:8787', 'http://[::2]:8787', false],
    ['localhost', 'null', false],
    ['localhost', '', false],
  ] as const) {
    test(`Host ${host}, Origin ${origin}: ${expected}`, () => assert.equal(ours(host, origin), expected));
  }
  test('without a list only localhost and addresses are', () => {
    assert.deepEqual(
      ['localhost', '127.0.0.1', '192.0.2.7', '[::1]', 'gatehouse.example.com', 'gatehouse', 'evil.example'].map(
        (host) => none(host, undefined),
      ),
      [true, true, true, true, false, false, false],
    );
  });
});

/** What lets another origin in. The other values of the last two shut it out. */
const OPENING =
  /\r\n(?:access-control-|timing-allow-|cross-origin-resource-policy: (?!same-origin\r)|cross-origin-opener-policy: (?!same-origin\r))/i;

test('P8: no answer lets another origin read or send more than a plain form can', async () => {
  for (const route of routes) {
    for (const origin of [`http://localhost:${port}`, 'http://localhost:3000', 'https://evil.example', 'null']) {
      const asked = 'access-control-request-method: POST\r\naccess-control-request-headers: authorization\r\n';
      const preflight = await say(
        { method: 'OPTIONS', path: route.path },
        `host: localhost:${port}\r\norigin: ${origin}\r\n${asked}`,
      );
      assert.ok(preflight.status >= 400, `OPTIONS ${route.path} of ${origin}: ${preflight.status}`);
      assert.doesNotMatch(preflight.text, OPENING, route.path);
      const plain = await say(route, `host: localhost:${port}\r\norigin: ${origin}\r\n`);
      assert.doesNotMatch(plain.text, OPENING, route.path);
    }
  }
});

test('P8: what a form of another local page can send does nothing: no credential, no JSON', async () => {
  calls.length = 0;
  const body = '{"email":"x@example.com"}';
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']) {
    const lines = `host: localhost:${port}\r\norigin: http://localhost:3000\r\n${type === '' ? '' : `content-type: ${type}\r\n`}`;
    for (const route of routes.filter(({ method, path }) => method === 'POST' && path.startsWith('/api/'))) {
      // Even with a token, as a browser with stored basic credentials would send: another origin has no business here.
      for (const bearer of ['', `authorization: Bearer ${token}\r\n`]) {
        const { status, text } = await say(route, lines + bearer, body);
        assert.ok(status === 401 || status === 403, `${route.path}: ${text}`);
      }
    }
  }
  assert.deepEqual(world.changes, []);
});

test('P8: the admin door takes no media type but JSON, even of its own origin', async () => {
  const lines = `host: localhost:${port}\r\norigin: http://localhost:${port}\r\nauthorization: Bearer ${token}\r\n`;
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'text/plain; application/json']) {
    const { status } = await say(
      { method: 'POST', path: '/api/people' },
      `${lines}content-type: ${type}\r\n`,
      '{"email":"x@example.com"}',
    );
    assert.equal(status, 415, type);
  }
  assert.deepEqual(world.changes, []);
});

test('an upgrade is not taken on any route', async () => {
  for (const { method, path } of routes) {
    for (const upgrade of ['websocket', 'h2c', 'TLS/1.0']) {
      const lines = `upgrade: ${upgrade}\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
      const head = `${method} ${path} HTTP/1.1\r\nhost: localhost:${port}\r\n${lines}`;
      const text = await speak(port, `${head}connection: upgrade, close\r\n\r\n`);
      assert.match(text, /^HTTP\/1\.1 [2-5]\d\d /, `${path} ${upgrade}`);
      assert.doesNotMatch(text, /\r\nupgrade:/i, `${path} ${upgrade}`);
    }
  }
});

test('what is not HTTP/1.0 or 1.1 is refused on every route', async () => {
  calls.length = 0;
  for (const { method, path } of routes) {
    for (const version of ['HTTP/2.0', 'HTTP/0.9', 'HTTP/3.0', 'HTTP/1.2', 'HTTP/1.10']) {
      const text = await speak(port, `${method} ${path} ${version}\r\nhost: localhost\r\n\r\n`);
      assert.match(text, /^HTTP\/1\.1 400 /, `${method} ${path} ${version}`);
    }
  }
  assert.deepEqual(calls, []);
});
