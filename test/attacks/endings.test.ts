import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { NewRecord } from '../../src/journal/records.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { collect } from '../../src/steps/carry/body.ts';
import { PERSON, silent, startTestGateway, type TestGateway, type TestOptions, until } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY } from '../support/governance.ts';
import { CALL, delta, MESSAGE_END, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';
import { speak } from '../support/speak.ts';

const SSE = { 'content-type': 'text/event-stream' };
const HEAD =
  'POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\n';

async function start(t: { after(end: () => Promise<void>): void }, options?: TestOptions): Promise<TestGateway> {
  const gateway = await startTestGateway(options);
  t.after(() => gateway.close());
  return gateway;
}

/** What must hold after every call, however it ended. */
async function settled(gateway: TestGateway, calls = 1): Promise<void> {
  await until(() => gateway.openCalls.count === 0 && gateway.journal.of('outcome').length === calls);
  assert.equal(gateway.openCalls.bytes, 0);
  const intents = gateway.journal.records.filter(({ kind }) => kind === 'intent').map(({ id }) => id);
  assert.deepEqual(
    gateway.journal
      .of('outcome')
      .map(({ intent }) => intent)
      .sort(),
    intents.sort(),
  );
}

test('P3: a revoked caller that does not read is cut all the same', async (t) => {
  for (const headers of [SSE, { 'content-type': 'application/json' }]) {
    const gateway = await start(t);
    let stuck = false;
    // Keeps writing until nothing is taken any more.
    gateway.double.answer = async (_seen, response) => {
      response.writeHead(200, headers);
      const block = Buffer.from(delta('x'.repeat(60_000)));
      while (!response.destroyed && !stuck) {
        if (response.write(block)) continue;
        const drained = new Promise<boolean>((resolve) => response.once('drain', () => resolve(false)));
        const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), 300));
        stuck = await Promise.race([drained, late]);
      }
    };
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => undefined);
    t.after(async () => void socket.destroy());
    socket.write(`${HEAD}content-length: ${STREAM_CALL.length}\r\n\r\n${STREAM_CALL}`);
    socket.pause();
    await until(() => stuck);
    assert.equal(
      gateway.openCalls.cut(({ caller }) => caller === PERSON, 'revoked_while_running'),
      1,
    );
    await settled(gateway);
    const [outcome] = gateway.journal.of('outcome');
    assert.deepEqual([outcome?.result, outcome?.code], ['cut', 'revoked_while_running']);
  }
});

test('P3: a caller revoked while its body trickles in is refused then, not when the body is whole', async (t) => {
  const gateway = await start(t);
  const socket = connect(gateway.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => {
    answer += chunk;
  });
  socket.on('error', () => undefined);
  socket.write(`${HEAD}content-length: ${CALL.length}\r\n\r\n{`);
  await until(() => gateway.openCalls.count === 1);
  gateway.openCalls.cut(() => true, 'revoked_while_running');
  await until(() => gateway.openCalls.count === 0 && answer !== '');
  assert.match(answer, /^HTTP\/1\.1 401 [\s\S]*revoked while the answer was running/);
  assert.equal(gateway.journal.of('refusal')[0]?.code, 'revoked_while_running');
  assert.equal(gateway.journal.of('intent').length, 0);
  assert.equal(gateway.openCalls.bytes, 0);
  socket.destroy();
});

test('P3: a revocation between two steps is not missed', async (t) => {
  for (const between of ['throttle', 'decide', 'record', 'forward'] as const) {
    let gateway: TestGateway | undefined;
    const revoke = (): void => void gateway?.openCalls.cut(() => true, 'revoked_while_running');
    gateway = await start(t, {
      services: {
        // Whatever else runs in this process runs in between: a microtask is the earliest of all.
        beforeStep: (name) => {
          if (name === between) queueMicrotask(revoke);
        },
      },
    });
    const reply = await raw(gateway.url, { body: CALL });
    assert.equal(reply.status, 401, between);
    assert.equal(gateway.openCalls.count, 0);
  }
});

test('P3: a revocation right behind the look at the credential is not missed', async (t) => {
  let gateway: TestGateway | undefined;
  gateway = await start(t, {
    services: {
      identify: () => {
        queueMicrotask(() => gateway?.openCalls.cut(() => true, 'revoked_while_running'));
        const credential = { id: 'key_1', kind: 'key', expires: null } as const;
        return { kind: 'person', id: PERSON, team: null, role: 'member', credential, keyTeam: null, snapshot: 'dir-1' };
      },
    },
  });
  assert.equal((await raw(gateway.url, { body: CALL })).status, 401);
  assert.equal(gateway.double.begun(), 0);
});

