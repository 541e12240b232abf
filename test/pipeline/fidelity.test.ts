import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { CALL, raw } from '../support/raw.ts';

let gateway: TestGateway;
before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

/** JSON text with odd but legal whitespace, escapes and number spellings, so that a parse and print would change it. */
const oddJson = fc
  .tuple(
    fc.constantFrom('', ' ', '\n\t', '\r\n  '),
    fc.constantFrom('"claude-opus-5-5"', '"claude\\u002dopus-5-5"', '"claude-\\u006fpus-5-5"'),
    fc.jsonValue({ maxDepth: 4 }),
    fc.constantFrom('1', '1.0', '-0', '1e2', '1E+2', '123456789012345678901234567890'),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    fc.constantFrom('tools', 'context_management', 'safeguards', 'zzz_future_field', '__proto__', 'metadata'),
  )
  .map(([space, model, value, number, text, name]) => {
    const parts = [
      `"model"${space}:${model}`,
      `${space}"${name}":${space}${JSON.stringify(value, null, space === '' ? 0 : 2)}`,
      `"odd":${number}${space}`,
      `"text":${JSON.stringify(text)}`,
    ];
    return `${space}{${space}${parts.join(',')}}${space}`;
  });

test('P4: whatever JSON the caller sends, the provider gets the same bytes', async () => {
  await fc.assert(
    fc.asyncProperty(oddJson, async (body) => {
      const reply = await raw(gateway.url, { path: '/v1/messages?beta=true', body });
      assert.equal(reply.status, 200, reply.body.toString());
      const seen = gateway.double.seen.at(-1);
      assert.ok(seen?.body.equals(Buffer.from(body)));
      assert.equal(seen?.url, '/v1/messages?beta=true');
    }),
    { numRuns: 60, seed: 7 },
  );
});

test('P4: whatever bytes the provider answers, of any status, the caller gets the same', async () => {
  const answers = fc.record({
    status: fc.constantFrom(200, 201, 400, 404, 413, 429, 500, 529),
    type: fc.constantFrom('application/json', 'text/plain', 'text/html', 'text/event-stream'),
    chunks: fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 8 }),
  });
  await fc.assert(
    fc.asyncProperty(answers, async ({ status, type, chunks }) => {
      gateway.double.answer = async (_seen, response) => {
        response.writeHead(status, { 'content-type': type, 'request-id': 'req_1', 'x-future': 'kept' });
        for (const chunk of chunks) {
          response.write(chunk);
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      };
      const reply = await raw(gateway.url, { body: CALL });
      assert.equal(reply.status, status);
      assert.ok(reply.body.equals(Buffer.concat(chunks)));
      assert.equal(reply.headers['request-id'], 'req_1');
      assert.equal(reply.headers['x-future'], 'kept');
    }),
    { numRuns: 60, seed: 8 },
  );
});

test('P4: event streams pass byte for byte, wherever the chunks are cut and whatever ends the lines', async () => {
  const line = fc.constantFrom('\n', '\r\n', '\r');
  const frame = fc.tuple(
    line,
    fc.string({ unit: 'grapheme', maxLength: 30 }),
    fc.constantFrom('ping', 'future_event', 'content_block_delta'),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 40 }),
      async (frames, size) => {
        const text = frames
          .map(([end, data, name]) => `event: ${name}${end}data: ${JSON.stringify(data)}${end}${end}`)
          .join('');
        const bytes = Buffer.from(`\ufeff: comment\n\n${text}data: never finished`);
        gateway.double.answer = async (_seen, response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
          for (let at = 0; at < bytes.length; at += size) {
            response.write(bytes.subarray(at, at + size));
            await new Promise((resolve) => setImmediate(resolve));
          }
          response.end();
        };
        const reply = await raw(gateway.url, { body: CALL });
        assert.ok(reply.body.equals(bytes));
      },
    ),
    { numRuns: 40, seed: 9 },
  );
});

test('P4: header names, order, case and repetitions of the open sets reach the provider', async () => {
  await raw(gateway.url, {
    body: CALL,
    headers: {
      'anthropic-beta': 'a-2025-01-01,b-2026-02-02',
      'anthropic-version': '2026-10-21',
      'X-Claude-Code-Session-Id': 'session-1',
      'x-stainless-retry-count': '0',
      'X-Future': ['one', 'two'],
    },
  });
  const pairs: string[] = [];
  const { rawHeaders } = gateway.double.seen.at(-1)!;
  for (let i = 0; i < rawHeaders.length; i += 2) pairs.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  for (const wanted of [
    'anthropic-beta: a-2025-01-01,b-2026-02-02',
    'anthropic-version: 2026-10-21',
    'X-Claude-Code-Session-Id: session-1',
    'x-stainless-retry-count: 0',
    'X-Future: one',
    'X-Future: two',
  ]) {
    assert.ok(pairs.includes(wanted), `${wanted} in\n${pairs.join('\n')}`);
  }
});

test('headers that nominate themselves, claim an address or ask for compression stop at the gateway', async () => {
  await raw(gateway.url, {
    body: CALL,
    headers: {
      connection: 'close, x-secret-hop',
      'x-secret-hop': '1',
      'x-forwarded-for': '10.0.0.1',
      'x-forwarded-host': 'evil.example',
      forwarded: 'for=10.0.0.1',
      via: '1.1 proxy',
      cookie: 'a=b',
      'proxy-authorization': 'Basic x',
      te: 'trailers',
      'accept-encoding': 'gzip, br',
    },
  });
  const { headers } = gateway.double.seen.at(-1)!;
  for (const name of [
    'x-secret-hop',
    'x-forwarded-for',
    'x-forwarded-host',
    'forwarded',
    'via',
    'cookie',
    'proxy-authorization',
    'te',
  ]) {
    assert.equal(headers[name], undefined, name);
  }
  assert.equal(headers['accept-encoding'], 'identity');
});

test("P5: the caller's credential stays, the provider's is sent, and neither comes back or is recorded", async () => {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'session=provider-secret' });
    response.end('{}');
  };
  for (const headers of [{ authorization: 'Bearer good' }, { authorization: 'Bearer good', 'x-api-key': 'good' }]) {
    const reply = await raw(gateway.url, { body: CALL, headers });
    const { headers: sent } = gateway.double.seen.at(-1)!;
    assert.equal(sent.authorization, undefined);
    assert.equal(sent['x-api-key'], 'provider-secret');
    assert.ok(!JSON.stringify(reply.rawHeaders).includes('provider-secret'));
  }
  assert.ok(!JSON.stringify(gateway.journal.records).includes('provider-secret'));
});

test('an answer compressed against our wish is refused, not passed on unmetered', async () => {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
    response.end(Buffer.from([0x1f, 0x8b, 0]));
  };
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 502);
  assert.match(reply.body.toString(), /compressed although identity was asked for/);
});
