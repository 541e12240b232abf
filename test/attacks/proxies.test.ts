/** Who is taken for the caller behind proxies: only a proxy that the operator trusts is asked, and only about whom it saw itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { serverConfig, serverOptions } from '../../src/doors/config.ts';
import { peerReader } from '../../src/doors/peer.ts';
import { createServer, type ServerOptions } from '../../src/doors/server.ts';
import { passOn } from '../../src/main/workers/pass-on.ts';
import { speak } from '../support/speak.ts';

/** What the reader says of a request of this peer with this header. */
function seen(peer: string | undefined, said: string | undefined, trustedProxies: readonly string[]): string {
  const request = { socket: { remoteAddress: peer }, headers: said === undefined ? {} : { 'x-forwarded-for': said } };
  return peerReader({ trustedProxies, behindWorkers: false })(request as unknown as IncomingMessage);
}

const PROXIES = ['10.0.0.0/24', '192.0.2.7', 'fd00:1::/32'];
const PROXY = '10.0.0.1';

test('nobody is asked where no proxy is trusted, and nobody else where one is', () => {
  for (const peer of [PROXY, '127.0.0.1', '::1', '203.0.113.5', '::ffff:10.0.0.1']) {
    assert.equal(seen(peer, '198.51.100.9', []), peer);
  }
  for (const peer of ['10.0.1.1', '192.0.2.8', 'fd00:2::1', '127.0.0.1', '::ffff:10.0.1.1', '::10.0.0.1', '']) {
    assert.equal(seen(peer, '198.51.100.9', PROXIES), peer);
  }
  assert.equal(seen(undefined, '198.51.100.9', PROXIES), '');
});

test('a trusted proxy is asked, in every spelling of its address', () => {
  for (const peer of [
    PROXY,
    '10.0.0.255',
    '::ffff:10.0.0.1',
    '::FFFF:10.0.0.1',
    '192.0.2.7',
    'fd00:1::5',
    'fd00:1::5%eth0',
  ]) {
    assert.equal(seen(peer, '198.51.100.9', PROXIES), '198.51.100.9', peer);
    assert.equal(seen(peer, undefined, PROXIES), peer);
  }
});

/** Header, and whom it names to a trusted proxy. Whatever stands left of that is a caller's own claim. */
const SAID: readonly (readonly [said: string, caller: string])[] = [
  ['198.51.100.9', '198.51.100.9'],
  ['2001:db8::9', '2001:db8::9'],
  ['203.0.113.66, 198.51.100.9', '198.51.100.9'],
  ['10.0.0.9, 198.51.100.9', '198.51.100.9'],
  ['203.0.113.66, 198.51.100.9, 10.0.0.2', '198.51.100.9'],
  ['203.0.113.66,198.51.100.9,10.0.0.2,192.0.2.7,fd00:1::8', '198.51.100.9'],
  ['203.0.113.66, 198.51.100.9, ::ffff:10.0.0.2', '198.51.100.9'],
  ['garbage, unknown, 198.51.100.9', '198.51.100.9'],
  ['127.0.0.1, 198.51.100.9', '198.51.100.9'],
  ['  198.51.100.9  ', '198.51.100.9'],
  ['\t198.51.100.9\t', '198.51.100.9'],
  ['198.51.100.9:4711', '198.51.100.9'],
  ['[2001:db8::9]', '2001:db8::9'],
  ['[2001:db8::9]:4711', '2001:db8::9'],
  // All are proxies: the first is where it began, such as a health check.
  ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ['10.0.0.3', '10.0.0.3'],
];
for (const [said, caller] of SAID) {
  test(`a trusted proxy says ${JSON.stringify(said)}: ${caller}`, () =>
    assert.equal(seen(PROXY, said, PROXIES), caller));
}

