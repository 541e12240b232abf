import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { MessageMeter, meterMessage } from '../../src/upstream/anthropic/meter.ts';
import { response, split, utf8 } from './support.ts';

const frame = (event: string, data: unknown) =>
  `event: ${event}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

const USAGE = {
  input_tokens: 2095,
  cache_creation_input_tokens: 900,
  cache_read_input_tokens: 41000,
  cache_creation: { ephemeral_5m_input_tokens: 500, ephemeral_1h_input_tokens: 400 },
  server_tool_use: null,
  output_tokens: 1,
  service_tier: 'standard',
  inference_geo: 'us',
  something_new: { a: [1] },
};
const MESSAGE = {
  id: 'msg_01X',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-4-8',
  content: [],
  stop_reason: null,
  stop_sequence: null,
};
const START = frame('message_start', { type: 'message_start', message: { ...MESSAGE, usage: USAGE } });
const PING = frame('ping', '{"type": "ping"}');
const BLOCKS = [
  frame('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
  PING,
  frame('content_block_delta', {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'text_delta', text: 'Grüße 😀\n"message_stop"' },
  }),
  frame('content_block_stop', { type: 'content_block_stop', index: 0 }),
  ...[
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} },
    { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} },
  ].flatMap((block, i) => [
    frame('content_block_start', { type: 'content_block_start', index: i + 1, content_block: block }),
    frame('content_block_delta', {
      type: 'content_block_delta',
      index: i + 1,
      delta: { type: 'input_json_delta', partial_json: '{"q":"\\u00e9"}' },
    }),
    frame('content_block_stop', { type: 'content_block_stop', index: i + 1 }),
  ]),
];
const DELTA = frame('message_delta', {
  type: 'message_delta',
  delta: { stop_reason: 'tool_use', stop_sequence: null },
  usage: {
    input_tokens: 2100,
    output_tokens: 512,
    cache_read_input_tokens: null,
    server_tool_use: { web_search_requests: 2 },
  },
});
const STOP = frame('message_stop', { type: 'message_stop' });
/** As JSON writes them, UTF-8: 30 bytes of text, and twice 19 of tool input. */
const VISIBLE = 30 + 2 * 19;
const REPLY = [START, ...BLOCKS, DELTA, STOP];

function meter(chunks: readonly Uint8Array[]) {
  const meter = new MessageMeter();
  for (const chunk of chunks) meter.push(chunk);
  return meter.report();
}
const meterText = (...frames: string[]) => meter([utf8(frames.join(''))]);

test('P2: a streamed reply is metered as the provider reported it, however it is cut', () => {
  const bytes = utf8(REPLY.join(''));
  for (const places of [[], [1, 200, 333], Array.from(bytes.keys()), [bytes.length - 1]]) {
    assert.deepEqual(meter(split(bytes, places)), {
      messageId: 'msg_01X',
      model: 'claude-opus-4-8',
      stopReason: 'tool_use',
      usage: { ...USAGE, input_tokens: 2100, output_tokens: 512, server_tool_use: { web_search_requests: 2 } },
      error: null,
      complete: true,
      toolUses: 1,
      visibleBytes: VISIBLE,
      events: REPLY.length,
      malformed: 0,
    });
  }
});

test('P2: the meter agrees with the message that the official SDK puts together', async () => {
  const client = new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => response(split(utf8(REPLY.join('')), [77, 1000])),
  });
  const message = await client.messages
    .stream({ model: 'claude-opus-4-8', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] })
    .finalMessage();
  const report = meterText(...REPLY);
  assert.deepEqual(report.usage, message.usage);
  assert.equal(report.messageId, message.id);
  assert.equal(report.model, message.model);
  assert.equal(report.stopReason, message.stop_reason);
  assert.equal(report.toolUses, message.content.filter((block) => block.type === 'tool_use').length);
});

test('a stream that breaks off keeps what was reported until then', () => {
  const report = meterText(START, ...BLOCKS, DELTA.slice(0, -1));
  assert.deepEqual(report.usage, USAGE);
  assert.equal(report.complete, false);
  assert.equal(report.stopReason, null);
});

test('an error in the middle of a stream ends the message, as for the SDK', () => {
  const error = frame('error', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
  const report = meterText(START, error, DELTA, STOP);
  assert.deepEqual(report.error, { type: 'overloaded_error', message: 'Overloaded' });
  assert.deepEqual(report.usage, USAGE);
  assert.equal(report.complete, false);
  assert.equal(report.events, 4);
});

test('an error event that is no envelope is an error all the same', () => {
  const report = meterText(frame('error', 'upstream gone'));
  assert.deepEqual(report.error, { type: 'unknown', message: 'upstream gone' });
  assert.equal(report.malformed, 1);
  assert.deepEqual(meterText('event: error\n\n').error, { type: 'unknown', message: '' });
});

test('P2: the type inside the data counts, under any name', () => {
  const usage = (count: number) => ({ type: 'message_delta', delta: {}, usage: { output_tokens: count } });
  const escaped = '{"t\\u0079pe":"\\u006dessage_delta","usage":{"output_tokens":7}}';
  for (const name of ['content_block_delta', 'content_block_stop', 'message_stop', 'anything', '']) {
    assert.deepEqual(meterText(START, frame(name, usage(7))).usage, { ...USAGE, output_tokens: 7 }, name);
    assert.deepEqual(meterText(START, frame(name, escaped)).usage, { ...USAGE, output_tokens: 7 }, name);
  }
  const twice = '{"type":"content_block_delta","type":"message_delta","usage":{"output_tokens":9}}';
  assert.equal(meterText(frame('content_block_delta', twice)).usage?.output_tokens, 9);
  assert.equal(
    meterText(frame('message_delta', { type: 'content_block_delta', usage: { output_tokens: 9 } })).usage,
    null,
  );
  assert.equal(
    meterText(frame('content_block_stop', { type: 'content_block_start', content_block: { type: 'tool_use' } }))
      .toolUses,
    1,
  );
});

test('P2: what the SDK does not show cannot lower what it does show', () => {
  const lower = { type: 'message_delta', delta: {}, usage: { output_tokens: 0 } };
  for (const hidden of [frame('ping', lower), `data: ${JSON.stringify(lower)}\n\n`])
    assert.equal(meterText(START, DELTA, hidden, STOP).usage?.output_tokens, 512);
});

test('malformed data is counted and passed over', () => {
  const report = meterText(
    frame('message_start', '{"type":'),
    START,
    frame('message_delta', 'x'),
    frame('message_delta', '[1]'),
    DELTA,
  );
  assert.equal(report.malformed, 2);
  assert.equal(report.usage?.output_tokens, 512);
  for (const data of [
    'null',
    '1',
    '"x"',
    '{}',
    '{"type":"message_start"}',
    '{"type":"message_start","message":[]}',
    '{"type":"message_delta"}',
  ])
    assert.deepEqual(meterText(frame('message_start', data)), { ...meterText(PING) });
  assert.equal(meterText(frame('message_delta', '{"type":"message_delta","delta":3,"usage":[1]}')).usage, null);
});

test('an event over the bound counts as malformed', () => {
  const chunk = Buffer.alloc(1 << 20, 0x78);
  const report = meter([
    utf8('event: message_delta\ndata: '),
    ...Array.from({ length: 17 }, () => chunk),
    utf8('\n\n'),
    utf8(STOP),
  ]);
  assert.equal(report.malformed, 1);
  assert.equal(report.complete, true);
});

test('names of the language itself are harmless in usage and elsewhere', () => {
  const data =
    '{"type":"message_delta","__proto__":{"usage":{"x":1}},"usage":{"__proto__":{"polluted":1},"constructor":5,"output_tokens":3}}';
  const { usage } = meterText(frame('message_delta', data));
  assert.ok(usage);
  assert.deepEqual(Object.entries(usage), [
    ['constructor', 5],
    ['output_tokens', 3],
  ]);
  assert.equal(Object.getPrototypeOf(usage), Object.prototype);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
});

test('what is kept of a reply is bounded, and the counts are always kept', () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i]));
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const usage = JSON.stringify({
    ...many,
    ['k'.repeat(100)]: 1,
    big: 'x'.repeat(10_000),
    cache_creation: { a: 1 },
    output_tokens: 4,
  });
  const report = meterText(
    frame('message_start', { type: 'message_start', message: { id: 'i'.repeat(5000), model: 'm'.repeat(5000) } }),
    frame('message_delta', `{"type":"message_delta","usage":{"deep":${deep},"huge":1e999}}`),
    frame('message_delta', `{"type":"message_delta","usage":${usage}}`),
    frame('error', { error: { type: 't'.repeat(5000), message: 'e'.repeat(50_000) } }),
  );
  assert.equal(report.messageId?.length, 256);
  assert.equal(report.model?.length, 256);
  assert.equal(report.error?.type.length, 256);
  assert.equal(report.error?.message.length, 4096);
  const keys = Object.keys(report.usage ?? {});
  assert.equal(keys.length, 66);
  assert.deepEqual(keys.slice(-2), ['cache_creation', 'output_tokens']);
  assert.ok(!keys.some((key) => ['deep', 'huge', 'big'].includes(key)));
});

test('a meter says where a ping may go', () => {
  const meter = new MessageMeter();
  assert.equal(meter.push(utf8(START + PING.slice(0, 5))), utf8(START).length);
  assert.equal(meter.push(utf8(PING.slice(5))), utf8(PING.slice(5)).length);
});

test('P2: a JSON reply is metered', () => {
  const body = {
    ...MESSAGE,
    stop_reason: 'end_turn',
    content: [{ type: 'text', text: 'x' }, { type: 'tool_use' }, { type: 'tool_use' }],
    usage: USAGE,
  };
  const expected = {
    messageId: 'msg_01X',
    model: 'claude-opus-4-8',
    stopReason: 'end_turn',
    usage: USAGE,
    error: null,
    complete: true,
    toolUses: 2,
    visibleBytes: 0,
    events: 0,
    malformed: 0,
  };
  assert.deepEqual(meterMessage(utf8(JSON.stringify(body))), expected);
  // A byte order mark is dropped by fetch's json(), which the SDK reads with.
  assert.deepEqual(meterMessage(utf8(`\ufeff${JSON.stringify(body, null, 2)}`)), expected);
});

test('an error envelope, a token count, and bodies that are neither', () => {
  const nothing = { ...meterText(), malformed: 1 };
  const error = { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' }, request_id: 'req_1' };
  assert.deepEqual(meterMessage(utf8(JSON.stringify(error))), {
    ...nothing,
    malformed: 0,
    error: { type: 'rate_limit_error', message: 'Slow down' },
  });
  assert.deepEqual(meterMessage(utf8('{"input_tokens":2095}')), {
    ...nothing,
    malformed: 0,
    complete: true,
    usage: { input_tokens: 2095 },
  });
  for (const body of ['', '<html>', '[]', 'null', '{}', '{"type":"message"', '{"input_tokens":"1"}'])
    assert.deepEqual(meterMessage(utf8(body)), nothing, body);
});
