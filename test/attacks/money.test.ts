import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { PATH } from '../../src/pipeline.ts';
import type { ContentKeeper } from '../../src/steps/services.ts';
import { startTestGateway, type TestGateway, type TestOptions, until } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY } from '../support/governance.ts';
import { delta, event, MESSAGE_END, MESSAGE_START, raw } from '../support/raw.ts';

const HAIKU = 'claude-haiku-4-5';
const OPUS = 'claude-opus-5-5';
const STEPS = [...PATH.filter(([, , call]) => call).map(([name]) => name), 'settle'];

/** Budgets of both kinds, and a rate that one call that is never left would fill for good. */
const TIGHT = `${OPEN_POLICY}
budgets:
  - { each: person, limit: 1000 USD/month, hold: strict }
  - { each: key, limit: 1000 USD/month }
rates:
  - { each: person, concurrent: 1 }
  - { each: model, concurrent: 1 }`;

async function start(t: TestContext, options: TestOptions): Promise<TestGateway> {
  const gateway = await startTestGateway({ governance: governanceOf(TIGHT), ...options });
  t.after(() => gateway.close());
  return gateway;
}

function body(extra: object = {}): string {
  return JSON.stringify({ model: HAIKU, max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...extra });
}

function answers(gateway: TestGateway, usage: unknown, model = HAIKU): void {
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'msg_1', type: 'message', model, stop_reason: 'end_turn', usage }));
  };
}

const costs = (gateway: TestGateway): { micros: number; basis: string }[] =>
  gateway.journal.of('outcome').map(({ cost }) => cost as { micros: number; basis: string });

/** Everything a call took is given back, every intent has one outcome, and the books say what the journal says. */
async function nothingIsHeld(gateway: TestGateway, title: string): Promise<void> {
  await until(() => gateway.openCalls.count === 0 && gateway.ledger.running === 0);
  const ids = gateway.journal.records.filter(({ kind }) => kind === 'intent').map(({ id }) => id);
  const ended = gateway.journal.of('outcome').map(({ intent }) => intent);
  assert.deepEqual(ended.toSorted(), ids.toSorted(), title);
  const charged = costs(gateway).reduce((sum, { micros }) => sum + micros, 0);
  const none = (): null => null;
  for (const { reserved, spent, line } of gateway.ledger.positions(() => 0, none)) {
    assert.equal(reserved, 0, `${title}: ${line.id}`);
    assert.equal(spent, charged, `${title}: ${line.id}`);
  }
  answers(gateway, { input_tokens: 1, output_tokens: 1 });
  assert.equal((await raw(gateway.url, { body: body() })).status, 200, `${title}: the next call finds its place`);
  await until(() => gateway.openCalls.count === 0);
}

test('P2: a fault in any step leaves no reservation, no place in a rate and no intent without an outcome', async (t) => {
  for (const at of STEPS) {
    let broken = true;
    const gateway = await start(t, {
      services: {
        beforeStep(name) {
          if (broken && name === at) throw new Error('a fault');
        },
      },
    });
    const { status } = await raw(gateway.url, { body: body() }).catch(() => ({ status: 0 }));
    if (at !== 'settle') assert.notEqual(status, 200, at);
    broken = false;
    await nothingIsHeld(gateway, at);
  }
});

test('P2: a caller who hangs up before any step leaves nothing held either', async (t) => {
  for (const at of STEPS) {
    for (const stream of [false, true]) {
      let hangUp: (() => void) | null = null;
      const gateway = await start(t, {
        services: { beforeStep: (name) => (name === at ? hangUp?.() : undefined) },
      });
      gateway.double.answer = (_seen, response) => {
        response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
        response.end(
          stream ? MESSAGE_START + delta('word') + MESSAGE_END : '{"type":"message","usage":{"input_tokens":1}}',
        );
      };
      await new Promise<void>((resolve) => {
        const headers = { authorization: 'Bearer good', 'content-type': 'application/json' };
        const call = request({ host: '127.0.0.1', port: gateway.port, path: '/v1/messages', method: 'POST', headers });
        call.on('error', () => resolve());
        call.on('response', (reply) =>
          reply
            .on('error', () => undefined)
            .on('close', resolve)
            .resume(),
        );
        hangUp = () => void call.destroy();
        call.end(body({ stream }));
      });
      hangUp = null;
      await nothingIsHeld(gateway, `${at}, ${stream ? 'stream' : 'whole'}`);
    }
  }
});