test('a call that waits for the provider when the gateway stops is told so, and not that its key was revoked', async (t) => {
  const gateway = await start(t);
  gateway.double.answer = () => undefined;
  const reply = raw(gateway.url, { body: CALL });
  await until(() => gateway.double.seen.length === 1);
  gateway.openCalls.cut(() => true, 'draining');
  const { status, headers, body } = await reply;
  assert.equal(status, 503);
  assert.match(body.toString(), /shutting down/);
  assert.equal(headers['x-should-retry'], undefined);
  await settled(gateway);
  assert.equal(gateway.journal.of('outcome')[0]?.code, 'draining');
});

test('a stream of a declared length is re-framed: a ping in it would shift the end into the next answer', async (t) => {
  const gateway = await start(t, { pingMs: 20 });
  gateway.double.answer = async (_seen, response) => {
    response.writeHead(200, { ...SSE, 'content-length': MESSAGE_START.length + MESSAGE_END.length });
    response.write(MESSAGE_START);
    await new Promise((resolve) => setTimeout(resolve, 150));
    response.end(MESSAGE_END);
  };
  const reply = await raw(gateway.url, { body: STREAM_CALL });
  const text = reply.body.toString();
  assert.equal(reply.headers['content-length'], undefined);
  assert.match(text, /event: ping/);
  assert.equal(text.replaceAll('event: ping\ndata: {"type": "ping"}\n\n', ''), MESSAGE_START + MESSAGE_END);
});

test('an answer that hides its compression behind a second header is refused', async (t) => {
  const gateway = await start(t);
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, [
      'content-type',
      'application/json',
      'content-encoding',
      'identity',
      'content-encoding',
      'gzip',
    ]);
    response.end('{}');
  };
  assert.equal((await raw(gateway.url, { body: CALL })).status, 502);
});

test('a refusal is answered when the journal breaks over it, not when the journal is well again', async (t) => {
  const gateway = await start(t);
  gateway.journal.onAppend = () => {
    throw new Refusal('journal_unavailable', { detail: 'ENOSPC' });
  };
  let kept = 0;
  gateway.journal.appendEventually = () => {
    kept++;
    return new Promise(() => undefined);
  };
  assert.equal((await raw(gateway.url, { body: '{}' })).status, 400);
  assert.equal(kept, 1);
  assert.equal(gateway.openCalls.count, 0);
});

test('a refusal that cannot even be kept for later is logged, and the process lives', async (t) => {
  const logged: string[] = [];
  const gateway = await start(t, {
    services: { log: { ...silent, error: (_fields, message) => void logged.push(message) } },
  });
  gateway.journal.trouble = 'ENOSPC';
  gateway.journal.appendEventually = async () => {
    throw new Refusal('journal_unavailable', { detail: 'too many records wait for the disk' });
  };
  assert.equal((await raw(gateway.url, { body: CALL })).status, 503);
  assert.equal((await raw(gateway.url, { body: CALL, headers: { authorization: 'Bearer revoked' } })).status, 401);
  assert.equal(gateway.openCalls.count, 0);
  // An unhandled rejection would have failed this test.
  await until(() => logged.length === 2);
});

test('P1: an intent whose content could not be recorded has an outcome, and nothing was sent', async (t) => {
  const gateway = await start(t, {
    governance: governanceOf(`${OPEN_POLICY}\nretention: { content: { default: full } }`),
    services: {
      content: {
        maxBytes: 1000,
        seal: async (part, exchange) => ({ kind: 'content', body: { intent: exchange.id, part } }) satisfies NewRecord,
      },
    },
  });
  gateway.journal.onAppend = (record) => {
    if (record.kind === 'content') throw new Refusal('journal_unavailable');
  };
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 503);
  assert.equal(gateway.double.begun(), 0);
  await settled(gateway);
  const ids = gateway.journal.records.flatMap(({ id }) => id ?? []);
  assert.equal(new Set(ids).size, ids.length, 'no two records have one id');
});

test('a body in pieces of a byte is held as bytes, not as pieces', async () => {
  // Each piece is the same memory, overwritten: whoever kept the pieces themselves would hold the last one many times.
  const piece = new Uint8Array(1);
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const byte of Buffer.from(CALL)) {
      piece[0] = byte;
      yield piece;
    }
  }
  const cut = new AbortController().signal;
  assert.equal((await collect(body(), { cut, take: () => undefined, expected: null })).toString(), CALL);
});