test('what is no address where one must stand makes the proxy itself the caller', () => {
  for (const last of [
    ...[
      '',
      ' ',
      ',',
      'unknown',
      '_hidden',
      'localhost',
      'for=198.51.100.9',
      '"198.51.100.9"',
      '198.51.100',
      '1.2.3.4.5',
    ],
    ...[
      '0x7f.1',
      '2130706433',
      '010.0.0.1',
      '198.51.100.9:',
      '198.51.100.9:x',
      '198.51.100.9:123456',
      '198.51.100.9/24',
    ],
    ...['198.51.100.9 198.51.100.10', '198.51.100.9;', '[198.51.100.9]', '[2001:db8::9', '2001:db8::9]', '[::1]x'],
    ...['fe80::1%eth0', '[fe80::1%25]', '::1%', '198.51.100.9%', '\u0000', '１.2.3.4', '-198.51.100.9', '1e1.1.1.1'],
  ]) {
    assert.equal(seen(PROXY, last, PROXIES), PROXY, JSON.stringify(last));
    assert.equal(seen(PROXY, `198.51.100.9, ${last}`, PROXIES), PROXY, JSON.stringify(last));
    assert.equal(seen(PROXY, `198.51.100.9, ${last}, 10.0.0.2`, PROXIES), PROXY, JSON.stringify(last));
  }
});

test('a long chain costs no more than a short one, and its beginning is not reached', () => {
  const said = `198.51.100.9, ${Array(5000).fill('10.0.0.2').join(',')}`;
  assert.equal(seen(PROXY, said, PROXIES), '10.0.0.2');
});

test('networks of proxies are networks, and never everybody', () => {
  const parsed = (networks: readonly string[]) => serverConfig.safeParse({ trusted_proxies: networks });
  assert.ok(parsed(['10.0.0.0/8', '127.0.0.1', '::1', 'fd00::/8', '128.0.0.0/1']).success);
  for (const text of [
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
    'proxy.example.com',
    '',
    '10.0.0.0/',
    '::ffff:10.0.0.1',
    'fe80::1%lo',
    '10.0.0.0/00',
  ]) {
    assert.equal(parsed([text]).success, false, text);
    assert.throws(() => seen(PROXY, 'x', [text]), /is no network/, text);
  }
  // One family says nothing about the other.
  assert.equal(seen('10.0.0.1', '198.51.100.9', ['::/1']), '10.0.0.1');
  assert.equal(seen('::ffff:10.0.0.1', '198.51.100.9', ['::/1']), '::ffff:10.0.0.1');
  assert.equal(seen('::1', '198.51.100.9', ['0.0.0.0/1']), '::1');
});

