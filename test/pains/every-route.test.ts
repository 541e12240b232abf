import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raw } from '../support/raw.ts';
import { answers, call, charges, HAIKU, start } from './support.ts';

/** Ways to a model that gateways have, and other spellings of ours. */
const ELSEWHERE = [
  '/anthropic/v1/messages',
  '/v1/messages/',
  '//v1/messages',
  '/v1//messages',
  '/V1/MESSAGES',
  '/v1/./messages',
  '/x/../v1/messages',
  '/v1/messages%20',
  '/v1/messages;x',
  '/v1/messages/batches',
  '/v1/messages/count_tokens/..',
  '/v1/complete',
  '/v1/chat/completions',
  '/v1/files',
  '/anthropic_passthrough/v1/messages',
  '/model/anthropic.claude-haiku-4-5/invoke',
  '/v1/projects/p/locations/l/publishers/anthropic/models/claude-haiku-4-5:rawPredict',
];

test('P8: there is no pass-through: what is not a governed route reaches no provider, budget or not', async (t) => {
  for (const policy of ['', 'budgets: [ { each: person, limit: 0 USD/month } ]']) {
    const gateway = await start(t, policy);
    for (const path of ELSEWHERE) {
      for (const method of ['POST', 'GET', 'PUT']) {
        const reply = await raw(gateway.url, { method, path, body: method === 'GET' ? '' : call(HAIKU) });
        assert.ok(reply.status === 404 || reply.status === 400, `${method} ${path}: ${reply.status}`);
      }
    }
    assert.equal(gateway.double.begun(), 0);
    assert.equal(gateway.journal.of('intent').length, 0);
  }
});

test('P2: what goes round a spent budget on other routes costs nothing and has limits of its own: token counts and model lists', async (t) => {
  const gateway = await start(
    t,
    'budgets: [ { each: person, limit: 0 USD/month } ]\nrates: [ { each: person, count_tokens: 3/min } ]',
  );
  answers(gateway, { input_tokens: 9 });
  const body = JSON.stringify({ model: HAIKU, messages: [{ role: 'user', content: 'hi' }] });
  const count = () => raw(gateway.url, { path: '/v1/messages/count_tokens?beta=true', body });
  const statuses = [];
  for (let n = 0; n < 3; n++) statuses.push((await count()).status);
  statuses.push(
    (await raw(gateway.url, { method: 'GET', path: '/v1/models?limit=1000' })).status,
    (await count()).status,
  );
  assert.deepEqual(statuses, [200, 200, 200, 429, 429]);
  assert.deepEqual(await charges(gateway, 3), [0, 0, 0]);
});

test('every kind of limit that a policy can hold does refuse, for everybody together as for one', async (t) => {
  for (const who of ['for: organization', 'each: person', 'each: key', 'each: model']) {
    // Two calls fit under each: they are of about 900 input tokens and 500 output tokens.
    for (const limit of ['requests: 2/min', 'input_tokens: 2k/min', 'output_tokens: 1k/min', 'concurrent: 2']) {
      const gateway = await start(t, `rates: [ { ${who}, ${limit} } ]`);
      let most = 0;
      let open = 0;
      gateway.double.answer = async (_seen, response) => {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 15));
        open--;
        response.writeHead(200, { 'content-type': 'application/json' });
        const usage = { input_tokens: 900, output_tokens: 500 };
        response.end(JSON.stringify({ type: 'message', model: HAIKU, stop_reason: 'end_turn', usage }));
      };
      const body = call(HAIKU, { system: 'x'.repeat(2600) });
      const replies = await Promise.all(Array.from({ length: 12 }, () => raw(gateway.url, { body })));
      assert.ok(
        replies.some(({ status }) => status === 429),
        `${who}, ${limit}`,
      );
      assert.equal(most, 2, `${who}, ${limit}`);
      if (limit !== 'concurrent: 2') assert.equal(gateway.double.begun(), 2, `${who}, ${limit}`);
    }
  }
});