/** The caller hangs up at a point of the call; whatever that is, places and bytes come back. */
test('callers that hang up at any point leave nothing behind', async (t) => {
  const points: readonly [title: string, bytes: string, at: (gateway: TestGateway) => boolean, intents: number][] = [
    ['before the body', `${HEAD}content-length: ${CALL.length}\r\n\r\n`, (g) => g.openCalls.count === 1, 0],
    ['inside the body', `${HEAD}content-length: ${CALL.length}\r\n\r\n{"mod`, (g) => g.openCalls.count === 1, 0],
    ['inside a chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n9\r\n{"mod`, (g) => g.openCalls.bytes > 0, 0],
    ['before the answer', `${HEAD}content-length: ${CALL.length}\r\n\r\n${CALL}`, (g) => g.double.seen.length === 1, 1],
  ];
  for (const [title, bytes, at, intents] of points) {
    const gateway = await start(t);
    gateway.double.answer = () => undefined;
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(bytes);
    await until(() => at(gateway));
    socket.destroy();
    await until(() => gateway.openCalls.count === 0);
    assert.equal(gateway.openCalls.bytes, 0, title);
    assert.equal(gateway.journal.of('intent').length, intents, title);
    await settled(gateway, intents);
  }
});

test('what a provider may send at the edges of HTTP passes as it is, or is a clear error', async (t) => {
  const gateway = await start(t);
  const edges: readonly [title: string, answer: (response: ServerResponse) => void, status: number, body: string][] = [
    [
      'a redirect is not followed',
      (r) => r.writeHead(307, { location: 'http://evil.example/' }).end('moved'),
      307,
      'moved',
    ],
    ['204', (r) => r.writeHead(204).end(), 204, ''],
    ['304', (r) => r.writeHead(304, { etag: '"a"' }).end(), 304, ''],
    [
      'early hints before the answer',
      (r) => {
        r.writeEarlyHints({ link: '</a>; rel=preload' });
        r.writeHead(200, SSE).end('x');
      },
      200,
      'x',
    ],
    [
      'trailers',
      (r) => {
        r.writeHead(200, { trailer: 'x-end' });
        r.addTrailers({ 'x-end': '1' });
        r.end('{}');
      },
      200,
      '{}',
    ],
    ['a reserved status', (r) => r.writeHead(799).end('odd'), 799, 'odd'],
  ];
  for (const [title, answer, status, body] of edges) {
    gateway.double.answer = (_seen, response) => answer(response);
    const reply = await raw(gateway.url, { body: CALL });
    assert.deepEqual([reply.status, reply.body.toString()], [status, body], title);
  }
  assert.equal(gateway.double.seen.length, edges.length);
  await settled(gateway, edges.length);
});

test('P4: headers of an answer keep names, repetitions and bytes; only cookies and hops stay', async (t) => {
  const gateway = await start(t);
  const kept = [
    'anthropic-ratelimit-tokens-remaining',
    '7',
    'Retry-After',
    '3',
    'x-should-retry',
    'true',
    'X-Two',
    'a',
    'X-Two',
    'b',
    'x-latin',
    'caf\u00e9',
  ];
  gateway.double.answer = (_seen, response) => {
    response.writeHead(429, [
      ...kept,
      'X-Gatehouse-Record',
      'rec_another',
      'Set-Cookie',
      'a=b',
      'connection',
      'x-hop',
      'x-hop',
      '1',
      'content-type',
      'application/json',
    ]);
    // A string would make Node write the head as UTF-8.
    response.end(Buffer.from('{}'));
  };
  const { rawHeaders, status } = await raw(gateway.url, { body: CALL });
  assert.equal(status, 429);
  const lines = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : []));
  for (let i = 0; i < kept.length; i += 2)
    assert.ok(lines.includes(`${kept[i]}: ${kept[i + 1]}`), `${kept[i]} in ${lines}`);
  for (const name of ['set-cookie', 'x-hop', 'x-gatehouse-record: rec_another'])
    assert.ok(!lines.some((line) => line.toLowerCase().startsWith(name)), name);
});

