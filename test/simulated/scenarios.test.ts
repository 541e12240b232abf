import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { MessagesApi } from '../../src/upstream/simulated/messages.ts';
import { events, prompt, raw, sdk, simulation, textOf } from './client.ts';

const upstream = await simulation();
const client = sdk(upstream);
const ask = (text: string, rest: object = {}) => raw(upstream, '/v1/messages', { body: prompt(text, rest) });
const stream = (text: string) => ask(text, { stream: true });

const TYPES: readonly [number, string][] = [
  [400, 'invalid_request_error'],
  [401, 'authentication_error'],
  [402, 'billing_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [413, 'request_too_large'],
  [429, 'rate_limit_error'],
  [451, 'invalid_request_error'],
  [500, 'api_error'],
  [503, 'api_error'],
  [529, 'overloaded_error'],
];

for (const [status, type] of TYPES) {
  test(`status ${status} is ${type}, in the envelope, with and without a stream`, async () => {
    for (const rest of [{}, { stream: true }]) {
      const answer = await ask(`[[sim:status ${status} retry-after=7 should-retry=false]]`, rest);
      assert.equal(answer.status, status);
      assert.equal(answer.headers['retry-after'], '7');
      assert.equal(answer.headers['x-should-retry'], 'false');
      assert.deepEqual(JSON.parse(answer.body.toString()), {
        type: 'error',
        error: { type, message: `Simulated error ${status}, as the prompt asked` },
        request_id: answer.headers['request-id'],
      });
    }
  });
}

test('times=N counts requests with the same directive', async () => {
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await ask('[[sim:status 529 times=2]]')).status);
  assert.deepEqual(statuses, [529, 529, 200, 200]);
  assert.equal((await ask('[[sim:status 529 times=1 id=other]]')).status, 529);
});

test('a directive that makes no sense is answered with what is wrong', async () => {
  const cases: readonly [string, RegExp][] = [
    ['[[sim:nonsense]]', /known names are tool, agent, status/],
    ['[[sim:toString]]', /known names/],
    ['[[sim:status]]', /needs the status/],
    ['[[sim:status 200]]', /from 400 to 599/],
    ['[[sim:stall -1]]', /MS is a whole number/],
    ['[[sim:long 3]]', /needs MS/],
    ['[[sim:huge 1e9]]', /BYTES is a whole number/],
    ['[[sim:tool]]', /needs the name/],
    ['[[sim:tool Bash {"a":}]]', /not valid JSON/],
    ['[[sim:tool Bash [1]]]', /JSON object/],
  ];
  for (const [text, expected] of cases) {
    const answer = await ask(text);
    if (text === '[[sim:toString]]') {
      assert.equal(answer.status, 200, 'not spelled like a directive');
      continue;
    }
    assert.equal(answer.status, 400, text);
    assert.match(JSON.parse(answer.body.toString()).error.message, expected);
  }
});

test('midstream-error: some deltas, then an error event; the fallback without a stream fails too', async () => {
  const answer = await stream('[[sim:midstream-error]]');
  assert.equal(answer.status, 200);
  const got = events(answer.body);
  assert.equal(got.filter(({ event }) => event === 'content_block_delta').length, 3);
  assert.equal(got.at(-1)?.event, 'error');
  assert.equal((got.at(-1)?.data.error as { type: string } | undefined)?.type, 'overloaded_error');
  assert.ok(answer.complete);
  assert.equal((await ask('[[sim:midstream-error]]')).status, 529);
  assert.equal((await ask('[[sim:midstream-error then=ok]]')).status, 200);
  await assert.rejects(
    client.messages
      .stream({
        model: 'claude-opus-5-5',
        max_tokens: 99,
        messages: [{ role: 'user', content: '[[sim:midstream-error]]' }],
      })
      .finalMessage(),
    (error) => error instanceof Anthropic.APIError && error.type === 'overloaded_error',
  );
});

