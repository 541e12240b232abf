import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delta, event, raw } from '../support/raw.ts';
import { answers, call, charges, HAIKU, MESSAGE_STOP, messageDelta, messageStart, start, streams } from './support.ts';

test('a ping is said between two events, never inside one, however long the provider stops in the middle of it', async (t) => {
  const gateway = await start(t, '', { pingMs: 10 });
  const events = [
    messageStart({ input_tokens: 9, output_tokens: 1 }),
    delta('🙂 one'),
    delta('two'),
    // Larger than what is held back until it is whole.
    delta(`large ${'x'.repeat(200_000)}`),
    messageDelta({ output_tokens: 4 }),
    MESSAGE_STOP,
  ];
  const text = events.join('');
  const pauses = [10, text.indexOf('data:'), text.indexOf('two'), text.indexOf('large') + 150_000, text.length - 2];
  gateway.double.answer = async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let at = 0;
    for (const pause of [...pauses, text.length]) {
      response.write(Buffer.from(text.slice(at, pause)));
      at = pause;
      // Several times as long as the gateway waits before it says something itself.
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    response.end();
  };
  const reply = await raw(gateway.url, { body: call(HAIKU, { stream: true }) });
  const frames = reply.body.toString().split(/(?<=\n\n)/);
  const pings = frames.filter((frame) => frame.startsWith('event: ping\n'));
  assert.ok(pings.length > 0, 'it does ping');
  assert.deepEqual(
    frames.filter((frame) => !frame.startsWith('event: ping\n')),
    events,
  );
});

test('each event reaches the caller before the next is there, with its event line and its comments', async (t) => {
  const gateway = await start(t);
  const events = [
    ': a comment\n\n',
    messageStart({ input_tokens: 1, output_tokens: 1 }),
    'event: ping\ndata: {"type": "ping"}\n\n',
  ];
  for (let n = 0; n < 20; n++) events.push(delta(`${n}`));
  events.push(
    'id: 7\nretry: 10\nevent: future\ndata: {"a":1}\ndata: more\n\n',
    messageDelta({ output_tokens: 1 }),
    MESSAGE_STOP,
  );
  let received = '';
  let arrived = (): void => undefined;
  gateway.double.answer = async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    let sent = '';
    for (const one of events) {
      sent += one;
      response.write(one);
      // Goes on only when the caller has it: whoever collects events, to 8 KiB or to the end, waits here for ever.
      while (received.length < sent.length) {
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
    }
    response.end();
  };
  const reply = await raw(gateway.url, {
    body: call(HAIKU, { stream: true }),
    onData: (chunk) => {
      received += chunk.toString();
      arrived();
    },
  });
  assert.equal(reply.body.toString(), events.join(''));
});

test('errors of the provider come through whole, 402 and 529 among them: status, wording, retry-after, request id', async (t) => {
  const gateway = await start(t, 'budgets: [ { each: person, limit: 1 USD/month } ]');
  const bodies = [
    '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_011CSx"}',
    '{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}',
    '{ "type" : "error", "error": {"type":"invalid_request_error","message":"prompt is too long: 211000 tokens \\u003e 200000 maximum"} }',
    '<html><title>502 Bad Gateway</title></html>',
    '',
  ];
  for (const status of [400, 401, 402, 403, 404, 413, 429, 500, 502, 503, 529]) {
    for (const body of bodies) {
      gateway.double.answer = (_seen, response) => {
        response.writeHead(status, {
          'content-type': body.startsWith('<') ? 'text/html' : 'application/json',
          'retry-after': '17',
          'x-should-retry': 'true',
          'request-id': 'req_011CSx',
          'anthropic-ratelimit-requests-remaining': '0',
        });
        response.end(body);
      };
      for (const stream of [false, true]) {
        const reply = await raw(gateway.url, { body: call(HAIKU, { stream }) });
        assert.equal(reply.status, status);
        assert.equal(reply.body.toString(), body);
        assert.equal(reply.headers['retry-after'], '17');
        assert.equal(reply.headers['x-should-retry'], 'true');
        assert.equal(reply.headers['request-id'], 'req_011CSx');
        assert.equal(reply.headers['anthropic-ratelimit-requests-remaining'], '0');
      }
    }
  }
  const costs = await charges(gateway, 110);
  assert.ok(costs.every((micros) => micros === 0));
});