/** A server that answers whom it takes for the caller, by which name and protocol. */
async function serve(t: TestContext, options: Partial<ServerOptions>): Promise<number> {
  const app: FastifyInstance = createServer({ hosts: [], requestMs: 30_000, ...options });
  app.get('/api/whom', (request, reply) => {
    void reply.send([request.ip, request.protocol, request.host, request.hostname].join(' '));
  });
  t.after(() => app.close());
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

async function whom(port: number, lines: string): Promise<string> {
  const said = await speak(port, `GET /api/whom HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${lines}\r\n`);
  return said.slice(said.indexOf('\r\n\r\n') + 4);
}

/** Lines by which callers try to be somebody else; whatever they hold beside `X-Forwarded-For` means nothing. */
const LINES: readonly (readonly [lines: string, believed: string])[] = [
  ['x-forwarded-for: 203.0.113.9\r\n', '203.0.113.9'],
  ['X-FORWARDED-FOR: 203.0.113.9\r\n', '203.0.113.9'],
  ['x-forwarded-for: 203.0.113.66\r\nx-forwarded-for: 203.0.113.9\r\n', '203.0.113.9'],
  ['x-forwarded-for: 203.0.113.9\r\nX-Forwarded-For: 127.0.0.1\r\n', '203.0.113.9'],
  ['x-forwarded-for: 203.0.113.9\r\nx-forwarded-for:\r\n', '127.0.0.1'],
  ['x_forwarded_for: 203.0.113.9\r\n', '127.0.0.1'],
  ['x-forwarded_for: 203.0.113.9\r\nX_Forwarded-For: 203.0.113.9\r\n', '127.0.0.1'],
  ['x-forwarded-for: 203.0.113.9\r\nx_forwarded_for: 203.0.113.66\r\n', '203.0.113.9'],
  ['forwarded: for=203.0.113.9;proto=https;host=evil.example\r\n', '127.0.0.1'],
  ['x-real-ip: 203.0.113.9\r\nx-client-ip: 203.0.113.9\r\ntrue-client-ip: 203.0.113.9\r\n', '127.0.0.1'],
  ['cf-connecting-ip: 203.0.113.9\r\nclient-ip: 203.0.113.9\r\nx-original-forwarded-for: 203.0.113.9\r\n', '127.0.0.1'],
  ['x-forwarded-for: 203.0.113.9\r\nforwarded: for=203.0.113.66\r\nx-real-ip: 203.0.113.66\r\n', '203.0.113.9'],
];

for (const [title, workers] of [
  ['', false],
  [' through a relay worker', true],
] as const) {
  const skip = workers && process.platform === 'win32' ? 'workers reach the ledger by a socket in a folder' : false;
  /** The port that callers know. */
  const open = async (t: TestContext, trustedProxies: readonly string[]): Promise<number> => {
    if (!workers) return serve(t, { trustedProxies });
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-proxies-'));
    const socket = join(folder, 'ledger.sock');
    const ledger = createServer({ hosts: [], requestMs: 30_000, behindWorkers: true });
    ledger.get('/api/whom', (request, reply) => {
      void reply.send([request.ip, request.protocol, request.host, request.hostname].join(' '));
    });
    const worker = createServer({ hosts: [], requestMs: 30_000, trustedProxies });
    passOn(worker, socket);
    t.after(async () => {
      await worker.close();
      ledger.server.closeAllConnections();
      await ledger.close();
      rmSync(folder, { recursive: true, force: true });
    });
    await ledger.listen({ path: socket });
    await worker.listen({ host: '127.0.0.1', port: 0 });
    return (worker.server.address() as AddressInfo).port;
  };

  test(`P8: no header moves a caller that comes by no trusted proxy${title}`, { skip }, async (t) => {
    for (const trusted of [[], ['10.0.0.0/8', '127.0.0.2']]) {
      const port = await open(t, trusted);
      for (const [lines] of LINES) assert.equal(await whom(port, lines), '127.0.0.1 http localhost localhost', lines);
    }
  });

  test(`what a trusted proxy says is believed, and of nothing but the address${title}`, { skip }, async (t) => {
    const port = await open(t, ['127.0.0.1']);
    for (const [lines, believed] of LINES) {
      const more =
        'x-forwarded-proto: https\r\nx-forwarded-host: evil.example\r\nx-forwarded-port: 1\r\nx-forwarded-ssl: on\r\n';
      for (const claims of [lines, lines + more, more + lines]) {
        assert.equal(await whom(port, claims), `${believed} http localhost localhost`, claims);
      }
    }
  });
}

test('the configured name of the gateway is one of its names, and its port does not matter', async (t) => {
  const listen = serverConfig.parse({ url: 'https://Gate.example.com:8443', trusted_proxies: ['127.0.0.1'] });
  const port = await serve(t, serverOptions(listen));
  const status = async (host: string) =>
    (await speak(port, `GET /api/whom HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)).slice(9, 12);
  assert.deepEqual(
    [await status('gate.example.com'), await status('gate.example.com:8443'), await status('evil.example.com')],
    ['200', '200', '421'],
  );
  for (const url of [
    'https://gate.example.com',
    'https://gate.example.com/',
    'http://localhost:8787',
    'http://127.0.0.1',
    'http://[::1]:1',
  ]) {
    assert.equal(serverConfig.safeParse({ url }).success, true, url);
  }
  for (const url of [
    ...['http://gate.example.com', 'gate.example.com', 'https://gate.example.com/path', 'https://me@gate.example.com'],
    ...[
      'https://gate.example.com?x',
      'https://gate.example.com#x',
      'https://',
      'ftp://localhost',
      'http://localhost.evil.example',
    ],
    ...[
      'https:\\\\gate.example.com',
      'https://gate example.com',
      'https://gate.\nexample.com',
      'http://127.0.0.1.evil.example',
    ],
  ]) {
    assert.equal(serverConfig.safeParse({ url }).success, false, url);
  }
});
