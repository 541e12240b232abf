import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { type TestGateway, until } from '../support/gateway.ts';
import { delta, raw } from '../support/raw.ts';
import { booksAgree, call, charges, HAIKU, messageStart, start } from './support.ts';

const BUDGET = 'budgets: [ { each: person, limit: 1 USD/month } ]';

function outcomeOf(gateway: TestGateway): unknown[] {
  const [{ result, levels, cost } = {} as never] = gateway.journal.of('outcome');
  return [result, (levels as { transport: string }).transport, (cost as { basis: string }).basis];
}

test('a caller that hangs up in a stream ends it at the provider, and what was read and said until then is charged', async (t) => {
  const gateway = await start(t, BUDGET);
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(messageStart({ input_tokens: 1000, cache_read_input_tokens: 2000, output_tokens: 1 }));
    const timer = setInterval(() => response.write(delta('x'.repeat(300))), 5);
    response.on('close', () => clearInterval(timer));
  };
  let text = '';
  await raw(gateway.url, {
    body: call(HAIKU, { stream: true, max_tokens: 4000 }),
    onData: (chunk, destroy) => {
      text += chunk.toString();
      if (text.split('content_block_delta').length > 8) destroy();
    },
  }).catch(() => undefined);
  await until(() => gateway.double.aborted() === 1);
  const [micros = 0] = await charges(gateway, 1);
  // 1000 × $1 + 2000 × $0.10, and of the answer at least three pieces of 300 bytes, a token for three of them, at $5 a million.
  assert.ok(micros >= 1000 + 200 + 3 * 100 * 5, `${micros}`);
  assert.deepEqual(outcomeOf(gateway), ['aborted', 'client_gone', 'metered']);
  await booksAgree(gateway);
});

test('a caller that hangs up while it waits, for the first word or for a whole answer, ends the call at the provider and is charged', async (t) => {
  for (const stream of [false, true]) {
    const gateway = await start(t, BUDGET);
    // The model is at work and has said nothing yet.
    gateway.double.answer = () => undefined;
    const headers = { authorization: 'Bearer good', 'content-type': 'application/json' };
    const path = '/v1/messages';
    const waiting = request({ host: '127.0.0.1', port: gateway.port, path, method: 'POST', headers });
    waiting.on('error', () => undefined);
    waiting.end(call(HAIKU, { stream }));
    await until(() => gateway.double.seen.length === 1);
    waiting.destroy();
    await until(() => gateway.double.aborted() === 1);
    const [micros = 0] = await charges(gateway, 1);
    assert.ok(micros > 0, 'what the model read');
    assert.deepEqual(outcomeOf(gateway), ['aborted', 'client_gone', 'metered']);
    await booksAgree(gateway);
  }
});
