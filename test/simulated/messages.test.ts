import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageParam, Tool } from '@anthropic-ai/sdk/resources/messages';
import { events, prompt, raw, sdk, simulation, textOf } from './client.ts';

const upstream = await simulation();
const client = sdk(upstream);
const model = 'claude-opus-5-5';
const HELLO = 'Simulated answer from claude-opus-5-5: no model was asked. You wrote "hello there".';
const hello = { model, max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello there' }] };

test('a text turn as JSON: the official SDK reads it', async () => {
  const message = await client.messages.create(hello);
  assert.equal(message.role, 'assistant');
  assert.equal(message.model, model);
  assert.match(message.id, /^msg_sim_[0-9a-f]{24}$/);
  assert.deepEqual(message.content, [{ type: 'text', text: HELLO, citations: null }]);
  assert.equal(message.stop_reason, 'end_turn');
  // A quarter of the 82 bytes of the answer, rounded up.
  assert.equal(message.usage.output_tokens, 21);
  assert.ok(message.usage.input_tokens > 3);
  assert.match(message._request_id ?? '', /^req_sim_/);
});

test('a text turn as a stream: the official SDK reads the same message', async () => {
  const whole = await client.messages.create(hello);
  const streamed = await client.messages.stream(hello).finalMessage();
  assert.equal(streamed.content[0]?.type === 'text' && streamed.content[0].text, HELLO);
  assert.deepEqual(streamed.usage, whole.usage);
  assert.equal(streamed.stop_reason, 'end_turn');
});

test('a stream has the events of the API in their order', async () => {
  const { body, headers } = await raw(upstream, '/v1/messages?beta=true', {
    body: prompt('hello there', { stream: true }),
  });
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
  const stream = events(body);
  const names = stream.map(({ event }) => event);
  assert.deepEqual(names.slice(0, 3), ['message_start', 'ping', 'content_block_start']);
  assert.deepEqual(names.slice(-3), ['content_block_stop', 'message_delta', 'message_stop']);
  const deltas = names.slice(3, -3);
  assert.ok(deltas.length >= 4, 'several deltas');
  assert.deepEqual(new Set(deltas), new Set(['content_block_delta']));
  for (const { event, data } of stream) assert.equal(data.type, event);
  assert.equal(textOf(stream), HELLO);
  const start = stream[0]?.data.message as { usage: Record<string, unknown> };
  assert.equal(start.usage.output_tokens, 1);
  for (const key of [
    'input_tokens',
    'cache_creation_input_tokens',
    'cache_read_input_tokens',
    'cache_creation',
    'service_tier',
    'inference_geo',
  ]) {
    assert.ok(key in start.usage, key);
  }
});

test('the same body gives the same answer, another body another id', async () => {
  const ask = (text: string, stream: boolean) => raw(upstream, '/v1/messages', { body: prompt(text, { stream }) });
  for (const stream of [false, true]) {
    const [first, second, other] = [await ask('same', stream), await ask('same', stream), await ask('other', stream)];
    assert.deepEqual(first.body, second.body);
    assert.notDeepEqual(first.body, other.body);
  }
  const ids = await Promise.all(
    ['x', 'y'].map(async (text) => JSON.parse((await ask(text, false)).body.toString()).id),
  );
  assert.notEqual(ids[0], ids[1]);
});

test('the quote leaves out reminders, control characters and what is too long', async () => {
  const content = [
    { type: 'text' as const, text: `real\n\u001b[31m ${'long '.repeat(100)}` },
    { type: 'text' as const, text: '<system-reminder>not this</system-reminder>' },
  ];
  const message = await client.messages.create({ ...hello, messages: [{ role: 'user', content }] });
  const text = message.content[0]?.type === 'text' ? message.content[0].text : '';
  assert.match(text, /You wrote "real \\u\{1b\}\[31m long .*…"\.$/);
  assert.ok(text.length < 250);
});

test('max_tokens cuts a text where a real answer would stop', async () => {
  const message = await client.messages.create({ ...hello, max_tokens: 5 });
  assert.equal(message.stop_reason, 'max_tokens');
  assert.equal(message.usage.output_tokens, 5);
  assert.equal(message.content[0]?.type === 'text' && message.content[0].text, HELLO.slice(0, 20));
});

const bash: Tool = { name: 'Bash', input_schema: { type: 'object', properties: { command: { type: 'string' } } } };

for (const streaming of [false, true]) {
  test(`a tool turn and its follow-up, ${streaming ? 'streamed' : 'as JSON'}`, async () => {
    const send = (messages: MessageParam[]) => {
      const body = { model, max_tokens: 500, tools: [bash], messages };
      return streaming ? client.messages.stream(body).finalMessage() : client.messages.create(body);
    };
    const asked: MessageParam = {
      role: 'user',
      content: '[[sim:tool Bash {"command":"echo \\"hi\\" ]] ü"}]] [[sim:tool Bash {"command":"second"}]]',
    };
    const first = await send([asked]);
    const call = first.content[0];
    assert.ok(call?.type === 'tool_use');
    assert.equal(first.stop_reason, 'tool_use');
    assert.equal(call.name, 'Bash');
    assert.deepEqual(call.input, { command: 'echo "hi" ]] ü' });
    assert.match(call.id, /^toolu_sim_[0-9a-f]{24}$/);

    const result = (id: string, text: string): MessageParam => ({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: id, content: text }],
    });
    const soFar: MessageParam[] = [
      asked,
      { role: 'assistant', content: first.content },
      result(call.id, 'hi [[sim:status 500]]'),
    ];
    const second = await send(soFar);
    const again = second.content[0];
    assert.ok(again?.type === 'tool_use', 'the second directive of the prompt answers the first result');
    assert.deepEqual(again.input, { command: 'second' });
    assert.notEqual(again.id, call.id);

    const last = await send([...soFar, { role: 'assistant', content: second.content }, result(again.id, 'two\nlines')]);
    assert.equal(last.stop_reason, 'end_turn');
    assert.equal(
      last.content[0]?.type === 'text' && last.content[0].text,
      'Simulated answer: the tool said "two lines".',
    );
  });
}

