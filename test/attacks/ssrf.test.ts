/** Addresses that an outsider chose, to reach what only this machine or this network can: the fetcher connects to none of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { safeFetcher } from '../../src/net/fetcher.ts';
import { issue } from '../net/certificates.ts';
import { at, CA, failure, fetcher, outside } from '../net/outside.ts';

/** Spellings of this machine and of what clouds keep, as they are known from attacks on parsers of addresses. */
const SPELLINGS: readonly string[] = [
  ...['127.0.0.1', '127.0.0.1.', '127.1', '127.0.1', '127.127.127.127', '0', '0.0.0.0', '00000', '0x0'],
  ...['2130706433', '017700000001', '0x7f000001', '0x7f.0x0.0x0.0x1', '0177.0.0.1', '0x7f.1', '127.0x1', '0177.1'],
  ...['00000177.0.0.1', '0x0000007f.0.0.1', '127.0.0.0x1', '127.00000000000000001', '0X7F.0X0.0X0.0X1'],
  ...['%31%32%37.0.0.1', '127%2e0%2e0%2e1', '１２７.０.０.１', '127。0。0。1', '127｡0｡0｡1', '①②⑦.0.0.1', '𝟭𝟮𝟳.𝟬.𝟬.𝟭'],
  ...['10.0.0.1', '10.1', '0xa.1', '167772161', '172.16.0.1', '192.168.1.1', '3232235777', '100.64.0.1'],
  ...['169.254.169.254', '2852039166', '0xa9fea9fe', '0xa9.0xfe.0xa9.0xfe', '0251.0376.0251.0376', '169.254.43518'],
  ...['025177524776', '169.16689662', '100.100.100.200', '168.63.129.16', '255.255.255.255', '224.0.0.1'],
  ...['[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::127.0.0.1]', '[::7f00:1]', '[::ffff:127.0.0.1]'],
  ...[
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::FFFF:127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
    '[::ffff:10.0.0.1]',
  ],
  ...['[::ffff:169.254.169.254]', '[64:ff9b::127.0.0.1]', '[64:ff9b::a9fe:a9fe]', '[64:ff9b:1::7f00:1]'],
  ...['[2002:7f00:1::]', '[2002:a9fe:a9fe::]', '[2001:0:7f00:1::]', '[fe80::1]', '[fc00::1]', '[fd00:ec2::254]'],
  ...['[fec0::1]', '[ff02::1]', '[2001:db8::1]', '[100::1]', '[%3a:1]'],
];
for (const [scheme, plain] of [
  ['https', []],
  ['http', SPELLINGS],
] as const) {
  test(`${scheme}: an address in any spelling is refused, and nothing is looked up`, async (t) => {
    const named = plain
      .filter((host) => URL.canParse(`http://${host}`))
      .map((host) => `${new URL(`http://${host}`).hostname}:80`);
    const outbound = safeFetcher({
      allow: [],
      plain: named,
      lookUp: (name) => Promise.reject(new Error(`${name} was looked up`)),
    });
    t.after(() => outbound.close());
    for (const spelling of SPELLINGS) {
      for (const rest of [
        '/',
        ':443/',
        '/latest/meta-data?x=1',
        '#@example.com/',
        '?@example.com/',
        '\\@example.com/',
      ]) {
        const said = await failure(outbound.fetch({ url: `${scheme}://${spelling}${rest}` }));
        if (rest === ':443/' && scheme === 'http') assert.match(said, /^refused_(?:address|scheme): /, spelling);
        else assert.match(said, /^refused_address: /, `${spelling}${rest}`);
      }
    }
  });
}

test('a name is as closed as its address, whatever the name', async (t) => {
  for (const address of [
    '127.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '::1',
    '::ffff:127.0.0.1',
    'fd00::1',
    'fe80::1%lo',
    '',
  ]) {
    const outbound = safeFetcher({ allow: [], plain: ['idp.example.com:80'], lookUp: async () => at(address) });
    t.after(() => outbound.close());
    for (const url of [
      'https://idp.example.com/',
      'http://idp.example.com/',
      'https://xn--lcalhost-d1a.example.com./',
    ]) {
      assert.match(await failure(outbound.fetch({ url })), /^refused_address: [\w.-]+ lies in a network/, address);
    }
  }
  // The resolver of this machine knows these without asking anybody.
  const system = safeFetcher({ allow: [], plain: [] });
  t.after(() => system.close());
  for (const url of ['https://localhost/', 'https://LOCALHOST/', 'https://ＬＯＣＡＬＨＯＳＴ/']) {
    assert.match(await failure(system.fetch({ url })), /^refused_address: /, url);
  }
});

test('of several addresses only the open ones are connected to', async (t) => {
  const server = await outside(t, (_request, response) => response.end('ok'));
  const url = `https://idp.example.com:${server.port}/`;
  const mixed = async () => at('127.0.0.1', '::1', '127.0.0.3', '10.0.0.1', '127.0.0.2');
  // The server listens on 127.0.0.1 alone, which is closed here; the open one has nobody listening.
  const open = fetcher(t, { allow: ['127.0.0.2', '127.0.0.3'], lookUp: mixed });
  assert.equal(await failure(open.fetch({ url })), 'unreachable: idp.example.com cannot be reached: ECONNREFUSED');
  assert.equal(server.connections(), 0);
  assert.equal((await fetcher(t, { lookUp: mixed }).fetch({ url })).status, 200);
});

test('rebinding: a name is looked up once a request, and what was checked is what is spoken to', async (t) => {
  const inside = await outside(t, (_request, response) => response.end('inside'));
  // Open first, this machine ever after; the open one stands for a public address.
  const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1', '127.0.0.1'];
  let asked = 0;
  const lookUp = async () => at(answers[asked++] ?? '127.0.0.1');
  const outbound = fetcher(t, { allow: ['127.0.0.2'], lookUp });
  const url = `https://idp.example.com:${inside.port}/`;
  assert.match(await failure(outbound.fetch({ url })), /^unreachable: /);
  assert.deepEqual([asked, inside.connections()], [1, 0]);
  // The next request asks anew, and is refused: no earlier answer opens anything.
  assert.match(await failure(outbound.fetch({ url })), /^refused_address: /);
  assert.deepEqual([asked, inside.connections()], [2, 0]);
});

test('rebinding: a connection that was opened for an open address serves no later request', async (t) => {
  const server = await outside(t, (_request, response) => response.end('ok'));
  const answers = ['127.0.0.1', '10.0.0.1'];
  const outbound = fetcher(t, { lookUp: async () => at(answers.shift() ?? '') });
  const url = `https://idp.example.com:${server.port}/`;
  assert.equal((await outbound.fetch({ url })).status, 200);
  assert.match(await failure(outbound.fetch({ url })), /^refused_address: /);
  assert.equal(server.connections(), 1);
});

test('a redirect to what is closed leads nowhere', async (t) => {
  const inside = await outside(t, (_request, response) => response.end('secret'), null);
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await outside(t, (_request, response) => {
      response
        .writeHead(status, { location: `http://127.0.0.1:${inside.port}/`, refresh: '0; url=http://127.0.0.1/' })
        .end();
    });
    const outbound = fetcher(t, { plain: [`127.0.0.1:${inside.port}`] });
    const answer = await outbound.fetch({ url: `https://idp.example.com:${server.port}/` });
    assert.deepEqual([answer.status, answer.body.byteLength], [status, 0]);
  }
  assert.equal(inside.connections(), 0);
});

