import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startTestGateway, type TestGateway, until } from '../support/gateway.ts';
import { CALL, raw } from '../support/raw.ts';
import { speak } from '../support/speak.ts';

const MIB = 1024 * 1024;
let gateway: TestGateway;
before(async () => {
  gateway = await startTestGateway({
    bodyBytes: 2 * MIB,
    limits: { perCaller: 3, bytesPerCaller: 3 * MIB },
  });
});
after(() => gateway.close());
afterEach(() => {
  gateway.journal.records.length = 0;
});

function messageOf(body: Buffer): string {
  const parsed = JSON.parse(body.toString());
  assert.equal(parsed.type, 'error');
  assert.equal(typeof parsed.request_id, 'string');
  return parsed.error.message;
}

const bad: [title: string, body: string | Buffer, status: number, sentence: RegExp][] = [
  ['no JSON', 'hello', 400, /The request was refused/],
  ['not an object', '[]', 400, /not a JSON object/],
  ['no model', '{"stream":true}', 400, /"model" must be a string/],
  ['a model that is no string', '{"model":["claude"]}', 400, /"model" must be a string/],
  ['an empty model', '{"model":""}', 400, /empty or too long/],
  ['the model twice', '{"model":"a","model":"b"}', 400, /could be read in two ways/],
  ['the model twice, once escaped', '{"model":"a","mod\\u0065l":"b"}', 400, /could be read in two ways/],
  ['a case variant of a decided key', '{"model":"a","Model":"b"}', 400, /could be read in two ways/],
  ['a stream that is no boolean', '{"model":"a","stream":"true"}', 400, /"stream" must be true or false/],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, /./],
  ['bytes behind the document', `${CALL} {}`, 400, /The request was refused/],
  ['very deep nesting', `{"model":"a","x":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400, /The request was refused/],
];
for (const [title, body, status, sentence] of bad) {
  test(`a body with ${title} is refused before anything is sent`, async () => {
    const before = gateway.double.begun();
    const reply = await raw(gateway.url, { body });
    assert.equal(reply.status, status);
    assert.match(messageOf(reply.body), sentence);
    assert.equal(reply.headers['x-should-retry'], 'false');
    assert.equal(gateway.double.begun(), before);
    assert.equal(gateway.journal.of('refusal').length, 1);
  });
}

test('a declared size over the limit is refused before the body is read', async () => {
  const answer = await speak(
    gateway.port,
    `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ncontent-length: ${3 * MIB}\r\n\r\n`,
  );
  assert.match(answer, /^HTTP\/1\.1 413 /);
});

test('a chunked body over the limit is refused when it gets there, and the caller can still read why', async () => {
  const reply = await raw(gateway.url, {
    headers: { 'transfer-encoding': 'chunked' },
    body: Buffer.alloc(2 * MIB + 1, 32),
  });
  assert.equal(reply.status, 413);
  assert.match(messageOf(reply.body), /larger than 2097152 bytes/);
});

test('encoded bodies and other media types are refused', async () => {
  for (const headers of [
    { 'content-encoding': 'gzip' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/jsonx' },
  ]) {
    const reply = await raw(gateway.url, { body: CALL, headers });
    assert.equal(reply.status, 415, JSON.stringify(headers));
  }
});

test('no byte of the body is read for a stranger: the answer comes before it was sent', async () => {
  const answer = await speak(
    gateway.port,
    'POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nx-api-key: nobody\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n',
  );
  assert.match(answer, /^HTTP\/1\.1 401 /);
  assert.match(answer, /connection: close/i);
});

test('open calls of one caller are limited, with the number in the sentence', async () => {
  const releases: (() => void)[] = [];
  gateway.double.answer = (_seen, response) => {
    releases.push(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  };
  const running = [1, 2, 3].map(() => raw(gateway.url, { body: CALL }));
  await until(() => releases.length === 3);
  const fourth = await raw(gateway.url, { body: CALL });
  assert.equal(fourth.status, 429);
  assert.match(messageOf(fourth.body), /You have 3 calls open; the limit is 3/);
  assert.equal(fourth.headers['retry-after'], '1');
  for (const release of releases) release();
  for (const reply of await Promise.all(running)) assert.equal(reply.status, 200);
  await until(() => gateway.openCalls.count === 0);
});

test('request bytes held for one caller are limited, and given back when the calls end', async () => {
  const releases: (() => void)[] = [];
  gateway.double.answer = (_seen, response) => {
    releases.push(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  };
  const big = JSON.stringify({ model: 'm', text: 'x'.repeat(MIB * 1.6) });
  const running = raw(gateway.url, { body: big });
  await until(() => releases.length === 1);
  const second = await raw(gateway.url, { body: big });
  assert.equal(second.status, 429);
  releases[0]?.();
  await running;
  await until(() => gateway.openCalls.bytes === 0);
});

test('the other routes of the door', async () => {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
  };
  const list = await raw(gateway.url, { method: 'GET', path: '/v1/models?limit=1000' });
  assert.equal(list.status, 200);
  assert.equal(gateway.double.seen.at(-1)?.url, '/v1/models?limit=1000');
  const one = await raw(gateway.url, { method: 'GET', path: '/v1/models/claude%2Fodd' });
  assert.equal(one.status, 200);
  assert.equal(gateway.double.seen.at(-1)?.url, '/v1/models/claude%2Fodd');
  const count = await raw(gateway.url, { path: '/v1/messages/count_tokens?beta=true', body: CALL });
  assert.equal(count.status, 200);
  assert.equal(gateway.double.seen.at(-1)?.url, '/v1/messages/count_tokens?beta=true');
  await until(() => gateway.journal.of('outcome').length === 3);
  assert.deepEqual(
    gateway.journal.of('outcome').map((outcome) => [outcome.action, outcome.model, outcome.result]),
    [
      ['model.list', null, 'ok'],
      ['model.list', 'claude/odd', 'ok'],
      ['model.count', 'claude-sonnet-5-5', 'ok'],
    ],
  );
  for (const path of ['/', '/api/hello']) {
    assert.equal((await raw(gateway.url, { method: 'HEAD', path, headers: { authorization: '' } })).status, 200);
  }
});

test('what is not a route is an error in the envelope, not a page', async () => {
  for (const [method, path] of [
    ['POST', '/v1/messages/'],
    ['POST', '/V1/messages'],
    ['POST', '/v1//messages'],
    ['POST', '/v1/messages/../messages'],
    ['GET', '/v1/messages'],
    ['POST', '/v1/complete'],
    ['GET', '/v1/models/%zz'],
  ] as const) {
    const reply = await raw(gateway.url, { method, path, body: method === 'POST' ? CALL : '' });
    assert.ok(reply.status === 404 || reply.status === 400, `${method} ${path}: ${reply.status}`);
    assert.equal(JSON.parse(reply.body.toString()).type, 'error');
  }
});

test('a name that is not ours is refused: DNS rebinding, foreign origins', async () => {
  for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
    const reply = await raw(gateway.url, { body: CALL, headers });
    assert.equal(reply.status, 421, JSON.stringify(headers));
  }
  for (const host of ['localhost:8787', '127.0.0.1', '[::1]:80', '10.1.2.3:8787']) {
    const reply = await raw(gateway.url, { body: CALL, headers: { host } });
    assert.equal(reply.status, 200, host);
  }
});

test('without a provider key the call is refused with what to do, and nothing is recorded as sent', async () => {
  const keyless = await startTestGateway({ key: null });
  try {
    const reply = await raw(keyless.url, { body: CALL });
    assert.equal(reply.status, 503);
    assert.match(messageOf(reply.body), /no provider key.*ANTHROPIC_API_KEY/);
    assert.equal(keyless.journal.of('intent').length, 0);
  } finally {
    await keyless.close();
  }
});

test('two requests smuggled as one are refused by the framing', async () => {
  for (const head of [
    'content-length: 4\r\ntransfer-encoding: chunked',
    'content-length: 4\r\ncontent-length: 5',
    'transfer-encoding: chunked, identity',
    'transfer-encoding : chunked',
  ]) {
    const answer = await speak(
      gateway.port,
      `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n${head}\r\n\r\n0\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 400 /, head);
  }
});