test('P5: an answer that repeats the request never brings the provider key to the caller, however it is cut', async (t) => {
  const key = 'sk-ant-sk-ant-provider-0123456789';
  const gateway = await start(t, { key });
  for (const headers of [SSE, { 'content-type': 'application/json' }]) {
    for (const size of [1, 7, 1000]) {
      gateway.double.answer = async (seen, response) => {
        response.writeHead(400, headers);
        const text = `s ${JSON.stringify({ ...seen.headers, padding: 'sk-ant-sk-an' })} sk-ant`;
        for (let at = 0; at < text.length; at += size) {
          response.write(text.slice(at, at + size));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      };
      const got: Buffer[] = [];
      await raw(gateway.url, { body: CALL, onData: (chunk) => got.push(chunk) }).catch(() => undefined);
      assert.ok(!Buffer.concat(got).includes(key.slice(0, -1)), `${size}`);
    }
  }
  gateway.double.answer = (seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-request': `key=${seen.headers['x-api-key']}` });
    response.end('{}');
  };
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 502);
  assert.ok(!JSON.stringify([reply.rawHeaders, reply.body.toString()]).includes(key));
  await settled(gateway, 7);
  for (const { code } of gateway.journal.of('outcome')) assert.equal(code, 'upstream_broken');
  // What only begins like the key passes.
  const near = `${key.slice(0, -1)} sk-ant-sk-ant-sk-an`;
  gateway.double.answer = (_seen, response) => response.writeHead(200, SSE).end(near) as unknown as undefined;
  assert.equal((await raw(gateway.url, { body: CALL })).body.toString(), near);
});

test('P5: a key that a client names where it does not belong is not in the journal', async (t) => {
  const gateway = await start(t);
  const key = 'ghk_0123456789abcdefghijABCDEFGHIJ0123456789';
  await raw(gateway.url, { body: CALL, headers: { 'user-agent': `cli ${key}`, 'x-claude-code-session-id': key } });
  await settled(gateway);
  assert.ok(!JSON.stringify(gateway.journal.records).includes(key));
  assert.partialDeepStrictEqual(gateway.journal.of('intent')[0], { client: { user_agent: 'cli [redacted]' } });
});

test('operators read in the log why a provider failed, and the caller does not', async (t) => {
  const lines: object[] = [];
  const gateway = await start(t, { services: { log: { ...silent, info: (fields) => void lines.push(fields) } } });
  await gateway.double.close();
  const reply = await raw(gateway.url, { body: CALL });
  assert.ok(!reply.body.toString().includes('ECONNREFUSED'));
  await until(() => lines.length === 1);
  assert.match(JSON.stringify(lines), /ECONNREFUSED/);
});

test('whoever holds a revoked key cannot fill the journal with it: what is too much is counted', async (t) => {
  const gateway = await start(t);
  const request = 'GET /v1/models HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer revoked\r\n';
  const ten = `${`${request}\r\n`.repeat(9)}${request}connection: close\r\n\r\n`;
  const answers = await Promise.all(Array.from({ length: 15 }, () => speak(gateway.port, ten)));
  assert.equal(answers.join('').match(/HTTP\/1\.1 401 /g)?.length, 150);
  assert.equal(gateway.journal.of('refusal').length, 100);
  assert.deepEqual(gateway.strangers, Array(50).fill('credential_revoked'));
});

test('requests sent in one go are taken in turn, and who hangs up ends them all', async (t) => {
  const gateway = await start(t);
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, SSE).write(MESSAGE_START);
  };
  const socket = connect(gateway.port, '127.0.0.1');
  socket.on('error', () => undefined);
  let said = '';
  socket.on('data', (chunk) => {
    said += chunk;
  });
  socket.write(`${HEAD}content-length: ${STREAM_CALL.length}\r\n\r\n${STREAM_CALL}`.repeat(3));
  await until(() => said.includes('message_start'));
  assert.deepEqual([gateway.double.begun(), gateway.openCalls.count], [1, 1]);
  socket.destroy();
  await settled(gateway);
  // The next caller's connection is another: nothing of the three is left to be served.
  gateway.double.answer = (_seen, response) => response.writeHead(200, SSE).end() as unknown as undefined;
  assert.equal((await raw(gateway.url, { body: CALL })).status, 200);
  assert.equal(gateway.double.begun(), 2);
});

test('a connection that sends without listening is broken', async (t) => {
  const gateway = await start(t);
  const request = 'GET /v1/models HTTP/1.1\r\nhost: localhost\r\nx-api-key: nobody\r\n\r\n';
  await speak(gateway.port, request.repeat(5000));
  assert.ok(gateway.strangers.length <= 1, `${gateway.strangers.length} of 5000 were served`);
});