test('P1, P2: a journal or a keeper of content that fails costs nobody money', async (t) => {
  const keeper: ContentKeeper = { maxBytes: 1000, seal: () => Promise.reject(new Error('no key')) };
  const keeping = governanceOf(`${TIGHT}\nretention: { content: { default: full } }`);
  const unkept = await start(t, { governance: keeping, services: { content: keeper } });
  assert.equal((await raw(unkept.url, { body: body() })).status, 500);
  assert.equal(unkept.ledger.running, 0);
  assert.equal(unkept.double.begun(), 0);

  for (const kind of ['intent', 'content'] as const) {
    let failing = true;
    const sealed = { kind: 'content', body: { part: 'request' } } as const;
    const content: ContentKeeper = { maxBytes: 1000, seal: () => Promise.resolve(sealed as never) };
    const gateway = await start(t, { governance: keeping, services: { content } });
    gateway.journal.onAppend = (record) => {
      if (failing && record.kind === kind) throw new Error('the disk is full');
    };
    assert.ok((await raw(gateway.url, { body: body() })).status >= 500, kind);
    assert.equal(gateway.double.begun(), 0, kind);
    failing = false;
    await nothingIsHeld(gateway, kind);
    assert.equal(costs(gateway)[0]?.micros ?? 0, kind === 'intent' ? 6 : 0, 'what was never sent is free');
  }
});

// Reports that no provider should send. Whatever they say, the charge is a whole number and the call has its outcome.
const nonsense: readonly unknown[] = [
  { input_tokens: -5, output_tokens: -1 },
  { input_tokens: 1e300, output_tokens: 1e12 },
  { input_tokens: 1.5, output_tokens: 0.1 },
  { input_tokens: '12', output_tokens: true },
  { input_tokens: 1e9, output_tokens: 1e9, cache_read_input_tokens: 1e9, speed: 'fast', inference_geo: 'us' },
  { input_tokens: 5, output_tokens: 5, iterations: 'all of them' },
  { input_tokens: 5, output_tokens: 5, iterations: [null, 1, [], { model: 7 }, { model: OPUS, output_tokens: -1 }] },
  {
    input_tokens: 5,
    output_tokens: 5,
    iterations: Array.from({ length: 30 }, () => ({ model: OPUS, input_tokens: 1e9 })),
  },
  { input_tokens: 5, output_tokens: 5, cache_creation: 'x', server_tool_use: [] },
  { input_tokens: 5, output_tokens: 5, inference_geo: 7, service_tier: {} },
  JSON.parse('{"__proto__":{"input_tokens":1000},"constructor":1}'),
  [],
  null,
  'free',
];

test('P2: a provider that reports nonsense cannot give money back, lose a call or break the books', async (t) => {
  const governance = governanceOf(TIGHT.replaceAll('1000 USD', '900000000 USD'));
  const gateway = await start(t, { governance });
  for (const usage of nonsense) {
    const before = gateway.journal.of('outcome').length;
    answers(gateway, usage, 'a model nobody knows');
    assert.equal((await raw(gateway.url, { body: body() })).status, 200);
    await until(() => gateway.journal.of('outcome').length === before + 1);
    const micros = costs(gateway).at(-1)?.micros ?? -1;
    assert.ok(Number.isSafeInteger(micros) && micros > 0, `${JSON.stringify(usage)?.slice(0, 60)}: ${micros}`);
    assert.equal(gateway.ledger.running, 0);
  }
});

test('P2: an error inside an answer of status 200 is free before the model has read anything, and charged after', async (t) => {
  const failed = event('error', { type: 'error', error: { type: 'overloaded_error', message: 'busy' } });
  const gateway = await start(t, {});
  const streams = async (bytes: string): Promise<number> => {
    gateway.double.answer = (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(bytes);
    };
    const before = gateway.journal.of('outcome').length;
    await raw(gateway.url, { body: body({ stream: true }) });
    await until(() => gateway.journal.of('outcome').length === before + 1);
    return costs(gateway).at(-1)?.micros ?? -1;
  };
  const begun = MESSAGE_START.replace('claude-sonnet-5-5', HAIKU);
  assert.equal(await streams(failed), 0);
  // Haiku 4.5 costs $1, $0.10 and $5 a million: 10 input, 5 cache reads, and 60 bytes seen are 20 tokens.
  assert.equal(await streams(begun + delta('x'.repeat(60)) + failed), 111);
  // A usage report behind the error is not the answer's: what was seen counts.
  assert.equal(await streams(begun + delta('x'.repeat(60)) + failed + MESSAGE_END), 111);
});

