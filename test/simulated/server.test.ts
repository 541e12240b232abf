import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { type ReceivedRequest, startSimulatedUpstream } from '../../src/upstream/simulated/server.ts';
import { prompt, raw, sdk, simulation } from './client.ts';

const upstream = await simulation();
const client = sdk(upstream);

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('models: the SDK walks the pages both ways', async () => {
  const ids = [
    'claude-fable-5-2',
    'claude-haiku-5-5',
    'claude-opus-5-5',
    'claude-sonnet-5-5',
    'claude-haiku-4-5',
    'claude-sonnet-4-5',
  ];
  const listed = [];
  for await (const model of client.models.list({ limit: 4 })) listed.push(model);
  assert.deepEqual(
    listed.map(({ id }) => id),
    ids,
  );
  assert.ok(listed.every(({ display_name }) => display_name.endsWith('(simulated)')));

  const first = await client.models.list({ limit: 2 });
  assert.deepEqual([first.has_more, first.first_id, first.last_id], [true, ids[0], ids[1]]);
  const rest = await client.models.list({ limit: 4, after_id: 'claude-haiku-5-5' });
  assert.deepEqual([rest.has_more, rest.data.length], [false, 4]);
  const before = await client.models.list({ limit: 2, before_id: 'claude-sonnet-5-5' });
  assert.deepEqual([before.has_more, before.data.map(({ id }) => id)], [true, ids.slice(1, 3)]);
  const none = await client.models.list({ after_id: 'claude-sonnet-4-5' });
  assert.deepEqual([none.data, none.has_more, none.first_id], [[], false, null]);
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=x',
    'after_id=nobody',
    'after_id=claude-opus-5-5&before_id=claude-opus-5-5',
  ]) {
    assert.equal((await raw(upstream, `/v1/models?${query}`, { method: 'GET' })).status, 400, query);
  }
});

test('one model by id, also with a date; an unknown one is not found', async () => {
  assert.equal((await client.models.retrieve('claude-haiku-4-5')).display_name, 'Claude Haiku 4.5 (simulated)');
  assert.equal((await client.models.retrieve('claude-haiku-4-5-20251001')).id, 'claude-haiku-4-5');
  await assert.rejects(client.models.retrieve('gpt'), Anthropic.NotFoundError);
  for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
    const answer = await raw(upstream, path, { body: prompt('hi', { model: 'claude-nobody-1' }) });
    assert.equal(answer.status, 404);
    assert.deepEqual(JSON.parse(answer.body.toString()).error, {
      type: 'not_found_error',
      message: 'model: claude-nobody-1',
    });
  }
});

test('every answer says that it is simulated and carries its own request id', async () => {
  const seen = new Set<string>();
  const answers = [
    await raw(upstream, '/', { method: 'HEAD' }),
    await raw(upstream, '/nowhere', { method: 'GET' }),
    await raw(upstream, '//', { method: 'GET' }),
    await raw(upstream, '/v1/messages', { body: '{' }),
    await raw(upstream, '/v1/messages', { body: prompt('hi') }),
    await raw(upstream, '/v1/messages', { body: prompt('hi', { stream: true }) }),
    await raw(upstream, '/v1/models', { method: 'GET' }),
    await raw(upstream, '/v1/models', { method: 'GET', headers: { 'x-api-key': 'wrong' } }),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 404, 404, 400, 200, 200, 200, 401],
  );
  for (const { headers } of answers) {
    assert.equal(headers['x-gatehouse-simulated'], 'true');
    assert.match(String(headers['request-id']), /^req_sim_\d{8}$/);
    seen.add(String(headers['request-id']));
  }
  assert.equal(seen.size, answers.length);
});

test('only the key opens it: x-api-key or a bearer token, and a wrong x-api-key is not outweighed', async () => {
  const locked = await simulation({ requiredKey: 'k-1' });
  const cases: readonly [http.OutgoingHttpHeaders, number][] = [
    [{ 'x-api-key': 'k-1' }, 200],
    [{ authorization: 'Bearer k-1' }, 200],
    [{ 'x-api-key': 'k-2' }, 401],
    [{ 'x-api-key': 'k-2', authorization: 'Bearer k-1' }, 401],
    [{ authorization: 'Bearer k-2' }, 401],
    [{ authorization: 'k-1' }, 401],
    [{}, 401],
  ];
  for (const [headers, status] of cases) {
    const out = http.request(`${locked.url}/v1/models`, { headers, agent: false }).end();
    const [answer] = (await once(out, 'response')) as [http.IncomingMessage];
    answer.resume();
    assert.equal(answer.statusCode, status, JSON.stringify(headers));
  }
  await assert.rejects(
    sdk(locked, 'wrong').models.list(),
    (error) => error instanceof Anthropic.AuthenticationError && error.type === 'authentication_error',
  );
});

