import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Estimator } from '../../src/limits/estimator.ts';
import type { Price, UsageCounts } from '../../src/pricing/model.ts';
import { counts as countsOf } from '../pricing/support.ts';

/** Writes to the cache cost 10 micro-dollars a token, output 50. */
const price: Price = {
  id: 'test',
  known: true,
  contextWindow: 200_000,
  maxOutput: 64_000,
  topSpeed: 100,
  cost: (c) => c.cacheWrite5mTokens * 10 + c.outputTokens * 50 + c.inputTokens * 1_000_000,
  bound: () => null,
};
const ask = (e: Estimator, change: Partial<Parameters<Estimator['estimate']>[0]> = {}) =>
  e.estimate({ model: 'm', bytes: 3000, maxTokens: 32_000, price, bound: null, ...change });
const learn = (e: Estimator, counts: Partial<UsageCounts>, { model = 'm', bytes = 3000, times = 1 } = {}) => {
  for (let i = 0; i < times; i++) e.learn({ model, bytes, counts: countsOf(counts) });
};

test('P2: without history a call is estimated at a token for three bytes and 4,096 of output, or max_tokens', () => {
  const e = new Estimator();
  assert.equal(ask(e), 1000 * 10 + 4096 * 50);
  assert.equal(ask(e, { maxTokens: 100 }), 1000 * 10 + 100 * 50);
  assert.equal(ask(e, { maxTokens: null, bytes: 3001 }), 1001 * 10 + 4096 * 50);
});

test('P2: no estimate is above the bound', () => {
  assert.equal(ask(new Estimator(), { bound: 777 }), 777);
  assert.equal(ask(new Estimator(), { bound: 10_000_000 }), 214_800);
});

test('P2: estimates follow the ninetieth percentile of the last calls', () => {
  const e = new Estimator();
  // 64 calls, 100 to 6,400 tokens: nine in ten of them are at most 5,800 (rank 58). Input is 300 writes for 3,000 bytes.
  for (let i = 64; i >= 1; i--) learn(e, { outputTokens: i * 100, cacheWrite5mTokens: 300 });
  assert.equal(ask(e), 300 * 10 + 5800 * 50);
  assert.equal(ask(e, { maxTokens: 1000 }), 300 * 10 + 1000 * 50);
  assert.equal(ask(e, { bytes: 6000 }), 600 * 10 + 5800 * 50);
  assert.equal(ask(e, { model: 'other' }), 1000 * 10 + 4096 * 50);
  learn(e, { outputTokens: 6500, cacheWrite5mTokens: 300 });
  assert.equal(ask(e), 300 * 10 + 5800 * 50, 'the first, of 6,400, is out');
  learn(e, { outputTokens: 10, cacheWrite5mTokens: 30 }, { times: 64 });
  assert.equal(ask(e), 30 * 10 + 10 * 50, 'what is long ago is forgotten');
});

test('P2: classes of input count by their price', () => {
  const e = new Estimator();
  learn(e, { inputTokens: 125, cacheWrite1hTokens: 125, cacheReadTokens: 1250, cacheWrite5mTokens: 5 }, { times: 20 });
  // In writes of five minutes: 125 / 1.25 + 125 * 2 / 1.25 + 1250 * 0.1 / 1.25 + 5 = 405.
  assert.ok(Math.abs(ask(e, { maxTokens: 0 }) / 10 - 405) <= 1);
});

test('P2: few calls, and reports that are not whole, lower no estimate', () => {
  const e = new Estimator();
  learn(e, { outputTokens: 1 }, { times: 15 });
  learn(e, { outputTokens: 1, whole: false }, { times: 50 });
  assert.equal(ask(e), 1000 * 10 + 4096 * 50);
  learn(e, { outputTokens: 9000, cacheWrite5mTokens: 6000 }, { model: 'odd' });
  assert.equal(ask(e, { model: 'odd' }), 1000 * 10 + 4096 * 50, 'one odd call raises nothing');
  learn(e, { outputTokens: 9000, cacheWrite5mTokens: 6000 }, { model: 'big', times: 2 });
  assert.equal(ask(e, { model: 'big' }), 6000 * 10 + 9000 * 50, 'but they raise it');
  learn(e, { outputTokens: 1 });
  assert.equal(ask(e), 50);
});

test('at most 500 models are remembered, those in use', () => {
  const e = new Estimator();
  learn(e, { outputTokens: 1 }, { model: 'used', times: 20 });
  learn(e, { outputTokens: 1 }, { model: 'unused', times: 20 });
  for (let i = 0; i < 499; i++) {
    learn(e, { outputTokens: 1 }, { model: `invented-${i}` });
    ask(e, { model: 'used' });
  }
  assert.equal(ask(e, { model: 'used' }), 50);
  assert.equal(ask(e, { model: 'unused' }), 1000 * 10 + 4096 * 50);
});
