import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { OPEN_POLICY } from '../support/governance.ts';
import { raw } from '../support/raw.ts';
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

test('P2: two hundred calls at once, the first that anybody ever made, do not pass a budget that holds a few of them', async (t) => {
  const gateway = await start(t, 'budgets: [ { each: person, limit: 0.02 USD/day, hold: strict } ]');
  gateway.double.answer = async (_seen, response) => {
    // All of them are under way before the first one reports what it cost.
    await new Promise((resolve) => setTimeout(resolve, 50));
    response.writeHead(200, { 'content-type': 'application/json' });
    const usage = { input_tokens: 1000, output_tokens: 500 };
    response.end(JSON.stringify({ type: 'message', model: HAIKU, stop_reason: 'end_turn', usage }));
  };
  const replies = await Promise.all(Array.from({ length: 200 }, () => raw(gateway.url, { body: call(HAIKU) })));
  const passed = replies.filter(({ status }) => status === 200).length;
  assert.equal(replies.filter(({ status }) => status === 429).length, 200 - passed);
  // Each cost 1000 × $1 + 500 × $5 a million.
  assert.equal(sum(await charges(gateway, passed)), passed * 3500);
  assert.ok(passed >= 2 && passed * 3500 <= 20_000, `${passed} calls`);
  assert.equal(gateway.double.begun(), passed);
  await booksAgree(gateway);
});

const SPENT = 'budgets: [ { each: person, limit: 0.0035 USD/month } ]';

test('a budget that is spent on /v1/messages, by streams or not, refuses every further call there, streamed, retried or with a query', async (t) => {
  for (const stream of [true, false]) {
    const gateway = await start(t, SPENT);
    const usage = { input_tokens: 1000, output_tokens: 500 };
    if (stream) streams(gateway, messageStart({ ...usage, output_tokens: 1 }), messageDelta(usage), MESSAGE_STOP);
    else answers(gateway, usage);
    assert.equal((await raw(gateway.url, { body: call(HAIKU, { stream }) })).status, 200);
    assert.deepEqual(await charges(gateway, 1), [3500]);
    for (const path of ['/v1/messages', '/v1/messages?beta=true']) {
      for (const extra of [{}, { stream: true }, { tools: [] }, { metadata: { user_id: 'somebody else' } }]) {
        for (const retry of ['0', '1']) {
          const headers = { 'x-litellm-end-user-id': 'new', 'x-stainless-retry-count': retry };
          const reply = await raw(gateway.url, { path, headers, body: call(HAIKU, extra) });
          assert.equal(reply.status, 429, path);
          assert.equal(reply.headers['x-should-retry'], 'false');
          assert.match(reply.body.toString(), /The budget of \$0\.0035 a month for you is spent/);
        }
      }
    }
    assert.equal(gateway.double.begun(), 1);
    assert.equal(gateway.journal.of('refusal').length, 16, 'and each of them is on record');
  }
});

test('a budget that is written in a way nobody reads is refused with its place, never dropped', () => {
  const wrong: readonly string[] = [
    'budget: [ { each: person, limit: 1 USD/month } ]',
    'budgets: [ { each: person, max_limit: 1, reset_duration: 1M } ]',
    'budgets: [ { each: person, limit: 1 } ]',
    'budgets: [ { each: person, limit: -1 USD/month } ]',
    'budgets: [ { each: customer, limit: 1 USD/month } ]',
    'budgets: { each: person, limit: 1 USD/month }',
    'teams: { payments: { budget: 1 USD/month } }',
    'budgets: [ { each: person, limit: 1 USD/month, modle: claude-* } ]',
  ];
  for (const text of wrong) {
    const loaded = loadPolicy({ text: `${OPEN_POLICY}\n${text}`, file: 'policy.yaml' });
    assert.equal(loaded.ok, false, text);
    if (!loaded.ok)
      assert.ok(
        loaded.problems.every(({ line }) => line > 1),
        text,
      );
  }
});
