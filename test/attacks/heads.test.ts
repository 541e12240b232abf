import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway, until } from '../support/gateway.ts';
import { CALL } from '../support/raw.ts';
import { speak } from '../support/speak.ts';

let gateway: TestGateway;
before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

const GOOD = 'authorization: Bearer good\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';
const chunked = `${CALL.length.toString(16)}\r\n${CALL}\r\n0\r\n`;

/** A request with exactly these header lines, and a body of the right length. */
function post(target: string, lines: string, body = CALL): string {
  return `POST ${target} HTTP/1.1\r\n${lines}content-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`;
}
const call = (lines: string): string => post('/v1/messages', `host: localhost\r\n${JSON_TYPE}${lines}`);
const get = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: localhost\r\n${GOOD}connection: close\r\n\r\n`;
const coded = (coding: string): string =>
  `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}${GOOD}transfer-encoding: ${coding}\r\nconnection: close\r\n\r\n${chunked}\r\n`;

// Each is answered with this status (0: no answer at all), and nothing of it reaches the provider.
const refused: readonly [title: string, bytes: string | Buffer, status: number][] = [
  ['two Authorization headers, the valid one first', call(`${GOOD}authorization: Bearer other\r\n`), 401],
  ['two Authorization headers, the valid one last', call(`authorization: Bearer other\r\n${GOOD}`), 401],
  ['two x-api-key headers', call('x-api-key: good\r\nx-api-key: other\r\n'), 401],
  ['another scheme beside a valid key', call('authorization: Basic Z29vZA==\r\nx-api-key: good\r\n'), 401],
  ['two Host headers, ours first', call(`host: evil.example\r\n${GOOD}`), 421],
  [
    'two Host headers, ours last',
    post('/v1/messages', `host: evil.example\r\nhost: localhost\r\n${JSON_TYPE}${GOOD}`),
    421,
  ],
  ['a Host that begins like an address', post('/v1/messages', `host: [::1].evil.example\r\n${JSON_TYPE}${GOOD}`), 421],
  ['HTTP/1.0 without Host', `POST /v1/messages HTTP/1.0\r\n${JSON_TYPE}${GOOD}content-length: 2\r\n\r\n{}`, 421],
  ['two media types', call(`content-type: text/plain\r\n${GOOD}`), 415],
  ['a second transfer coding', coded('gzip, chunked'), 415],
  ['an unknown transfer coding', coded('xchunked'), 400],
  ['a header folded over two lines', call('authorization: Bearer\r\n good\r\n'), 400],
  ['a header behind a bare CR', call(`x-a: b\rauthorization: Bearer other\r\n${GOOD}`), 400],
  ['NUL in a header', call(`anthropic-x: a\0b\r\n${GOOD}`), 400],
  ['lines that end in LF alone', call(GOOD).replaceAll('\r\n', '\n'), 400],
  ['a signed content-length', call(GOOD).replace('content-length: ', 'content-length: +'), 400],
  ['no Host', post('/v1/messages', JSON_TYPE + GOOD), 400],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['more than 32 KiB of head', call(`x: ${'y'.repeat(40_000)}\r\n${GOOD}`), 431],
  [
    'bytes in the query that are no ASCII',
    Buffer.from(post('/v1/messages?\xff', `host: localhost\r\n${GOOD}`), 'latin1'),
    400,
  ],
  [
    'a query too long to be anything real',
    post(`/v1/messages?${'x'.repeat(3000)}`, `host: localhost\r\n${JSON_TYPE}${GOOD}`),
    400,
  ],
  ['CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n', 0],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 404],
  ['a model that climbs', get('/v1/models/..'), 400],
  ['a model that climbs, encoded', get('/v1/models/%2e%2e'), 400],
  ['a model that climbs to another resource', get('/v1/models/..%2f..%2fv1%2ffiles'), 400],
  ['a model that climbs with backslashes', get('/v1/models/a%5c..%5c..%5cfiles'), 400],
  ['a model with NUL', get('/v1/models/a%00'), 400],
  ['an encoded slash in the path', post('/v1%2fmessages', `host: localhost\r\n${JSON_TYPE}${GOOD}`), 404],
];
for (const [title, bytes, status] of refused) {
  test(`refused before anything is sent: ${title}`, async () => {
    const sent = gateway.double.begun();
    const answer = await speak(gateway.port, bytes);
    assert.equal(answer === '' ? 0 : Number(answer.split(' ')[1]), status, answer);
    assert.equal(gateway.double.begun(), sent);
    assert.deepEqual([gateway.openCalls.count, gateway.openCalls.bytes], [0, 0]);
  });
}

// Each is served; nothing of the trick is left on the other side.
const harmless: readonly [title: string, bytes: string, target: string][] = [
  ['Connection nominates the credential', call(`connection: authorization\r\n${GOOD}`), '/v1/messages'],
  ['Connection nominates our own headers', call(`connection: x-api-key, accept-encoding\r\n${GOOD}`), '/v1/messages'],
  [
    'the absolute form',
    post('http://evil.example/v1/messages?x=1', `host: localhost\r\n${JSON_TYPE}${GOOD}`),
    '/v1/messages?x=1',
  ],
  ['an upgrade', call(`connection: upgrade\r\nupgrade: websocket\r\n${GOOD}`), '/v1/messages'],
  ['HTTP/1.0', call(GOOD).replace('HTTP/1.1', 'HTTP/1.0'), '/v1/messages'],
  ['another method by header', call(`x-http-method-override: DELETE\r\n${GOOD}`), '/v1/messages'],
  ['trailers', coded('chunked').replace(/\r\n\r\n$/, '\r\nauthorization: Bearer other\r\n\r\n'), '/v1/messages'],
  ['a letter of the path encoded', post('/v1/m%65ssages', `host: localhost\r\n${JSON_TYPE}${GOOD}`), '/v1/messages'],
  [
    'line breaks in the query, encoded',
    post('/v1/messages?a=%0d%0ax:1?b', `host: localhost\r\n${JSON_TYPE}${GOOD}`),
    '/v1/messages?a=%0d%0ax:1?b',
  ],
];
for (const [title, bytes, target] of harmless) {
  test(`served without the trick: ${title}`, async () => {
    const answer = await speak(gateway.port, bytes);
    assert.match(answer, /^HTTP\/1\.1 200 /, answer);
    const seen = gateway.double.seen.at(-1);
    assert.deepEqual([seen?.method, seen?.url, seen?.body.toString()], ['POST', target, CALL]);
    assert.deepEqual([seen?.headers['x-api-key'], seen?.headers['accept-encoding']], ['provider-secret', 'identity']);
    for (const name of ['authorization', 'upgrade', 'trailer']) assert.equal(seen?.headers[name], undefined, name);
  });
}

test('every door asks for a Host that is ours, probes and errors included', async () => {
  for (const line of [
    'HEAD /',
    'HEAD /api/hello',
    'GET /nothing',
    'GET /v1/models',
    'OPTIONS /v1/messages',
    'POST /nothing',
  ]) {
    for (const lines of ['host: evil.example', 'host: localhost\r\norigin: https://evil.example']) {
      const answer = await speak(gateway.port, `${line} HTTP/1.1\r\n${lines}\r\nconnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 421 /, `${line} ${lines}`);
    }
  }
});