test('what Claude Code asks beside its messages is served: probes, model lists, counts in a burst, large bodies', async (t) => {
  const gateway = await start(t);
  const client = {
    'user-agent': 'claude-cli/2.1.330 (external, cli)',
    'x-app': 'cli',
    'anthropic-version': '2023-06-01',
  };
  for (const path of ['/', '/api/hello']) {
    const probe = await raw(gateway.url, { method: 'HEAD', path, headers: { ...client, authorization: '' } });
    assert.equal(probe.status, 200, path);
  }
  gateway.double.answer = (seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (seen.url.startsWith('/v1/models'))
      response.end('{"data":[{"id":"claude-opus-5-5","display_name":"Opus"}],"has_more":false}');
    else response.end('{"input_tokens":12}');
  };
  const listed = await raw(gateway.url, { method: 'GET', path: '/v1/models?limit=1000', headers: client });
  assert.equal(listed.status, 200);
  assert.deepEqual(JSON.parse(listed.body.toString()).data, [{ id: 'claude-opus-5-5', display_name: 'Opus' }]);
  const tools = [{ name: 'Bash', input_schema: { type: 'object' } }];
  const counted = JSON.stringify({ model: HAIKU, messages: [{ role: 'user', content: 'hi' }], tools });
  const path = '/v1/messages/count_tokens?beta=true';
  const burst = await Promise.all(
    Array.from({ length: 27 }, () => raw(gateway.url, { path, headers: client, body: counted })),
  );
  assert.ok(burst.every(({ status, body }) => status === 200 && body.toString() === '{"input_tokens":12}'));
  answers(gateway, { input_tokens: 1, output_tokens: 1 });
  // The title request, with an empty list of tools; and a first turn of 130 KB whose second message has the role `system`.
  const format = { type: 'json_schema', schema: { type: 'object', properties: { title: { type: 'string' } } } };
  for (const extra of [
    { tools: [], output_config: { effort: 'medium', format } },
    {
      system: [{ type: 'text', text: 'x'.repeat(130_000) }],
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'system', content: 'now' },
      ],
    },
  ]) {
    const body = call(HAIKU, extra);
    const reply = await raw(gateway.url, { path: '/v1/messages?beta=true', headers: client, body });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(gateway.double.seen.at(-1)?.body.toString(), body);
  }
});

test('a stream that lacks what others always send breaks nothing: no usage, no ids, null where an object should be', async (t) => {
  const gateway = await start(t, 'budgets: [ { each: person, limit: 1 USD/month } ]');
  const odd = [
    event('message_start', {
      type: 'message_start',
      message: { id: '3c5074', role: 'assist ant', usage: {}, error: null },
    }),
    event('content_block_start', { type: 'content_block_start', index: 0, content_block: { type: 'text' } }),
    event('message_start', { type: 'message_start', message: null }),
    event('message_delta', { type: 'message_delta', delta: null, usage: null }),
    event('message_delta', { type: 'message_delta' }),
    'event: content_block_delta\ndata: {"type":"content_block_delta"\n\n',
    'event: message_delta\ndata:\n\n',
  ];
  streams(gateway, ...odd, delta('Hello!'), MESSAGE_STOP);
  const reply = await raw(gateway.url, { body: call(HAIKU, { stream: true }) });
  assert.equal(reply.status, 200);
  assert.equal(reply.body.toString(), [...odd, delta('Hello!'), MESSAGE_STOP].join(''));
  const [micros = 0] = await charges(gateway, 1);
  assert.ok(micros > 0, 'and it is not free');
  assert.equal(gateway.ledger.running, 0);
});
