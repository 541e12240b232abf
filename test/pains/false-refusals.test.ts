import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY } from '../support/governance.ts';
import { delta, raw } from '../support/raw.ts';
import {
  answers,
  booksAgree,
  call,
  charges,
  HAIKU,
  MESSAGE_STOP,
  messageDelta,
  messageStart,
  start,
  streams,
  sum,
} from './support.ts';

test('what is enforced is what is recorded: a budget used to three quarters refuses nobody, however many streams there were', async (t) => {
  // 60 calls cost 210,000 micro-dollars of 280,000; counted twice, they would be one and a half times the limit.
  const gateway = await start(
    t,
    'budgets: [ { each: person, limit: 0.28 USD/month }, { for: organization, limit: 0.28 USD/month } ]',
  );
  const usage = { input_tokens: 1000, output_tokens: 500 };
  const statuses = new Set<number>();
  for (let round = 0; round < 6; round++) {
    const stream = round % 2 === 0;
    if (stream)
      streams(gateway, messageStart({ ...usage, output_tokens: 1 }), delta('x'), messageDelta(usage), MESSAGE_STOP);
    else answers(gateway, usage);
    for (const { status } of await Promise.all(
      Array.from({ length: 10 }, () =>
        raw(gateway.url, { path: '/v1/messages?beta=true', body: call(HAIKU, { stream }) }),
      ),
    )) {
      statuses.add(status);
    }
  }
  assert.deepEqual([...statuses], [200]);
  assert.equal(sum(await charges(gateway, 60)), 210_000);
  await booksAgree(gateway);
  // What the caller is shown is the same figure: 21 cents, 75 percent.
  const own = await raw(gateway.url, { method: 'GET', path: '/api/oauth/usage' });
  const { extra_usage } = JSON.parse(own.body.toString()) as { extra_usage: Record<string, unknown> };
  assert.deepEqual([extra_usage.used_credits, extra_usage.utilization], [21, 75]);
});

test('P2: what was held for answers that were given up is free again: their worst case does not pin the budget', async (t) => {
  // Each could cost 10000 × $5 a million, five cents of twelve.
  const gateway = await start(t, 'budgets: [ { each: person, limit: 0.12 USD/month, hold: strict } ]');
  gateway.double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(messageStart({ input_tokens: 10, output_tokens: 1 }) + delta('a few words'));
  };
  const body = call(HAIKU, { stream: true, max_tokens: 10_000 });
  for (let n = 0; n < 20; n++) {
    await raw(gateway.url, { body, onData: (_chunk, destroy) => destroy() }).catch(() => undefined);
    await until(() => gateway.openCalls.count === 0);
  }
  await booksAgree(gateway);
  const spent = await charges(gateway, 20);
  // 10 × $1 and some words at $5 a million, for each.
  assert.ok(sum(spent) > 200 && sum(spent) < 20_000, `${spent}`);
  answers(gateway, { input_tokens: 1, output_tokens: 1 });
  assert.equal((await raw(gateway.url, { body })).status, 200);
});

test('P2: calls that fail, at the provider or before it, cost nothing and keep no place in any limit', async (t) => {
  const gateway = await start(
    t,
    'budgets: [ { each: person, limit: 0.02 USD/month, hold: strict } ]\nrates: [ { each: person, concurrent: 1 } ]',
  );
  for (const status of [400, 401, 402, 404, 413, 429, 500, 529]) {
    gateway.double.answer = (_seen, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end('{"type":"error","error":{"type":"overloaded_error","message":"no"}}');
    };
    assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, status);
    await until(() => gateway.openCalls.count === 0);
  }
  // Refused before it was sent; broken off without an answer.
  assert.equal((await raw(gateway.url, { body: '{"model":7}' })).status, 400);
  gateway.double.answer = (_seen, response) => void response.destroy();
  assert.ok((await raw(gateway.url, { body: call(HAIKU, { stream: true }) })).status >= 500);
  await until(() => gateway.openCalls.count === 0);
  assert.ok(sum((await charges(gateway, 9)).slice(0, 8)) === 0);
  await booksAgree(gateway);
  answers(gateway, { input_tokens: 1, output_tokens: 1 });
  assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, 200);
});

test('refused calls count for nothing: a client that keeps asking is let in as soon as there is money again', async (t) => {
  const line = (limit: string): string => `time_zone: UTC\nbudgets: [ { each: person, limit: ${limit} } ]`;
  const gateway = await start(t, line('0.0035 USD/month'));
  answers(gateway, { input_tokens: 1000, output_tokens: 500 });
  assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, 200);
  for (let n = 0; n < 40; n++) assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, 429);
  await booksAgree(gateway);
  gateway.put(governanceOf(`${OPEN_POLICY}\n${line('0.0200 USD/month')}`));
  assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, 200);
  gateway.put(governanceOf(`${OPEN_POLICY}\n${line('0.0070 USD/month')}`));
  await charges(gateway, 2);
  assert.equal((await raw(gateway.url, { body: call(HAIKU) })).status, 429, 'and what was spent is still known');
});