test('a request behind a refused one is answered by itself, or not at all when the first left its body', async () => {
  const second =
    'GET /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer other\r\nconnection: close\r\n\r\n';
  const first = (length: number): string =>
    `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n${JSON_TYPE}x-api-key: other\r\ncontent-length: ${length}\r\n\r\n${CALL}`;
  const sent = gateway.double.begun();
  const both = await speak(gateway.port, first(CALL.length) + second);
  assert.deepEqual(new Set(both.match(/HTTP\/1\.1 .../g)), new Set(['HTTP/1.1 401']));
  // The second is body of the first here: read as a request, it would be one that nobody in front has seen.
  const one = await speak(gateway.port, first(CALL.length + second.length + 1) + second);
  assert.equal(one.match(/HTTP\/1\.1 /g)?.length, 1);
  assert.equal(gateway.double.begun(), sent);
});

test('the body of a request for nothing is never parsed: the answer is the envelope, whatever came', async () => {
  for (const lines of [JSON_TYPE, 'content-type: text/plain\r\n', 'content-type: a/b; c\r\n', '']) {
    const answer = await speak(gateway.port, post('/nothing', `host: localhost\r\n${lines}`, '{"no json'));
    assert.match(answer, /^HTTP\/1\.1 404 [\s\S]*"type":"not_found_error"/, lines);
  }
});

test('what is no HTTP is answered in the envelope, and never inside an answer that runs', async () => {
  const alone = await speak(gateway.port, 'GARBAGE\r\n\r\n');
  assert.match(
    alone,
    /^HTTP\/1\.1 400 [\s\S]*"type":"invalid_request_error","message":"The request was refused: it is not/,
  );
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  };
  const socket = connect(gateway.port, '127.0.0.1');
  let said = '';
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    // Once, when the answer has begun.
    if (said === '') socket.write('GARBAGE\r\n\r\n');
    said += chunk;
  });
  socket.write(call(GOOD).replace('connection: close\r\n', ''));
  await new Promise((resolve) => socket.once('close', resolve));
  assert.match(said, /^HTTP\/1\.1 200 /);
  assert.equal(said.match(/HTTP\/1\.1/g)?.length, 1, said);
  await until(() => gateway.openCalls.count === 0);
});