// The dearest that each request could cost by the published list, in micro-dollars, worked out by hand.
const WINDOW = 200_000;
const dearest: readonly [title: string, request: object, atLeast: number][] = [
  // Haiku 4.5: a one-hour write is $2, output $5 a million.
  ['text', {}, 8 * 2 + 100 * 5],
  [
    'a picture: the whole window could be read',
    { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', data: 'AA' } }] }] },
    WINDOW * 2 + 500,
  ],
  [
    'a picture in a tool result',
    {
      messages: [
        {
          role: 'user',
          content: [{ type: 'tool_result', content: [{ type: 'image', source: { type: 'base64', data: 'AA' } }] }],
        },
      ],
    },
    WINDOW * 2 + 500,
  ],
  ['a thread', { thread: { type: 'continue', previous_message_id: 'm' } }, WINDOW * 2 + 500],
  // Three searches: four passes over the window, and a cent each.
  [
    'searches',
    { tools: [{ type: 'web_search_20260318', name: 'web_search', max_uses: 3 }] },
    4 * (WINDOW * 2 + 500) + 30_000,
  ],
  // Opus 5.5 in fast mode and in a region: $8 a million for an hour's write, $20 output, twice, and a tenth more.
  ['fast mode', { model: OPUS, speed: 'fast', max_tokens: 100_000 }, 100_000 * 20 * 2 * 1.1],
  ['the region of a workspace', { model: OPUS, max_tokens: 100_000 }, 100_000 * 20 * 1.1],
  ['a fallback on top', { fallbacks: [{ model: OPUS }] }, 100 * 5 + 100 * 20 * 1.1],
  ['a fallback that may say more', { fallbacks: [{ model: OPUS, max_tokens: 9000 }] }, 9000 * 20 * 1.1],
  ['three fallbacks', { fallbacks: [{ model: OPUS }, { model: OPUS }, { model: OPUS }] }, 3 * 100 * 20 * 1.1],
  ['a model nobody knows: the dearest of all', { model: 'claude-next' }, 100 * 125 * 1.1],
];

test('P2: under a strict budget at least the dearest that the request could cost is held', async (t) => {
  const gateway = await start(t, {});
  answers(gateway, { input_tokens: 1, output_tokens: 1 });
  for (const [title, asked, atLeast] of dearest) {
    assert.equal((await raw(gateway.url, { body: body(asked) })).status, 200, title);
    const reserved = Number(gateway.journal.of('intent').at(-1)?.reserved);
    assert.ok(reserved >= atLeast, `${title}: ${reserved} < ${atLeast}`);
    await until(() => gateway.openCalls.count === 0);
  }
});

test('P2: under a strict budget nothing without a bound is sent', async (t) => {
  const gateway = await start(t, {});
  const search = (more: object) => ({ tools: [{ type: 'web_search_20260318', name: 'web_search', ...more }] });
  const unbounded: readonly object[] = [
    { max_tokens: undefined },
    { max_tokens: null },
    { max_tokens: 0.5 },
    { fallbacks: 'default' },
    { context_management: { edits: [{ type: 'clear_tool_uses_20250919' }, { type: 'compact_20260112' }] } },
    { compaction: { type: 'summarize' } },
    { mcp_servers: [{ type: 'url', url: 'https://x', name: 'x' }] },
    { container: 'c' },
    { tools: [{ type: 'code_execution_20260521', name: 'code_execution' }] },
    { tools: [{ type: 'advisor_20260301', name: 'advisor', model: OPUS, max_uses: 1, max_tokens: 10 }] },
    search({}),
    search({ max_uses: null }),
    search({ max_uses: 1.5 }),
    search({ max_uses: -1 }),
    search({ max_uses: '1' }),
    // Beside a bounded one, and with the bound of another tool.
    { tools: [...search({ max_uses: 1 }).tools, { type: 'web_fetch_20260318', name: 'web_fetch' }] },
    { tools: [{ name: 'mine', max_uses: 1 }, ...search({}).tools] },
    { tools: [{ ...search({}).tools[0], user_location: { max_uses: 1 } }] },
  ];
  for (const asked of unbounded) {
    const { status } = await raw(gateway.url, { body: body(asked) });
    assert.ok(status === 451 || status === 400, `${JSON.stringify(asked)}: ${status}`);
  }
  assert.equal(gateway.double.begun(), 0);
  await nothingIsHeld(gateway, 'unbounded');
});

test('P2: a dated name is no second purse, for budgets and for rates', async (t) => {
  const policy = `${OPEN_POLICY}
budgets: [ { each: model, limit: 0.025 USD/month } ]
rates: [ { each: model, requests: 3/min } ]`;
  const gateway = await start(t, { governance: governanceOf(policy) });
  answers(gateway, { input_tokens: 5000, output_tokens: 4000 });
  const as = async (model: string): Promise<number> => (await raw(gateway.url, { body: body({ model }) })).status;
  // 5000 × $1 + 4000 × $5 a million are the whole of it.
  assert.equal(await as(HAIKU), 200);
  await until(() => gateway.journal.of('outcome').length === 1);
  for (const name of [HAIKU, `${HAIKU}-20251001`, `${HAIKU}@20251001`, `${HAIKU}-20991231`])
    assert.equal(await as(name), 429);
  assert.equal(gateway.double.begun(), 1);
});
