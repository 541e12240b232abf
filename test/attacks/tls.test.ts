/** TLS of our own: what is spoken, what a handshake needs, and that renewed certificates disturb nobody. */
import assert from 'node:assert/strict';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { messagesDoor } from '../../src/doors/messages/door.ts';
import { createServer, type ServerOptions } from '../../src/doors/server.ts';
import type { ClientCertificates, TlsMaterial } from '../../src/doors/tls.ts';
import { renewTls } from '../../src/doors/tls-server.ts';
import type { Envelope } from '../../src/steps/exchange.ts';
import { type Identity, issue } from '../net/certificates.ts';
import { until } from '../support/gateway.ts';
import { speak } from '../support/speak.ts';

const CA = issue({ name: 'authority', authority: true });
const FIRST = issue({ name: 'localhost', by: CA });
const SECOND = issue({ name: 'localhost', by: CA });

function material(own: Identity, clients: ClientCertificates = 'none', clientCa: Identity | null = null): TlsMaterial {
  return { certificate: own.certificate, key: own.key, clientCa: clientCa?.certificate ?? null, clients };
}

interface Served {
  readonly app: FastifyInstance;
  readonly port: number;
  /** Calls that were not answered yet. */
  readonly calls: Envelope[];
}

async function serve(t: TestContext, options: Partial<ServerOptions> = {}): Promise<Served> {
  const app = createServer({ hosts: [], requestMs: 30_000, hsts: true, tls: material(FIRST), ...options });
  const calls: Envelope[] = [];
  app.get('/api/ok', (_request, reply) => void reply.send('ok'));
  app.get('/api/who', (request, reply) => {
    const socket = request.raw.socket as TLSSocket;
    void reply.send(`${socket.authorized} ${socket.getPeerCertificate().subject?.CN ?? 'nobody'}`);
  });
  await messagesDoor(app, async (envelope) => void calls.push(envelope));
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => end(app));
  return { app, port: (app.server.address() as AddressInfo).port, calls };
}

async function end(app: FastifyInstance): Promise<void> {
  const closing = app.close();
  app.server.closeAllConnections();
  await closing;
}

interface Caller {
  readonly socket: TLSSocket;
  said: string;
  /** Of the certificate that was shown to it. */
  serial: string;
  readonly ended: Promise<void>;
}

/** Shakes hands. Rejects where it comes to none. */
async function shake(t: TestContext, port: number, options: ConnectionOptions = {}): Promise<Caller> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: CA.certificate, ...options });
  t.after(() => socket.destroy());
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const caller = { socket, said: '', serial: '', ended };
  socket.on('data', (piece) => {
    caller.said += piece.toString('latin1');
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed')));
  });
  socket.on('error', () => undefined);
  // Node's client gives it away once.
  caller.serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
  return caller;
}

/** Says these bytes over a connection of its own; what came back until it was closed. */
async function ask(t: TestContext, port: number, bytes: string, options: ConnectionOptions = {}): Promise<string> {
  const caller = await shake(t, port, options);
  caller.socket.write(bytes);
  await caller.ended;
  return caller.said;
}

const head = (path: string, more = ''): string =>
  `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${more}\r\n`;
const OK = head('/api/ok');

