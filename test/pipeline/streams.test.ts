import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { PERSON, startTestGateway, until } from '../support/gateway.ts';
import { delta, MESSAGE_END, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';

/** Writes these pieces and then does `last`. */
function pieces(parts: readonly string[], last: (response: import('node:http').ServerResponse) => void) {
  return async (_seen: unknown, response: import('node:http').ServerResponse): Promise<void> => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const part of parts) {
      response.write(part);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    last(response);
  };
}

test("the provider's death inside an event reaches the caller as a whole SSE error, after whole events only", async (t) => {
  const gateway = await startTestGateway();
  t.after(() => gateway.close());
  gateway.double.answer = pieces([MESSAGE_START, delta('one'), 'event: content_block_delta\ndata: {"type":"con'], (r) =>
    r.destroy(),
  );
  const reply = await raw(gateway.url, { body: STREAM_CALL });
  const text = reply.body.toString();
  assert.ok(text.startsWith(MESSAGE_START + delta('one')));
  const tail = text.slice((MESSAGE_START + delta('one')).length);
  assert.match(tail, /^event: error\ndata: \{.*\}\n\n$/);
  const data = JSON.parse(tail.split('data: ')[1]!);
  assert.equal(data.type, 'error');
  assert.match(data.error.message, /broke off .* the connection to it was lost/);
  await until(() => gateway.journal.of('outcome').length === 1);
  const [outcome] = gateway.journal.of('outcome');
  assert.equal(outcome?.code, 'upstream_broken');
  assert.deepEqual(outcome?.levels, { transport: 'upstream_lost', protocol: 200, semantic: null });
  assert.deepEqual(outcome?.usage, { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 1 });
});

test('a JSON answer that breaks off breaks the connection: half a document is never completed', async (t) => {
  const gateway = await startTestGateway();
  t.after(() => gateway.close());
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"id":"msg_1"');
    setTimeout(() => response.destroy(), 10);
  };
  await assert.rejects(raw(gateway.url, { body: STREAM_CALL }));
});

test('the caller hanging up ends the call at the provider, and the outcome says so with the usage so far', async (t) => {
  const gateway = await startTestGateway();
  t.after(() => gateway.close());
  gateway.double.answer = pieces([MESSAGE_START, delta('one')], () => undefined);
  const hungUp = raw(gateway.url, { body: STREAM_CALL, onData: (_chunk, destroy) => destroy() });
  await assert.rejects(hungUp);
  await until(() => gateway.double.aborted() === 1 && gateway.journal.of('outcome').length === 1);
  const [outcome] = gateway.journal.of('outcome');
  assert.equal(outcome?.result, 'aborted');
  assert.partialDeepStrictEqual(outcome, { levels: { transport: 'client_gone' }, usage: { input_tokens: 10 } });
  assert.equal(gateway.openCalls.count, 0);
  assert.equal(gateway.openCalls.bytes, 0);
});

test('the caller hanging up before the first byte ends the call at a provider that says nothing', async (t) => {
  const gateway = await startTestGateway();
  t.after(() => gateway.close());
  gateway.double.answer = () => undefined;
  const socket: Socket = connect(gateway.port, '127.0.0.1');
  socket.write(
    `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ncontent-length: ${STREAM_CALL.length}\r\n\r\n${STREAM_CALL}`,
  );
  await until(() => gateway.double.seen.length === 1);
  socket.destroy();
  await until(() => gateway.double.aborted() === 1 && gateway.journal.of('outcome').length === 1);
  assert.partialDeepStrictEqual(gateway.journal.of('outcome')[0], { result: 'aborted', latency: { first_byte: null } });
  assert.equal(gateway.openCalls.count, 0);
});

test('P3: cutting a caller ends its running stream with an error event, and the provider at once', async (t) => {
  const gateway = await startTestGateway();
  t.after(() => gateway.close());
  gateway.double.answer = pieces([MESSAGE_START, delta('one')], () => undefined);
  let first = (): void => undefined;
  const arrived = new Promise<void>((resolve) => {
    first = resolve;
  });
  const reply = raw(gateway.url, { body: STREAM_CALL, onData: () => first() });
  await arrived;
  assert.equal(
    gateway.openCalls.cut((call) => call.caller === PERSON, 'revoked_while_running'),
    1,
  );
  const text = (await reply).body.toString();
  assert.match(
    text,
    /event: error\ndata: \{"type":"error","error":\{"type":"authentication_error","message":"This key was revoked while/,
  );
  await until(() => gateway.double.aborted() === 1 && gateway.journal.of('outcome').length === 1);
  const [outcome] = gateway.journal.of('outcome');
  assert.equal(outcome?.result, 'cut');
  assert.equal(outcome?.code, 'revoked_while_running');
});

test('silence is bridged with pings, only ever between two events', async (t) => {
  const gateway = await startTestGateway({ pingMs: 20 });
  t.after(() => gateway.close());
  const half = delta('two').slice(0, 40);
  gateway.double.answer = async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(MESSAGE_START + half);
    await new Promise((resolve) => setTimeout(resolve, 150));
    response.end(delta('two').slice(40) + MESSAGE_END);
  };
  const text = (await raw(gateway.url, { body: STREAM_CALL })).body.toString();
  const ping = 'event: ping\ndata: {"type": "ping"}\n\n';
  assert.ok(text.includes(ping));
  assert.equal(text.replaceAll(ping, ''), MESSAGE_START + delta('two') + MESSAGE_END);
});

test('a provider that falls silent for too long is given up with an error event', async (t) => {
  const gateway = await startTestGateway({ silenceMs: 300 });
  t.after(() => gateway.close());
  gateway.double.answer = pieces([MESSAGE_START], () => undefined);
  const text = (await raw(gateway.url, { body: STREAM_CALL })).body.toString();
  assert.match(text, /event: error\ndata: .*did not answer in time/);
});

test('a slow reader slows the provider: what waits in the gateway stays bounded', async (t) => {
  const gateway = await startTestGateway();
  t.after(() => gateway.close());
  let written = 0;
  let stalled = false;
  gateway.double.answer = async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const block = Buffer.from(delta('x'.repeat(60_000)));
    for (let i = 0; i < 2000 && !response.destroyed; i++) {
      written += block.length;
      if (!response.write(block)) {
        const drained = await Promise.race([
          new Promise<boolean>((resolve) => response.once('drain', () => resolve(true))),
          new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1000)),
        ]);
        if (!drained) {
          stalled = true;
          return;
        }
      }
    }
  };
  const socket: Socket = connect(gateway.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(
    `POST /v1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ncontent-length: ${STREAM_CALL.length}\r\n\r\n${STREAM_CALL}`,
  );
  socket.pause();
  await until(() => stalled);
  assert.ok(written < 40 * 1024 * 1024, `${written} bytes were taken from the provider for a caller that read none`);
});