test('cut: the connection breaks after whole frames, or in the middle of one', async () => {
  const whole = await stream('[[sim:cut]]');
  assert.equal(whole.complete, false);
  assert.ok(whole.body.toString().endsWith('\n\n'));
  assert.equal(events(whole.body).at(-1)?.event, 'content_block_delta');

  const half = await stream('[[sim:cut frame]]');
  assert.equal(half.complete, false);
  assert.match(half.body.toString(), /\n\nevent: content_block_delta\ndata: \{[^\n]*$/);

  const json = await ask('[[sim:cut]]');
  assert.equal(json.complete, false);
  assert.ok(json.body.length > 0 && json.body.length < Number(json.headers['content-length']));
  assert.ok(
    upstream.received.every((request) => !request.aborted),
    'this side cut, no caller hung up',
  );
});

test('end-early: the stream ends properly without its last events', async () => {
  const answer = await stream('[[sim:end-early]]');
  assert.ok(answer.complete);
  assert.equal(events(answer.body).at(-1)?.event, 'content_block_delta');
});

test('long and huge: exactly the asked number of deltas and bytes, reported within max_tokens', async () => {
  const long = events((await stream('[[sim:long 50 0]]')).body);
  assert.equal(long.filter(({ event }) => event === 'content_block_delta').length, 50);
  assert.match(textOf(long), /^Simulated answer, long: 1 2 3 .* 49 50$/);

  const huge = events((await stream('[[sim:huge 1000003]]')).body);
  assert.equal(textOf(huge).length, 1_000_003);
  assert.equal((huge.at(-2)?.data.usage as { output_tokens: number } | undefined)?.output_tokens, 1000);
  const json = JSON.parse((await ask('[[sim:huge 300000]]')).body.toString());
  assert.equal(json.content[0].text.length, 300_000);
});

/** What a request makes the simulation do: `+` a write, a number a wait in milliseconds. */
async function trace(text: string, options: { stream: boolean; realistic?: boolean }): Promise<string> {
  const steps: string[] = [];
  const outlet = {
    head: () => undefined,
    write: async () => void steps.push('+'),
    pause: async (ms: number) => void (ms > 0 && steps.push(` ${ms} `)),
    end: () => void steps.push('.'),
    cut: async () => undefined,
  };
  const pace = options.realistic ? { firstByte: 300, betweenDeltas: 25 } : { firstByte: 0, betweenDeltas: 0 };
  const body = Buffer.from(prompt(text, { stream: options.stream, max_tokens: 500 }));
  await new MessagesApi().create(body, { outlet, pace, headers: {}, requestId: 'req_sim_1' });
  return steps.join('').trim();
}

test('waits are where the directives put them', async () => {
  assert.equal(await trace('[[sim:long 3 40]]', { stream: true }), '++++ 40 + 40 ++++.');
  assert.equal(await trace('[[sim:long 3 40]]', { stream: false }), '80 .');
  assert.match(await trace('[[sim:stall 700]]', { stream: true }), /^700 \+{3,}\.$/);
  assert.match(await trace('[[sim:stall 700]]', { stream: false }), /^700 \.$/);
  assert.match(await trace('[[sim:silence 900]]', { stream: false }), /^900 \.$/);
  assert.match(await trace('hello', { stream: true }), /^\+{6,}\.$/);
});

test('the realistic pace waits before the first byte and between deltas', async () => {
  assert.match(await trace('hello', { stream: true, realistic: true }), /^300 \+\+\+\+( 25 \+)+\+\+\+\.$/);
  assert.equal(await trace('[[sim:long 3 40]]', { stream: true, realistic: true }), '300 ++++ 40 + 40 ++++.');
});

test('silence: some deltas, a wait, then the rest', async () => {
  const quiet = await stream('[[sim:silence 20]]');
  assert.ok(quiet.complete);
  assert.equal(events(quiet.body).at(-1)?.event, 'message_stop');
});

test('unknown-fields: odd bytes that are still valid, and readable by the official SDK', async () => {
  const streamed = (await stream('[[sim:unknown-fields]]')).body.toString();
  for (const odd of [
    '"type" : "message_start"',
    'event: x_future_event\n',
    '"x_future_tokens":12345678901234567890',
    '[1.0,1e2,-0]',
    '\r\n\r\n',
    '"message_stop"       }',
    '"index":4,\ndata:  "delta"',
    '"signature_delta"',
    '"server_tool_use"',
    '"web_search_tool_result"',
    '"citations_delta"',
    '\\u0026',
    '"x_future_block"',
    ': simulated',
  ]) {
    assert.ok(streamed.includes(odd), odd);
  }
  const body = {
    model: 'claude-opus-5-5',
    max_tokens: 99,
    messages: [{ role: 'user' as const, content: '[[sim:unknown-fields]]' }],
  };
  const kinds = ['thinking', 'server_tool_use', 'web_search_tool_result', 'x_future_block', 'text'];
  for (const message of [await client.messages.stream(body).finalMessage(), await client.messages.create(body)]) {
    assert.deepEqual(
      message.content.map((block) => block.type as string),
      kinds,
    );
    const last = message.content.at(-1);
    assert.ok(last?.type === 'text');
    assert.equal(last.text, 'Simulated answer with oddities: naïve 日本語 🙂');
    assert.equal(last.citations?.[0]?.cited_text, '“quoted” – 引用');
    assert.equal(message.usage.output_tokens, 64);
  }
  const json = (await ask('[[sim:unknown-fields]]')).body.toString();
  assert.notEqual(json, JSON.stringify(JSON.parse(json)), 'a printer would change it');
});