test('what is not a Messages request is refused as the API would', async () => {
  const cases: readonly [string, RegExp][] = [
    ['', /valid JSON/],
    ['[]', /valid JSON/],
    ['{"a":', /valid JSON/],
    ['{}', /model: Field required/],
    ['{"model":"claude-opus-5-5"}', /messages: Field required/],
    ['{"model":"claude-opus-5-5","messages":[]}', /at least one message/],
    ['{"model":"claude-opus-5-5","messages":[{"role":"user","content":"x"}]}', /max_tokens: Field required/],
    ['{"model":"claude-opus-5-5","max_tokens":0,"messages":[{"role":"user","content":"x"}]}', /max_tokens/],
  ];
  for (const [body, message] of cases) {
    const answer = await raw(upstream, '/v1/messages', { body });
    assert.equal(answer.status, 400, body);
    assert.match(JSON.parse(answer.body.toString()).error.message, message);
  }
  assert.equal((await raw(upstream, '/v1/messages', { method: 'GET' })).status, 404);
});

test('a declared body beyond 40 MB is refused before it is there, one that grows beyond it too', async () => {
  const small = await simulation();
  const out = http.request(`${small.url}/v1/messages`, {
    method: 'POST',
    agent: false,
    headers: { 'x-api-key': 'simulated-key', 'content-length': 40 * 1024 * 1024 + 1 },
  });
  out.on('error', () => undefined);
  out.write('x');
  const [declared] = (await once(out, 'response')) as [http.IncomingMessage];
  assert.equal(declared.statusCode, 413);
  assert.equal(declared.headers.connection, 'close');
  out.destroy();

  const chunk = Buffer.alloc(1024 * 1024, 0x20);
  const grown = http.request(`${small.url}/v1/messages`, {
    method: 'POST',
    agent: false,
    headers: { 'x-api-key': 'simulated-key' },
  });
  grown.on('error', () => undefined);
  const answered = once(grown, 'response') as Promise<[http.IncomingMessage]>;
  for (let i = 0; i < 41; i++) if (!grown.write(chunk)) await Promise.race([once(grown, 'drain'), answered]);
  assert.equal((await answered)[0].statusCode, 413);
  assert.equal(small.received[1]?.body.length, 0, 'nothing of it is kept');
  grown.destroy();
});

test('what arrived is kept as sent', async () => {
  const watched = await simulation();
  const body = prompt('kept  as is');
  await raw(watched, '/v1/messages?beta=true', { body, headers: { 'X-Odd-CASE': 'V', 'anthropic-beta': ['a', 'b'] } });
  const seen: ReceivedRequest | undefined = watched.received[0];
  assert.equal(watched.received.length, 1);
  assert.deepEqual([seen?.method, seen?.path, seen?.aborted], ['POST', '/v1/messages?beta=true', false]);
  assert.equal(seen?.body.toString(), body);
  assert.ok(seen?.rawHeaders.includes('X-Odd-CASE'));
  assert.equal(seen?.headers['x-odd-case'], 'V');
  assert.equal(seen?.headers['anthropic-beta'], 'a, b');
});

test('only the last 1000 requests are kept, and none when not wanted', async () => {
  const [kept, not] = [await simulation(), await simulation({ keepReceived: false })];
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const head = async (url: string) => {
    const [answer] = (await once(http.request(url, { method: 'HEAD', agent }).end(), 'response')) as [
      http.IncomingMessage,
    ];
    answer.resume();
    await once(answer, 'end');
  };
  for (let i = 0; i < 1003; i++) await head(`${kept.url}/?${i}`);
  await head(not.url);
  agent.destroy();
  assert.equal(kept.received.length, 1000);
  assert.equal(kept.received[0]?.path, '/?3');
  assert.equal(not.received.length, 0);
});

test('a caller that hangs up is noticed: while waiting, in a stream, while sending its body', async () => {
  const watched = await simulation();
  const send = (text: string) => {
    const headers = { 'x-api-key': 'simulated-key' };
    const out = http.request(`${watched.url}/v1/messages`, { method: 'POST', agent: false, headers });
    out.on('error', () => undefined);
    return out.end(prompt(text, { stream: true }));
  };
  const waiting = send('[[sim:stall 600000]]');
  await until(() => (watched.received[0]?.body.length ?? 0) > 0);
  assert.equal(watched.received[0]?.aborted, false);
  waiting.destroy();
  await until(() => watched.received[0]?.aborted === true);

  const streaming = send('[[sim:long 1000000 5]]');
  const [answer] = (await once(streaming, 'response')) as [http.IncomingMessage];
  answer.on('error', () => undefined);
  await once(answer, 'data');
  streaming.destroy();
  await until(() => watched.received[1]?.aborted === true);

  const { port } = new URL(watched.url);
  const sending = net.connect(Number(port), '127.0.0.1');
  sending.write('POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
  await until(() => watched.received.length === 3);
  sending.destroy();
  await until(() => watched.received[2]?.aborted === true);
});

test('close ends running answers without blaming their callers, and can be repeated', async () => {
  const closing = await startSimulatedUpstream();
  const answer = raw(closing, '/v1/messages', { body: prompt('[[sim:silence 600000]]', { stream: true }) });
  await until(() => (closing.received[0]?.body.length ?? 0) > 0);
  await closing.close();
  await closing.close();
  await answer.then(
    ({ complete }) => assert.equal(complete, false),
    () => undefined,
  );
  assert.equal(closing.received[0]?.aborted, false);
  await assert.rejects(raw(closing, '/', { method: 'HEAD' }));
});

test('a port that is taken is reported', async () => {
  const port = Number(new URL(upstream.url).port);
  await assert.rejects(startSimulatedUpstream({ port }), /EADDRINUSE/);
});
