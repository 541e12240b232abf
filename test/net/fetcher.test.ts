/** The fetcher for addresses that an outsider can name: what it sends, what it takes, and where it stops. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FetchFailure } from '../../src/net/failure.ts';
import { safeFetcher } from '../../src/net/fetcher.ts';
import { issue } from './certificates.ts';
import { at, CA, failure, fetcher, outside, outsideRaw } from './outside.ts';

test('an answer comes whole, with its status and headers, over a connection of its own each time', async (t) => {
  const bodies: string[] = [];
  const server = await outside(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    response.writeHead(201, [
      ...['Content-Type', 'application/json', 'X-Two', '1', 'x-two', '2'],
      ...['Cache-Control', 'max-age=60', 'set-cookie', 'a=1'],
    ]);
    response.end(JSON.stringify(request.headers));
  });
  const outbound = fetcher(t);
  const url = `https://idp.example.com:${server.port}/token?a=b%20c#fragment`;
  const answer = await outbound.fetch({
    url,
    method: 'POST',
    headers: {
      ...{ 'content-type': 'text/plain', authorization: 'Basic eA==', host: 'other.example.com' },
      ...{ connection: 'keep-alive', 'transfer-encoding': 'chunked', 'accept-encoding': 'gzip' },
    },
    body: 'grant',
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(
    ['content-type', 'x-two', 'cache-control'].map((name) => answer.headers[name]),
    ['application/json', '1, 2', 'max-age=60'],
  );
  assert.deepEqual(JSON.parse(Buffer.from(answer.body).toString()), {
    ...{ host: `idp.example.com:${server.port}`, connection: 'close', 'user-agent': 'gatehouse' },
    ...{
      'content-type': 'text/plain',
      authorization: 'Basic eA==',
      'accept-encoding': 'identity',
      'content-length': '5',
    },
  });
  // No cookie comes back, and nothing is kept open.
  const second = await outbound.fetch({ url });
  assert.equal(JSON.parse(Buffer.from(second.body).toString()).cookie, undefined);
  assert.deepEqual(
    [server.seen, bodies],
    [
      ['POST /token?a=b%20c', 'GET /token?a=b%20c'],
      ['grant', ''],
    ],
  );
  assert.equal(server.connections(), 2);
});

test('a redirect is an answer and is not followed', async (t) => {
  const server = await outside(t, (_request, response) => {
    response.writeHead(302, { location: '/elsewhere' }).end('moved');
  });
  const answer = await fetcher(t).fetch({ url: `https://idp.example.com:${server.port}/` });
  assert.deepEqual(
    [answer.status, answer.headers.location, Buffer.from(answer.body).toString()],
    [302, '/elsewhere', 'moved'],
  );
  assert.deepEqual(server.seen, ['GET /']);
});

test('no proxy of the environment is asked', async (t) => {
  const proxy = await outside(t, (_request, response) => response.end('proxy'), null);
  const server = await outside(t, (_request, response) => response.end('server'));
  const names = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'];
  const before = names.map((name) => process.env[name]);
  t.after(() =>
    names.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }),
  );
  for (const name of names) process.env[name] = name.startsWith('NODE') ? '1' : `http://127.0.0.1:${proxy.port}`;
  const answer = await fetcher(t).fetch({ url: `https://idp.example.com:${server.port}/` });
  assert.deepEqual([Buffer.from(answer.body).toString(), proxy.connections()], ['server', 0]);
});

test('http is refused before anything is looked up, but for the places that the operator names', async (t) => {
  const server = await outside(t, (_request, response) => response.end('plain'), null);
  const names: string[] = [];
  const lookUp = async (name: string) => {
    names.push(name);
    return at('127.0.0.1');
  };
  const outbound = fetcher(t, { lookUp, plain: [`Local.example.com:${server.port}`] });
  for (const url of [
    `http://idp.example.com:${server.port}/`,
    `http://local.example.com:${server.port + 1}/`,
    'http://local.example.com/',
    `ftp://local.example.com:${server.port}/`,
    ...[
      'file:///etc/passwd',
      'data:text/plain,x',
      'javascript:1',
      'ws://idp.example.com/',
      'unix:/var/run/docker.sock',
    ],
  ]) {
    assert.match(await failure(outbound.fetch({ url })), /^refused_scheme: .*https$/, url);
  }
  assert.deepEqual([names, server.connections()], [[], 0]);
  const answer = await outbound.fetch({ url: `http://LOCAL.example.com:${server.port}/` });
  assert.equal(Buffer.from(answer.body).toString(), 'plain');
  // Named as reachable in the clear, it still has to lie where something may be reached.
  const closed = fetcher(t, { allow: [], lookUp, plain: [`local.example.com:${server.port}`] });
  assert.match(await failure(closed.fetch({ url: `http://local.example.com:${server.port}/` })), /^refused_address: /);
  assert.equal(server.connections(), 1);
});

test('what is no address, or holds a user, is refused; the message holds the host and nothing else of it', async (t) => {
  const outbound = fetcher(t, { lookUp: () => Promise.reject(new Error('it was looked up')) });
  for (const url of [
    '',
    'idp.example.com',
    '/path',
    'https://',
    'https://[::1',
    'https://a b/',
    `https://a/${'x'.repeat(9000)}`,
  ]) {
    assert.match(await failure(outbound.fetch({ url })), /^refused_address: what should be fetched is no valid/, url);
  }
  for (const user of ['me:hunter2@', 'me@', ':hunter2@', 'idp.example.com@']) {
    const said = await failure(outbound.fetch({ url: `https://${user}evil.example.com/secret?token=1` }));
    assert.match(said, /^refused_address: the address at evil\.example\.com must not hold a user or password$/, user);
  }
});

test('a certificate for another name, of another authority, or over is a failure of TLS, and nothing is sent', async (t) => {
  const stranger = issue({ name: 'idp.example.com' });
  const over = issue({ name: 'idp.example.com', by: CA, until: Date.now() - 1000, from: Date.now() - 86_400_000 });
  const insecure = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  t.after(() => {
    if (insecure === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = insecure;
  });
  for (const switched of [false, true]) {
    if (switched) process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    for (const [identity, host, code] of [
      [issue({ name: 'other.example.com', by: CA }), 'idp.example.com', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [issue({ name: 'idp.example.com', by: CA }), '127.0.0.1', 'ERR_TLS_CERT_ALTNAME_INVALID'],
      [stranger, 'idp.example.com', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [over, 'idp.example.com', 'CERT_HAS_EXPIRED'],
    ] as const) {
      const server = await outside(t, (_request, response) => response.end('ok'), identity);
      const said = await failure(fetcher(t).fetch({ url: `https://${host}:${server.port}/` }));
      assert.equal(said, `tls: ${host} offers no TLS that is accepted: ${code}`);
      assert.deepEqual(server.seen, []);
    }
  }
  const plain = await outside(t, (_request, response) => response.end('ok'), null);
  assert.match(await failure(fetcher(t).fetch({ url: `https://idp.example.com:${plain.port}/` })), /^tls: /);
  // The authorities of the operator come beside the well-known ones, and only where they are given.
  const server = await outside(t, (_request, response) => response.end('ok'));
  const without = safeFetcher({ allow: ['127.0.0.1'], plain: [], lookUp: async () => at('127.0.0.1') });
  t.after(() => without.close());
  assert.match(await failure(without.fetch({ url: `https://idp.example.com:${server.port}/` })), /^tls: /);
});

test('the certificate of an address is for that address', async (t) => {
  const server = await outside(t, (_request, response) => response.end('ok'), issue({ name: '127.0.0.1', by: CA }));
  assert.equal((await fetcher(t).fetch({ url: `https://127.0.0.1:${server.port}/` })).status, 200);
});

test('an answer may be as long as was said, declared or not', async (t) => {
  let sent = 0;
  const server = await outside(t, (request, response) => {
    const body = 'x'.repeat(Number(request.url?.slice(2)));
    if (request.url?.startsWith('/d')) return void response.writeHead(200, { 'content-length': body.length }).end(body);
    if (request.url?.startsWith('/c')) return void response.end(body);
    // Without end: it is left as soon as it is too long.
    const more = (): void => {
      if (!response.destroyed) response.write('x'.repeat(1000), () => setImmediate(more));
      sent++;
    };
    more();
  });
  const outbound = fetcher(t);
  const ask = (path: string) =>
    outbound.fetch({ url: `https://idp.example.com:${server.port}${path}`, maxBytes: 1000 });
  for (const kind of ['d', 'c']) {
    assert.equal((await ask(`/${kind}1000`)).body.byteLength, 1000);
    assert.equal(await failure(ask(`/${kind}1001`)), 'too_large: idp.example.com answered with more than 1000 bytes');
  }
  assert.match(await failure(ask('/e')), /^too_large: /);
  assert.ok(sent < 1000);
  const large = outbound.fetch({ url: `https://idp.example.com:${server.port}/c1048577` });
  assert.equal(await failure(large), 'too_large: idp.example.com answered with more than 1048576 bytes');
});

test('more than 32 KiB of headers are too large', async (t) => {
  const server = await outside(t, (_request, response) => {
    response.writeHead(200, { 'x-much': 'x'.repeat(33 * 1024) }).end('ok');
  });
  const said = await failure(fetcher(t).fetch({ url: `https://idp.example.com:${server.port}/` }));
  assert.equal(said, 'too_large: idp.example.com answered with too many headers');
});

test('a compressed answer is broken: it was not asked for, and unfolds to any size', async (t) => {
  const encodings = ['gzip', 'br', 'deflate', 'zstd', 'identity, gzip', 'GZIP', 'x'];
  const server = await outside(t, (request, response) => {
    const encoding = decodeURIComponent(request.url?.slice(1) ?? '');
    response.writeHead(200, { 'content-encoding': encoding }).end(gzipSync(Buffer.alloc(1_000_000)));
  });
  const outbound = fetcher(t);
  for (const encoding of encodings) {
    const url = `https://idp.example.com:${server.port}/${encodeURIComponent(encoding)}`;
    assert.match(await failure(outbound.fetch({ url })), /^broken: idp\.example\.com compressed its answer/, encoding);
  }
  assert.equal((await outbound.fetch({ url: `https://idp.example.com:${server.port}/Identity` })).status, 200);
});

/** Servers that take their time: at each step from the lookup to the last byte. */
const SLOW: readonly (readonly [title: string, serve: (write: (text: string) => void) => void])[] = [
  ['an answer that never begins', () => undefined],
  ['headers that drip', (write) => write('HTTP/1.1 200 OK\r\nx-a: b\r\nx-drip: ')],
  ['interim answers for ever', (write) => write('HTTP/1.1 103 Early Hints\r\n\r\n')],
  ['a body that drips', (write) => write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')],
  ['chunks that drip', (write) => write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')],
];
for (const [title, serve] of SLOW) {
  test(`the time is for the whole: ${title}`, async (t) => {
    const server = await outsideRaw(t, (socket) => {
      serve((text) => socket.write(text));
      const drop = title.startsWith('interim')
        ? 'HTTP/1.1 103 Early Hints\r\n\r\n'
        : title.startsWith('chunks')
          ? '1\r\nx\r\n'
          : 'x';
      const dripping = setInterval(() => title.includes('never') || socket.write(drop), 20);
      socket.once('close', () => clearInterval(dripping));
    });
    const outbound = fetcher(t, { plain: [`idp.example.com:${server.port}`] });
    const said = await failure(outbound.fetch({ url: `http://idp.example.com:${server.port}/`, timeoutMs: 300 }));
    assert.equal(said, 'too_slow: idp.example.com did not answer within 300 ms');
  });
}

test('the time is for the whole: a lookup and a handshake that never end', async (t) => {
  const silent = await outsideRaw(t, () => undefined);
  const said = failure(fetcher(t).fetch({ url: `https://idp.example.com:${silent.port}/`, timeoutMs: 200 }));
  assert.equal(await said, 'too_slow: idp.example.com did not answer within 200 ms');
  const lookUp = () => new Promise<never>(() => undefined);
  const outbound = fetcher(t, { lookUp });
  const waiting = setInterval(() => undefined, 1000);
  t.after(() => clearInterval(waiting));
  assert.match(await failure(outbound.fetch({ url: 'https://idp.example.com/', timeoutMs: 200 })), /^too_slow: /);
});

test('what is no HTTP, or ends before its end, is broken', async (t) => {
  for (const bytes of [
    'SSH-2.0-OpenSSH_9.6\r\n',
    '-ERR unknown command\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab',
    'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    '',
  ]) {
    const server = await outsideRaw(t, (socket) => socket.end(bytes));
    const outbound = fetcher(t, { plain: [`idp.example.com:${server.port}`] });
    const said = await failure(outbound.fetch({ url: `http://idp.example.com:${server.port}/` }));
    assert.equal(said, 'broken: idp.example.com did not give a whole answer in HTTP', JSON.stringify(bytes));
  }
});

test('a name without address and a place where nobody listens have failures of their own', async (t) => {
  const gone = await outsideRaw(t, () => undefined);
  const nowhere = fetcher(t, { lookUp: async () => [] });
  const failing = fetcher(t, { lookUp: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })) });
  for (const outbound of [nowhere, failing]) {
    const said = await failure(outbound.fetch({ url: 'https://idp.example.com/' }));
    assert.equal(said, 'unresolved: the name idp.example.com has no address');
  }
  // The resolver of the system; this name never has an address (RFC 6761).
  const system = safeFetcher({ allow: [], plain: [] });
  t.after(() => system.close());
  assert.match(await failure(system.fetch({ url: 'https://idp.invalid/' })), /^unresolved: /);
  const refused = fetcher(t, { lookUp: async () => at('127.0.0.2'), allow: ['127.0.0.2'] });
  const said = await failure(refused.fetch({ url: `https://idp.example.com:${gone.port}/` }));
  assert.equal(said, 'unreachable: idp.example.com cannot be reached: ECONNREFUSED');
});

