import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { OPEN_POLICY } from '../support/governance.ts';
import { raw } from '../support/raw.ts';
import { answers, call, charges, HAIKU, start } from './support.ts';

/** Not in the price list: not out yet, misspelled, of another vendor, with an empty date. */
const UNKNOWN = ['claude-opus-9', 'claude-opus-4.1', 'claude-haiku-4-5-', 'glm-5.1', 'anthropic/claude-haiku-4-5', 'x'];

test('a model without a price is never free: it costs the dearest that is known, and a budget bites', async (t) => {
  for (const model of UNKNOWN) {
    const gateway = await start(t, 'budgets: [ { each: person, limit: 0.01 USD/month } ]');
    answers(gateway, { input_tokens: 1000, output_tokens: 500 }, model);
    const first = await raw(gateway.url, { body: call(model, { max_tokens: 20 }) });
    assert.equal(first.status, 200, `${model}: ${first.body}`);
    const [micros = 0] = await charges(gateway, 1);
    // At least what the dearest model in the list costs: Opus 4.1 at $15 and $75 a million.
    assert.ok(micros >= 1000 * 15 + 500 * 75, `${model}: ${micros}`);
    assert.equal((await raw(gateway.url, { body: call(model, { max_tokens: 20 }) })).status, 429, model);
    assert.equal(gateway.double.begun(), 1, model);
  }
});

test('where the policy refuses models without a price, none is sent; under a strict budget each is held at the dearest', async (t) => {
  const refusing = await start(t, 'models: { unknown_price: refuse }');
  const strict = await start(t, 'budgets: [ { each: person, limit: 1 USD/month, hold: strict } ]');
  for (const model of UNKNOWN) {
    const reply = await raw(refusing.url, { body: call(model) });
    assert.equal(reply.status, 451, model);
    assert.match(reply.body.toString(), /No price is known for/);
    await raw(strict.url, { body: call(model, { max_tokens: 100 }) });
    assert.ok(Number(strict.journal.of('intent').at(-1)?.reserved) >= 100 * 75, model);
  }
  assert.equal(refusing.double.begun(), 0);
});

test('a price that cannot be read, or is no price, is refused with the whole policy: none becomes zero by accident', () => {
  for (const price of [
    'input: ""',
    'input: free',
    'input: -3',
    'input: .nan',
    'input: 1e400',
    'input: null',
    'inptu: 3',
    'discount: 100%',
    'discount: 0%',
  ]) {
    const text = `${OPEN_POLICY}\nprices: [ { models: claude-*, ${price} } ]`;
    assert.equal(loadPolicy({ text, file: 'policy.yaml' }).ok, false, price);
  }
});

test('a model that is new today is allowed by the pattern that fits it, and a dated name by the name without its date', async (t) => {
  const policy = 'models: { allowed: [claude-sonnet-*, claude-haiku-4-5] }';
  const gateway = await start(t, policy);
  for (const model of ['claude-sonnet-9', 'claude-sonnet-9-20310101', HAIKU, `${HAIKU}-20251001`]) {
    const reply = await raw(gateway.url, { body: call(model) });
    assert.equal(reply.status, 200, `${model}: ${reply.body}`);
  }
  for (const model of ['claude-opus-5-5', `${HAIKU}x`, 'sonnet']) {
    assert.equal((await raw(gateway.url, { body: call(model) })).status, 451, model);
  }
});