test('a later prompt is not answered by the directive of an earlier one', async () => {
  const message = await client.messages.create({
    model,
    max_tokens: 100,
    messages: [
      { role: 'user', content: '[[sim:tool Bash {}]] [[sim:tool Bash {}]] [[sim:status 500]]' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'x', is_error: true }] },
      { role: 'assistant', content: 'Simulated answer.' },
      { role: 'user', content: 'hello there' },
    ],
  });
  assert.equal(message.content[0]?.type === 'text' && message.content[0].text, HELLO);
});

for (const name of ['Agent', 'Task']) {
  test(`a sub-agent is started with the tool ${name} where that is offered`, async () => {
    const tool: Tool = {
      name,
      input_schema: { type: 'object', properties: { description: {}, prompt: {}, subagent_type: {} } },
    };
    const start = await client.messages.create({
      ...hello,
      max_tokens: 500,
      tools: [bash, tool],
      messages: [{ role: 'user', content: '[[sim:agent]]' }],
    });
    const call = start.content[0];
    assert.ok(call?.type === 'tool_use');
    assert.equal(call.name, name);
    assert.deepEqual(call.input, {
      description: 'Simulated sub-task',
      prompt: 'Say hello from the sub-agent.',
      subagent_type: 'general-purpose',
    });
    const report = `${'preamble '.repeat(60)}The report follows:\n  Line one.\n  Line two.\nagentId: 1`;
    const followUp = await client.messages.create({
      ...hello,
      messages: [
        { role: 'user', content: '[[sim:agent]]' },
        { role: 'assistant', content: start.content },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: report }] }],
        },
      ],
    });
    const text = followUp.content[0]?.type === 'text' ? followUp.content[0].text : '';
    assert.equal(text, 'Simulated answer: the tool said "Line one. Line two.".');
  });
}

test('a title request gets valid JSON for its schema, whatever the prompt holds', async () => {
  const schema = {
    type: 'object',
    properties: { title: { type: 'string' }, n: { type: 'integer' }, kind: { enum: ['a', 'b'] } },
  };
  const { body } = await raw(upstream, '/v1/messages', {
    body: prompt('[[sim:status 500]]', { tools: [], output_config: { format: { type: 'json_schema', schema } } }),
  });
  const text = JSON.parse(body.toString()).content[0].text as string;
  assert.deepEqual(JSON.parse(text), { title: 'Simulated session', n: 0, kind: 'a' });
});

test('the first sight of a marked prefix is a cache write, later ones are reads', async () => {
  const mark = { type: 'ephemeral' as const };
  const system = [{ type: 'text' as const, text: 'rules '.repeat(100), cache_control: mark }];
  const turn = (messages: MessageParam[]) => client.messages.create({ model, max_tokens: 50, system, messages });
  const one: MessageParam = {
    role: 'user',
    content: [{ type: 'text', text: 'one '.repeat(50), cache_control: { type: 'ephemeral', ttl: '1h' } }],
  };
  const first = (await turn([one])).usage;
  // 600 bytes of rules and 200 of the message, with their JSON around them, at four bytes a token.
  assert.ok((first.cache_creation?.ephemeral_5m_input_tokens ?? 0) >= 150);
  assert.ok((first.cache_creation?.ephemeral_1h_input_tokens ?? 0) >= 50);
  assert.equal(first.cache_read_input_tokens, 0);
  const sum =
    (first.cache_creation?.ephemeral_5m_input_tokens ?? 0) + (first.cache_creation?.ephemeral_1h_input_tokens ?? 0);
  assert.equal(first.cache_creation_input_tokens, sum);

  const second = (await turn([one])).usage;
  assert.equal(second.cache_read_input_tokens, sum);
  assert.equal(second.cache_creation_input_tokens, 0);
  assert.equal(second.input_tokens, first.input_tokens);

  // The mark has moved on, as Claude Code moves it: the old prefix is still read, the new part is written.
  const moved = (
    await turn([
      { role: 'user', content: [{ type: 'text', text: 'one '.repeat(50) }] },
      { role: 'assistant', content: 'ok' },
      { role: 'user', content: [{ type: 'text', text: 'two '.repeat(50), cache_control: mark }] },
    ])
  ).usage;
  assert.equal(moved.cache_read_input_tokens, sum);
  assert.ok((moved.cache_creation?.ephemeral_5m_input_tokens ?? 0) >= 50);

  const elsewhere = (
    await client.messages.create({ model: 'claude-haiku-5-5', max_tokens: 50, system, messages: [one] })
  ).usage;
  assert.equal(elsewhere.cache_read_input_tokens, 0, 'another model shares no cache');
});

test('count_tokens is what the turn is then charged in all', async () => {
  const messages: MessageParam[] = [
    { role: 'user', content: [{ type: 'text', text: 'count me', cache_control: { type: 'ephemeral' } }] },
  ];
  const { input_tokens } = await client.messages.countTokens({ model, messages });
  const { usage } = await client.messages.create({ model, max_tokens: 10, messages });
  const charged = usage.input_tokens + (usage.cache_creation_input_tokens ?? 0) + (usage.cache_read_input_tokens ?? 0);
  assert.equal(input_tokens, charged);
});