test('the name that is checked is the name that is spoken to: no header changes it', async (t) => {
  const server = await outside(
    t,
    (request, response) => response.end(request.headers.host),
    issue({ name: 'other.example.com', by: CA }),
  );
  const outbound = fetcher(t);
  const url = `https://idp.example.com:${server.port}/`;
  // With its certificate checked against another name, anybody with any certificate could stand in for the provider.
  for (const name of ['host', 'Host', 'HOST']) {
    assert.match(
      await failure(outbound.fetch({ url, headers: { [name]: 'other.example.com' } })),
      /ERR_TLS_CERT_ALTNAME_INVALID$/,
    );
  }
  assert.deepEqual(server.seen, []);
});

test('no header or path of a request becomes a second request', async (t) => {
  const server = await outside(t, (request, response) => response.end(request.url), null);
  const outbound = fetcher(t, { plain: [`idp.example.com:${server.port}`] });
  const base = `http://idp.example.com:${server.port}`;
  const injected = 'x HTTP/1.1\r\nhost: a\r\n\r\nGET /second';
  const answer = await outbound.fetch({ url: `${base}/${injected}` });
  assert.equal(Buffer.from(answer.body).toString().includes('\r'), false);
  assert.match(await failure(outbound.fetch({ url: base, headers: { 'x-a': injected } })), /^broken: /);
  assert.match(await failure(outbound.fetch({ url: base, headers: { 'x-a: b\r\nx-c': 'd' } })), /^broken: /);
  assert.equal(server.seen.length, 1);
});
