import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Closers } from '../../src/kernel/closers.ts';
import { scanJson } from '../../src/kernel/json-scan.ts';
import { PolicyFile } from '../../src/main/policy-file.ts';
import { SERVER_SIDE_FIELDS, serverSideOf } from '../../src/steps/server-side.ts';
import { silent, startTestGateway, type TestOptions, until } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY, PERSON } from '../support/governance.ts';
import { event, raw } from '../support/raw.ts';

const HAIKU = 'claude-haiku-4-5';
const OPUS = 'claude-opus-5-5';
const body = (extra: object = {}): string =>
  JSON.stringify({ model: HAIKU, max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...extra });
const said = (...content: object[]): string => body({ messages: [{ role: 'system', content }] });
async function start(t: TestContext, policy: string, options: TestOptions = {}, directory = {}) {
  const gateway = await startTestGateway({ governance: governanceOf(policy, directory), ...options });
  t.after(() => gateway.close());
  return gateway;
}
const stop = (target: string, subject: string) => [
  { id: 'stp_1', target, subject, reason: 'incident', actor: 'x', createdAt: 0 } as never,
];
const CLOSED = 'access: [ { allow: claude-haiku-*, to: everyone } ]';
const answers = (gateway: Awaited<ReturnType<typeof start>>, message: object) => {
  gateway.double.answer = (_s, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'msg_1', type: 'message', model: HAIKU, ...message }));
  };
};
const cost = (gateway: Awaited<ReturnType<typeof start>>): number =>
  gateway.journal
    .of('outcome')
    .map((body) => (body.cost as { micros: number }).micros)
    .at(-1) ?? 0;

test('P8: tools defined inside messages, or kept by a compaction, are decided on like all others', async (t) => {
  const gateway = await start(t, CLOSED);
  const tool = (definition: object) => ({ type: 'tool_addition', tool: { type: 'tool_definition', definition } });
  for (const definition of [
    { type: 'web_search_20260318', name: 'web_search' },
    { type: 'advisor_20260301', name: 'advisor', model: OPUS },
    { type: 'mcp_toolset', mcp_server_name: 'x' },
    { type: 'code_execution_20260521', name: 'c' },
  ]) {
    assert.equal((await raw(gateway.url, { body: said(tool(definition)) })).status, 451, JSON.stringify(definition));
    assert.equal(
      (await raw(gateway.url, { body: said({ type: 'compaction', content: 's', tool_changes: [tool(definition)] }) }))
        .status,
      451,
    );
  }
});
test('P3: a stopped model is stopped as a fallback and as an advisor', async (t) => {
  const gateway = await start(t, OPEN_POLICY, {}, { stops: stop('model', 'claude-opus-*') });
  assert.equal((await raw(gateway.url, { body: body({ fallbacks: [{ model: OPUS }] }) })).status, 423);
  assert.equal(
    (await raw(gateway.url, { body: body({ tools: [{ type: 'advisor_20260301', name: 'advisor', model: OPUS }] }) }))
      .status,
    423,
  );
});
test('P3: an upstream that is stopped while a body trickles in is not used', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  const whole = body();
  const status = new Promise<number>((resolve, reject) => {
    const headers = {
      authorization: 'Bearer good',
      'content-type': 'application/json',
      'content-length': whole.length,
    };
    const call = request(
      { host: '127.0.0.1', port: gateway.port, path: '/v1/messages', method: 'POST', headers },
      (reply) => resolve(reply.resume().statusCode ?? 0),
    );
    call.on('error', reject);
    call.write(whole.slice(0, 20));
    void until(() => gateway.openCalls.count === 1).then(() => {
      gateway.put(governanceOf(OPEN_POLICY, { stops: stop('upstream', 'double') }));
      call.end(whole.slice(20));
    });
  });
  assert.equal(await status, 423);
  assert.equal(gateway.double.begun(), 0);
});
test('a max_tokens that is no whole number is malformed: no meter counts half a token', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  for (const maxTokens of [-5, 1.5, 100.5])
    assert.equal((await raw(gateway.url, { body: body({ max_tokens: maxTokens }) })).status, 400, String(maxTokens));
  assert.equal(
    (await raw(gateway.url, { body: body({ fallbacks: [{ model: HAIKU, max_tokens: 100.5 }] }) })).status,
    400,
  );
});
test('P2: a fallback in fast mode is held at the price of fast mode', async (t) => {
  const gateway = await start(t, `${OPEN_POLICY}\nbudgets: [ { each: person, limit: 100 USD, hold: strict } ]`);
  answers(gateway, { model: OPUS, usage: { input_tokens: 10, output_tokens: 100_000, speed: 'fast' } });
  await raw(gateway.url, { body: body({ max_tokens: 100_000, fallbacks: [{ model: OPUS, speed: 'fast' }] }) });
  await until(() => gateway.journal.of('outcome').length === 1);
  assert.ok(
    Number(gateway.journal.of('intent')[0]?.reserved) >= cost(gateway),
    `${gateway.journal.of('intent')[0]?.reserved} < ${cost(gateway)}`,
  );
});
test('a request that asks for tens of thousands of things of the provider is refused, not worked through', () => {
  const read = (tools: readonly object[]) =>
    serverSideOf(scanJson(Buffer.from(JSON.stringify({ tools })), { fields: SERVER_SIDE_FIELDS, maxDepth: 9 }));
  const many = (tool: (n: number) => object): object[] => Array.from({ length: 20_000 }, (_, n) => tool(n));
  assert.throws(() => read(many((n) => ({ type: `t${n}` }))), /too many things/);
  assert.throws(() => read(many((n) => ({ type: 'web_search_20260318', max_uses: n }))), /too many things/);
  assert.throws(() => read(many((n) => ({ type: 'advisor_20260301', model: `m${n}` }))), /too many models/);
  // Each bound stays with its own tool, whatever stands between.
  const mixed = [
    { max_uses: 9 },
    { type: 'a', max_uses: 1 },
    { type: 'bash_20250124' },
    { type: 'b' },
    { max_uses: 3, type: 'c' },
  ];
  assert.deepEqual(read(mixed).asked, [
    { capability: 'a', uses: 1 },
    { capability: 'b', uses: null },
    { capability: 'c', uses: 3 },
  ]);
});