test('closing breaks off what is under way, and nothing is fetched afterwards', async (t) => {
  const reached = Promise.withResolvers<void>();
  const server = await outside(t, () => reached.resolve());
  const outbound = fetcher(t);
  const url = `https://idp.example.com:${server.port}/`;
  const said = failure(outbound.fetch({ url }));
  await reached.promise;
  await outbound.close();
  assert.equal(await said, 'unreachable: idp.example.com was not asked: Gatehouse is ending');
  assert.match(await failure(outbound.fetch({ url })), /^unreachable: /);
  assert.equal(server.connections(), 1);
});

test('options that cannot be used are errors at the start', () => {
  const wrong = (options: object) => () => safeFetcher({ allow: [], plain: [], ...options });
  assert.throws(wrong({ allow: ['10.0.0.0/99'] }), /"10\.0\.0\.0\/99" is no network/);
  assert.throws(wrong({ ca: '/etc/ssl/ca.pem' }), /hold no certificate/);
  assert.throws(wrong({ ca: CA.certificate.replace(/MII../, 'AAAAA') }), /certificate 1 .* cannot be read/);
});

test('a failure carries its host', async (t) => {
  const error = await fetcher(t, { lookUp: async () => [] })
    .fetch({ url: 'https://idp.example.com:8443/a?b' })
    .catch((reason) => reason);
  assert.ok(error instanceof FetchFailure);
  assert.deepEqual([error.host, error.reason], ['idp.example.com', 'unresolved']);
});
