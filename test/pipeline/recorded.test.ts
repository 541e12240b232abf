import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { KEY, PERSON, startTestGateway, type TestGateway, until } from '../support/gateway.ts';
import { CALL, MESSAGE_END, MESSAGE_START, raw, STREAM_CALL } from '../support/raw.ts';

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await startTestGateway();
});
afterEach(() => gateway.close());

test('P1: while the intent is not durable, no byte reaches the provider', async () => {
  let release = (): void => undefined;
  gateway.journal.onAppend = (record) => {
    if (record.kind !== 'intent') return;
    return new Promise((resolve) => {
      release = resolve;
    });
  };
  const reply = raw(gateway.url, { body: CALL });
  await until(() => gateway.openCalls.count === 1);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(gateway.double.begun(), 0);
  release();
  assert.equal((await reply).status, 200);
  assert.equal(gateway.double.begun(), 1);
});

test('P1: when the intent cannot be recorded the call is refused and nothing is sent', async () => {
  gateway.journal.trouble = 'EIO: the disk is gone';
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 503);
  const { error } = JSON.parse(reply.body.toString());
  assert.match(error.message, /cannot record this call now, so it was not sent/);
  assert.ok(!error.message.includes('EIO'), 'private detail stays private');
  assert.equal(gateway.double.begun(), 0);
  assert.equal(gateway.openCalls.count, 0);
});

test('an intent says who, with what, for which model, decided by what; its outcome says how it ended', async () => {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'req_abc' });
    response.end(MESSAGE_START + MESSAGE_END);
  };
  const reply = await raw(gateway.url, {
    body: STREAM_CALL,
    headers: {
      'user-agent': 'claude-cli/2.1.330 (external, cli)',
      'x-claude-code-session-id': 'a0b1',
      'x-claude-code-agent-id': 'agent1',
      'x-claude-code-parent-agent-id': 'agent0',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
  });
  await until(() => gateway.journal.of('outcome').length === 1);
  const [intent] = gateway.journal.records.filter((record) => record.kind === 'intent');
  assert.equal(intent?.id, reply.headers['x-gatehouse-record']);
  const { day, ...said } = (intent?.body ?? {}) as { day: string };
  assert.match(day, /^20\d\d-\d\d-\d\d$/);
  assert.deepEqual(
    { ...said },
    {
      who: PERSON,
      key: KEY,
      team: null,
      action: 'model.call',
      model: 'claude-sonnet-5-5',
      stream: true,
      max_tokens: 16,
      client: {
        user_agent: 'claude-cli/2.1.330 (external, cli)',
        session: 'a0b1',
        agent: 'agent1',
        parent_agent: 'agent0',
      },
      cost_center: null,
      decision: { effect: 'allow', rule: 'access[0]', reason: 'access[0] allows * to everyone' },
      snapshot: { policy: 'pol-1', directory: 'dir-1' },
      target: { upstream: 'double', simulated: false },
      request_bytes: Buffer.byteLength(STREAM_CALL),
      // 103 bytes are 35 tokens to be written to the cache at $2.50, and 16 tokens of output at $10, a million.
      reserved: Math.ceil(35 * 2.5 + 16 * 10),
      observed: [],
      trace: '0af7651916cd43dd8448eb211c80319c',
    },
  );
  const [outcome] = gateway.journal.of('outcome');
  const { latency, ...rest } = outcome as { latency: Record<string, number> } & Record<string, unknown>;
  assert.deepEqual(rest, {
    intent: intent?.id,
    who: PERSON,
    key: KEY,
    team: null,
    day,
    cost_center: null,
    action: 'model.call',
    model: 'claude-sonnet-5-5',
    model_used: 'claude-sonnet-5-5',
    result: 'ok',
    code: null,
    levels: { transport: 'complete', protocol: 200, semantic: 'end_turn' },
    usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 7 },
    // At $2, $0.10 and $10 a million: 20 + 0.5 + 70 micro-dollars, rounded up.
    cost: { micros: 91, basis: 'reported', price: 'claude-sonnet-5-5@2026-10-07' },
    upstream_request: 'req_abc',
    request_bytes: Buffer.byteLength(STREAM_CALL),
    response_bytes: Buffer.byteLength(MESSAGE_START + MESSAGE_END),
  });
  for (const part of ['total', 'gateway', 'upstream', 'first_byte']) assert.ok((latency[part] ?? -1) >= 0, part);
  assert.ok((latency.total ?? 0) >= (latency.gateway ?? 0));
  const sent = gateway.double.seen[0]?.headers.traceparent;
  assert.match(String(sent), /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/);
});

test('P1: a refused caller whose key is known is recorded; strangers are only counted', async () => {
  const known = await raw(gateway.url, { body: CALL, headers: { authorization: 'Bearer revoked' } });
  assert.equal(known.status, 401);
  const [refusal] = gateway.journal.of('refusal');
  assert.equal(refusal?.code, 'credential_revoked');
  assert.equal(refusal?.who, PERSON);
  assert.equal(refusal?.key, KEY);
  const stranger = await raw(gateway.url, { body: CALL, headers: { authorization: 'Bearer nobody' } });
  assert.equal(stranger.status, 401);
  assert.equal(gateway.journal.records.length, 1);
  assert.deepEqual(gateway.strangers, ['credential_unknown']);
  assert.equal(gateway.double.begun(), 0);
});

test("an error of the provider is an outcome with the provider's type and status", async () => {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(529, { 'content-type': 'application/json' });
    response.end('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}');
  };
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 529);
  await until(() => gateway.journal.of('outcome').length === 1);
  const [outcome] = gateway.journal.of('outcome');
  assert.equal(outcome?.result, 'error');
  assert.equal(outcome?.code, 'overloaded_error');
  assert.deepEqual(outcome?.levels, { transport: 'complete', protocol: 529, semantic: 'error' });
});

test('a provider that cannot be reached is an outcome too, and a clear error', async () => {
  await gateway.double.close();
  const reply = await raw(gateway.url, { body: CALL });
  assert.equal(reply.status, 502);
  assert.match(reply.body.toString(), /could not be reached/);
  assert.ok(!reply.body.toString().includes('127.0.0.1'), "the provider's address stays private");
  await until(() => gateway.journal.of('outcome').length === 1);
  assert.equal(gateway.journal.of('outcome')[0]?.code, 'upstream_unreachable');
});