test('P2: forty passes of an advisor are charged like five', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  const pass = {
    type: 'advisor_message',
    model: OPUS,
    input_tokens: 10_000,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: 10_000,
  };
  answers(gateway, {
    usage: { input_tokens: 10, output_tokens: 10, iterations: Array.from({ length: 40 }, () => pass) },
  });
  await raw(gateway.url, { body: body() });
  await until(() => gateway.journal.of('outcome').length === 1);
  // 40 × (10,000 × $4 + 10,000 × $20 a million)
  assert.ok(cost(gateway) >= 9_600_000, `${cost(gateway)}`);
});
test('P2: a stream that never reports is charged what was seen of it', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  const text = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(3000) } };
  gateway.double.answer = (_s, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(event('content_block_delta', text).repeat(30));
  };
  await raw(gateway.url, { body: body({ stream: true, max_tokens: 64_000 }) });
  await until(() => gateway.journal.of('outcome').length === 1);
  // 90,000 bytes are 30,000 tokens at $5 a million.
  assert.ok(cost(gateway) >= 150_000, `${cost(gateway)}`);
});

test('P2: words that were seen before an error are charged, although no usage was ever reported', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  const text = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(3000) } };
  const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
  gateway.double.answer = (_s, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(event('content_block_delta', text).repeat(30) + event('error', error));
  };
  await raw(gateway.url, { body: body({ stream: true, max_tokens: 64_000 }) });
  await until(() => gateway.journal.of('outcome').length === 1);
  // 90,000 bytes are 30,000 tokens at $5 a million.
  assert.ok(cost(gateway) >= 150_000, `${cost(gateway)}`);
});
test('P8: URL and file sources inside what a web fetch returned are decided on', async (t) => {
  const gateway = await start(t, CLOSED);
  for (const source of [
    { type: 'url', url: 'https://internal' },
    { type: 'file', file_id: 'file_of_another' },
  ]) {
    const content = { type: 'web_fetch_result', url: 'x', content: { type: 'document', source } };
    assert.equal(
      (await raw(gateway.url, { body: said({ type: 'web_fetch_tool_result', tool_use_id: 's', content }) })).status,
      451,
    );
  }
});
test('P2: an alias of a model is no second purse, and slips past no deny', async (t) => {
  const gateway = await start(t, `${OPEN_POLICY}\nbudgets: [ { each: model, limit: 0.40 USD/month } ]`);
  answers(gateway, { model: 'claude-opus-4-20250514', usage: { input_tokens: 1000, output_tokens: 6000 } });
  assert.equal((await raw(gateway.url, { body: body({ model: 'claude-opus-4' }) })).status, 200);
  await until(() => gateway.journal.of('outcome').length === 1);
  assert.equal((await raw(gateway.url, { body: body({ model: 'claude-opus-4-0' }) })).status, 429);
});
test('a policy that refuses models without a price refuses them as fallbacks', async (t) => {
  const gateway = await start(t, `${OPEN_POLICY}\nmodels: { unknown_price: refuse }`);
  assert.equal((await raw(gateway.url, { body: body({ fallbacks: [{ model: 'claude-next' }] }) })).status, 451);
});
test('P2: a spent budget for a model holds for it as a fallback', async (t) => {
  const gateway = await start(
    t,
    `${OPEN_POLICY}\nbudgets: [ { each: person, models: claude-opus-*, limit: 0 USD/month } ]`,
  );
  assert.equal((await raw(gateway.url, { body: body({ fallbacks: [{ model: OPUS }] }) })).status, 429);
});
test('P1, P3: who is stopped reads no budgets; a revoked key at that door is recorded, a stranger counted', async (t) => {
  const gateway = await start(
    t,
    `${OPEN_POLICY}\nbudgets: [ { for: organization, limit: 9 USD } ]`,
    {},
    { stops: stop('party', PERSON) },
  );
  assert.equal((await raw(gateway.url, { method: 'GET', path: '/api/oauth/usage' })).status, 423);
  await raw(gateway.url, { method: 'GET', path: '/api/oauth/usage', headers: { authorization: 'Bearer revoked' } });
  await raw(gateway.url, { method: 'GET', path: '/api/oauth/usage', headers: { authorization: 'Bearer nobody' } });
  assert.equal(gateway.strangers.length, 1);
  assert.ok(gateway.journal.of('refusal').length >= 1);
});
test('P8: a policy file that is not UTF-8 changes nothing, and one of the same size and time is seen', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'p.yaml');
  const applied: string[] = [];
  const closers = new Closers(silent);
  t.after(() => closers.close());
  const changes = {
    applyPolicy: async ({ text }: { text: string }) => ({ revision: applied.push(text), unchanged: false }),
  } as never;
  writeFileSync(file, 'access: [ { allow: claude-*, to: everyone } ]\n');
  const watched = await PolicyFile.watch({ file, changes, hold: async () => 0, log: silent, closers });
  const { atime, mtime } = statSync(file);
  writeFileSync(file, 'access: [ {  deny: claude-*, to: everyone } ]\n');
  utimesSync(file, atime, mtime);
  const mark = statSync(file);
  utimesSync(file, mark.atimeMs / 1000, mtime.getTime() / 1000);
  for (let i = 0; i < 3; i++) await watched.look();
  assert.equal(applied.length, 2, 'same size and time');
  const latin1 = Buffer.from(
    'access: [ { allow: "*", to: everyone }, { deny: claude-opus-*, to: j\xfcrgen@example.com } ]\n',
    'latin1',
  );
  writeFileSync(file, latin1);
  for (let i = 0; i < 3; i++) await watched.look();
  assert.equal(applied.length, 2, 'not UTF-8');
});
test('P2: passes of another model do not swallow web searches', async (t) => {
  const gateway = await start(t, OPEN_POLICY);
  answers(gateway, {
    usage: {
      input_tokens: 10,
      output_tokens: 10,
      server_tool_use: { web_search_requests: 100 },
      iterations: [
        { type: 'message', input_tokens: 10, output_tokens: 10 },
        { type: 'advisor_message', model: OPUS, input_tokens: 100_000, output_tokens: 100_000 },
      ],
    },
  });
  await raw(gateway.url, { body: body() });
  await until(() => gateway.journal.of('outcome').length === 1);
  // 100,000 × $4 + 100,000 × $20 a million, and 100 searches at a cent.
  assert.ok(cost(gateway) >= 3_400_000, `${cost(gateway)}`);
});