test('HTTP/1.1 is spoken over TLS 1.2 and 1.3, and nothing else', async (t) => {
  const { port } = await serve(t);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const caller = await shake(t, port, {
      minVersion: version,
      maxVersion: version,
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    assert.deepEqual([caller.socket.getProtocol(), caller.socket.alpnProtocol], [version, 'http/1.1']);
    caller.socket.write(OK);
    await caller.ended;
    assert.match(caller.said, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nok$/);
  }
  // Old ciphers are permitted to the client, so that it is the server that refuses.
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await assert.rejects(shake(t, port, old), /protocol version/i);
  for (const ciphers of ['NULL', 'RC4', 'DES-CBC3-SHA', 'EXPORT', 'aNULL', 'CAMELLIA128-SHA']) {
    const options = { maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` } as const;
    await assert.rejects(async () => shake(t, port, options), ciphers);
  }
  await assert.rejects(shake(t, port, { ALPNProtocols: ['h2'] }), /no application protocol/i);
});

test('who speaks plain HTTP to it, or nonsense, is cut off without an answer, and others are served', async (t) => {
  const { port } = await serve(t);
  for (const bytes of [OK, '\x16\x03\x01\x00\x05nonsense', '\0'.repeat(1000), 'SSH-2.0-x\r\n']) {
    assert.doesNotMatch(await speak(port, bytes), /HTTP|{/);
  }
  assert.match(await ask(t, port, OK), /^HTTP\/1\.1 200/);
});

/** Requests, and what is answered first. */
const ANSWERS: readonly (readonly [bytes: string, status: number])[] = [
  [OK, 200],
  [head('/api/none'), 404],
  [head('/%'), 400],
  [OK.replace('host: localhost', 'host: evil.example'), 421],
  [OK.replace('HTTP/1.1', 'HTTP/0.9'), 400],
  ['GET /api/ok HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
  ['nonsense\r\n\r\n', 400],
  [head('/api/ok', `x-much: ${'x'.repeat(40_000)}\r\n`), 431],
  ['HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 200],
];
const STRICT = /\r\nstrict-transport-security: max-age=31536000\r\n/gi;

test('every answer says that callers come by https alone, once', async (t) => {
  const { port } = await serve(t);
  for (const [bytes, status] of ANSWERS) {
    const said = await ask(t, port, bytes);
    assert.equal(said.slice(9, 12), String(status), bytes.slice(0, 80));
    assert.equal(said.match(STRICT)?.length, 1, said);
  }
});

test('it is said behind a proxy that does TLS, and nowhere else', async (t) => {
  const behind = await serve(t, { tls: null });
  const plain = await serve(t, { tls: null, hsts: false });
  for (const [bytes] of ANSWERS) {
    assert.equal((await speak(behind.port, bytes)).match(STRICT)?.length, 1, bytes.slice(0, 80));
    assert.doesNotMatch(await speak(plain.port, bytes), STRICT);
  }
});

test('P4: it is added to what a provider answers, whose headers keep their order, and stands for the one of its own host', async (t) => {
  const { port, calls } = await serve(t);
  const said = ask(t, port, head('/v1/models'));
  await until(() => calls.length === 1);
  const provider = [
    'X-Two',
    '1',
    'strict-transport-security',
    'max-age=1; includeSubDomains',
    'X-One',
    'a',
    'x-two',
    '2',
  ];
  calls[0]?.reply.start(200, [...provider, 'Content-Length', '2']);
  calls[0]?.reply.write(Buffer.from('ok'));
  calls[0]?.reply.end();
  const lines = (await said).split('\r\n');
  assert.deepEqual(lines.slice(1, 6), [
    ...['X-Two: 1', 'X-One: a', 'x-two: 2', 'Content-Length: 2'],
    'Strict-Transport-Security: max-age=31536000',
  ]);
});

test('renewed certificates are for new handshakes; calls that run go on over the old', async (t) => {
  const { app, port, calls } = await serve(t);
  const before = await shake(t, port);
  const session = await new Promise<Buffer>((resolve) => before.socket.once('session', resolve));
  assert.equal((await shake(t, port, { session })).socket.isSessionReused(), true);
  before.socket.write('GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => calls.length === 1);
  calls[0]?.reply.start(200, ['content-type', 'text/event-stream']);
  calls[0]?.reply.write(Buffer.from('one'));
  await until(() => before.said.endsWith('one\r\n'));
  renewTls(app, material(SECOND));
  const after = await shake(t, port);
  assert.notEqual(after.serial, before.serial);
  assert.match(await ask(t, port, OK), /^HTTP\/1\.1 200/);
  calls[0]?.reply.write(Buffer.from('two'));
  calls[0]?.reply.end();
  await until(() => before.said.endsWith('two\r\n0\r\n\r\n'));
  // On the same connection, and by a session of before: that is not taken up, or the old certificate would live on in it.
  before.socket.write(OK);
  await before.ended;
  assert.match(before.said, /ok$/);
  const resumed = await shake(t, port, { session });
  assert.deepEqual([resumed.socket.isSessionReused(), resumed.serial], [false, after.serial]);
});

const CLIENTS = issue({ name: 'clients', authority: true });
const known = issue({ name: 'laptop-7', by: CLIENTS });
const shown = ({ certificate: cert, key }: Identity): ConnectionOptions => ({ cert, key });
/** Certificates that are none of ours. */
const STRANGERS: readonly (readonly [title: string, identity: Identity])[] = [
  ['made by itself', issue({ name: 'laptop-7' })],
  ['of the authority of our own certificate', issue({ name: 'laptop-7', by: CA })],
  [
    'of another authority of the same name',
    issue({ name: 'laptop-7', by: issue({ name: 'clients', authority: true }) }),
  ],
  ['that is over', issue({ name: 'laptop-7', by: CLIENTS, from: Date.now() - 9e8, until: Date.now() - 1000 })],
  ['by somebody who is no authority', issue({ name: 'laptop-7', by: known })],
];

test('P8: where callers must show a certificate, nothing is answered without a valid one', async (t) => {
  const { port } = await serve(t, { tls: material(FIRST, 'require', CLIENTS) });
  assert.match(await ask(t, port, head('/api/who'), shown(known)), /\r\n\r\ntrue laptop-7$/);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    // In TLS 1.3 a client is done before the server has looked at its certificate: it learns of it by the connection's end.
    const refused = async (options: ConnectionOptions): Promise<string> =>
      ask(t, port, head('/api/who'), { ...options, maxVersion }).catch(() => '');
    assert.equal(await refused({}), '');
    for (const [title, identity] of STRANGERS) assert.equal(await refused(shown(identity)), '', title);
  }
  assert.match(await ask(t, port, head('/api/who'), shown(known)), /true laptop-7$/);
});

test('P8: where callers may show one, an invalid one is refused all the same', async (t) => {
  const { port } = await serve(t, { tls: material(FIRST, 'request', CLIENTS) });
  assert.match(await ask(t, port, head('/api/who'), shown(known)), /\r\n\r\ntrue laptop-7$/);
  assert.match(await ask(t, port, head('/api/who')), /\r\n\r\nfalse nobody$/);
  for (const [title, identity] of STRANGERS) {
    assert.equal(await ask(t, port, head('/api/who'), shown(identity)).catch(() => ''), '', title);
  }
});

test('an authority of callers that is taken away is not trusted any more, and what was resumed with it neither', async (t) => {
  const { app, port } = await serve(t, { tls: material(FIRST, 'require', CLIENTS) });
  const before = await shake(t, port, shown(known));
  const session = new Promise<Buffer>((resolve) => before.socket.once('session', resolve));
  before.socket.write(OK);
  await before.ended;
  const others = issue({ name: 'others', authority: true });
  renewTls(app, material(FIRST, 'require', others));
  const resumed = { ...shown(known), session: await session };
  for (const options of [shown(known), resumed]) {
    assert.equal(await ask(t, port, OK, options).catch(() => ''), '');
  }
  assert.match(await ask(t, port, OK, shown(issue({ name: 'laptop-8', by: others }))), /^HTTP\/1\.1 200/);
});

async function silent(t: TestContext, port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.resume();
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  return socket;
}

test('connections that never shake hands keep nobody out, and those that are served are left alone', async (t) => {
  const { port, calls } = await serve(t, { connections: 3 });
  const working = await shake(t, port);
  working.socket.write('GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => calls.length === 1);
  const idle = [await silent(t, port), await silent(t, port)];
  for (const [at, socket] of idle.entries()) {
    // Shaken hands counts once: each further connection costs one of the silent.
    const next = await shake(t, port);
    next.socket.write('GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await until(() => calls.length === 2 + at && socket.destroyed);
  }
  const late = await silent(t, port);
  await until(() => late.destroyed);
  assert.deepEqual([working.socket.destroyed, calls.length], [false, 3]);
  // What is answered waits as others do, and gives way.
  calls[0]?.reply.start(200, ['content-length', '0']);
  calls[0]?.reply.end();
  await until(() => working.said.endsWith('\r\n\r\n'));
  assert.match(await ask(t, port, OK), /^HTTP\/1\.1 200/);
  await until(() => working.socket.destroyed);
});

test('a caller that takes nothing of its answer is broken off over TLS as well', async (t) => {
  const { port, calls } = await serve(t, { stallMs: 400 });
  const deaf = await shake(t, port);
  deaf.socket.write('GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await until(() => calls.length === 1);
  deaf.socket.pause();
  calls[0]?.reply.start(200, []);
  for (let i = 0; i < 200; i++) calls[0]?.reply.write(Buffer.alloc(64 * 1024));
  await until(() => calls[0]?.gone.aborted === true);
});

test('who never shakes hands does not hold up the end', async (t) => {
  const { app, port } = await serve(t);
  const socket = await silent(t, port);
  const half = await silent(t, port);
  half.write('\x16\x03\x01\x02\x00\x01');
  await end(app);
  await until(() => socket.destroyed && half.destroyed);
});
