import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageCounts } from '../../src/pricing/model.ts';
import { counts, price } from './support.ts';

/** Expected micro-dollars are worked out by hand; USD per million tokens is micro-dollars per token. */
const cost = (model: string, given: Partial<UsageCounts>): number => price(model).cost(counts(given));

test('every class of tokens has its own price', () => {
  const opus = (given: Partial<UsageCounts>) => cost('claude-opus-5-5', given);
  assert.equal(opus({ inputTokens: 1000 }), 4000); // 1000 × 4
  assert.equal(opus({ cacheWrite5mTokens: 1000 }), 5000); // 1000 × 5
  assert.equal(opus({ cacheWrite1hTokens: 1000 }), 8000); // 1000 × 8
  assert.equal(opus({ cacheReadTokens: 1000 }), 200); // 1000 × 0.20
  assert.equal(opus({ outputTokens: 1000 }), 20_000); // 1000 × 20
  assert.equal(opus({ webSearches: 3 }), 30_000); // 3 × 10 USD / 1000
  assert.equal(opus({}), 0);
  // 1200×4 + 300×5 + 700×8 + 50,000×0.20 + 900×20 + 10,000 = 4800 + 1500 + 5600 + 10,000 + 18,000 + 10,000
  const all = { inputTokens: 1200, cacheWrite5mTokens: 300, cacheWrite1hTokens: 700, cacheReadTokens: 50_000 };
  assert.equal(opus({ ...all, outputTokens: 900, webSearches: 1 }), 49_900);
});

test('prices of the list, one vector for each model', () => {
  // 10,000 of every class, 40,000 tokens of prompt: ten thousand times the sum of the five prices.
  const each = 10_000;
  const vectors: [string, number][] = [
    ['claude-fable-5-2', 742_000], // 8 + 10 + 16 + 0.20 + 40 = 74.20
    ['claude-mythos-5-2', 742_000],
    ['claude-fable-5-1', 927_500], // 10 + 12.50 + 20 + 0.25 + 50 = 92.75
    ['claude-mythos-5-1', 927_500],
    ['claude-fable-5', 935_000], // 10 + 12.50 + 20 + 1 + 50 = 93.50
    ['claude-mythos-5', 935_000],
    ['claude-mythos-preview', 2_337_500], // 25 + 31.25 + 50 + 2.50 + 125 = 233.75
    ['claude-opus-5-5', 372_000], // 4 + 5 + 8 + 0.20 + 20 = 37.20
    ['claude-opus-5', 467_500], // 5 + 6.25 + 10 + 0.50 + 25 = 46.75
    ['claude-opus-4-8', 467_500],
    ['claude-opus-4-7', 467_500],
    ['claude-opus-4-6', 467_500],
    ['claude-opus-4-5', 467_500],
    ['claude-opus-4-1', 1_402_500], // 15 + 18.75 + 30 + 1.50 + 75 = 140.25
    ['claude-opus-4', 1_402_500],
    ['claude-sonnet-5-5', 186_000], // 2 + 2.50 + 4 + 0.10 + 10 = 18.60
    ['claude-sonnet-5', 187_000], // 2 + 2.50 + 4 + 0.20 + 10 = 18.70
    ['claude-sonnet-4-6', 280_500], // 3 + 3.75 + 6 + 0.30 + 15 = 28.05
    ['claude-sonnet-4-5', 280_500],
    ['claude-sonnet-4', 280_500],
    ['claude-haiku-5-5', 9350], // 0.10 + 0.125 + 0.20 + 0.01 + 0.50 = 0.935
    ['claude-haiku-4-5', 93_500], // 1 + 1.25 + 2 + 0.10 + 5 = 9.35
    ['claude-3-5-haiku', 74_800], // 0.80 + 1 + 1.60 + 0.08 + 4 = 7.48
  ];
  const used = {
    inputTokens: each,
    cacheWrite5mTokens: each,
    cacheWrite1hTokens: each,
    cacheReadTokens: each,
    outputTokens: each,
  };
  for (const [model, expected] of vectors) assert.equal(cost(model, used), expected, model);
});

test('a long prompt makes every token of the request dearer, and exactly 100,000 tokens are not long', () => {
  const haiku = (given: Partial<UsageCounts>) => cost('claude-haiku-5-5', given);
  const rest = { cacheWrite5mTokens: 20_000, cacheWrite1hTokens: 10_000, cacheReadTokens: 60_000, outputTokens: 2000 };
  // 10,000×0.10 + 20,000×0.125 + 10,000×0.20 + 60,000×0.01 + 2000×0.50 = 1000 + 2500 + 2000 + 600 + 1000
  assert.equal(haiku({ ...rest, inputTokens: 10_000 }), 7100);
  // 10,001×0.50 + 20,000×0.625 + 10,000×1 + 60,000×0.05 + 2000×2.50 = 5000.5 + 12,500 + 10,000 + 3000 + 5000 = 35,500.5
  assert.equal(haiku({ ...rest, inputTokens: 10_001 }), 35_501);
  // Output is no part of the prompt: 100,000×0.10 + 100,000×0.50
  assert.equal(haiku({ inputTokens: 100_000, outputTokens: 100_000 }), 60_000);
  // Reads alone make a prompt long: 100,001×0.05 = 5000.05
  assert.equal(haiku({ cacheReadTokens: 100_001 }), 5001);
  // Sonnet 4.5 beyond 200,000: 200,000×3, then 200,001×6
  assert.equal(cost('claude-sonnet-4-5', { inputTokens: 200_000 }), 600_000);
  assert.equal(cost('claude-sonnet-4-5', { inputTokens: 200_001 }), 1_200_006);
  // From Sonnet 4.6 on long prompts cost nothing extra: 900,000×3
  assert.equal(cost('claude-sonnet-4-6', { inputTokens: 900_000 }), 2_700_000);
});

test('fast mode doubles every class of tokens, and not the searches', () => {
  const used = { inputTokens: 1000, cacheReadTokens: 1000, outputTokens: 1000, webSearches: 1, fast: true };
  assert.equal(cost('claude-opus-5-5', used), 58_400); // 2 × (4000 + 200 + 20,000) + 10,000
  assert.equal(cost('claude-opus-5', used), 71_000); // 2 × (5000 + 500 + 25,000) + 10,000
  assert.equal(cost('claude-fable-5-2', used), 106_400); // 2 × (8000 + 200 + 40,000) + 10,000
  // A model without fast mode that answers so: six times, the dearest that fast mode was. 6 × (2000 + 100 + 10,000) + 10,000
  assert.equal(cost('claude-sonnet-5-5', used), 82_600);
});

test('the region adds a tenth where the model takes one, on tokens only', () => {
  const used = { inputTokens: 1000, outputTokens: 100, webSearches: 1 };
  assert.equal(cost('claude-opus-5-5', { ...used, geo: 'us' }), 16_600); // 1.1 × (4000 + 2000) + 10,000
  assert.equal(cost('claude-opus-5-5', { ...used, geo: 'eu' }), 16_600); // no listed region: not cheaper than a listed one
  for (const geo of ['global', 'not_available', '', null]) {
    assert.equal(cost('claude-opus-5-5', { ...used, geo }), 16_000, String(geo));
  }
  assert.equal(cost('claude-haiku-4-5', { ...used, geo: 'us' }), 11_500); // 1000 + 500 + 10,000: takes no region
  assert.equal(cost('claude-opus-5-5', { ...used, geo: 'us', fast: true }), 23_200); // 2 × 6600 + 10,000
});

test('a batch is half price, searches are not, and fast mode has no batches', () => {
  assert.equal(cost('claude-opus-5-5', { inputTokens: 1000, outputTokens: 100, webSearches: 1, batch: true }), 13_000); // 6000 / 2 + 10,000
  assert.equal(cost('claude-haiku-5-5', { inputTokens: 101_000, batch: true }), 25_250); // 101,000 × 0.50 / 2
  assert.equal(cost('claude-opus-5-5', { inputTokens: 1000, geo: 'us', batch: true }), 2200); // 4000 × 1.1 / 2
  assert.equal(cost('claude-opus-5-5', { inputTokens: 1000, batch: true, fast: true }), 8000); // 4000 × 2
});

test('what is left after the last whole micro-dollar is rounded up, once for the whole call', () => {
  assert.equal(cost('claude-haiku-5-5', { inputTokens: 1 }), 1); // 0.10
  assert.equal(cost('claude-haiku-5-5', { inputTokens: 10 }), 1); // 1.00
  assert.equal(cost('claude-haiku-5-5', { inputTokens: 11 }), 2); // 1.10
  assert.equal(cost('claude-haiku-5-5', { inputTokens: 1, cacheReadTokens: 1, outputTokens: 1 }), 1); // 0.10 + 0.01 + 0.50
  assert.equal(cost('claude-haiku-5-5', { cacheReadTokens: 1, geo: 'us', batch: true }), 1); // 0.01 × 1.1 / 2
  // Ten million reads in binary fractions would not be exact: 9,999,999 × 0.20 × 1.1 = 2,199,999.78
  assert.equal(cost('claude-opus-5-5', { cacheReadTokens: 9_999_999, geo: 'us' }), 2_200_000);
});

test('what is no count, or too much for a number, is an error and never NaN', () => {
  for (const value of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]) {
    for (const name of ['inputTokens', 'cacheWrite5mTokens', 'cacheWrite1hTokens', 'cacheReadTokens'] as const) {
      assert.throws(() => cost('claude-opus-5-5', { [name]: value }), RangeError);
    }
    assert.throws(() => cost('claude-opus-5-5', { outputTokens: value }), RangeError);
    assert.throws(() => cost('claude-opus-5-5', { webSearches: value }), RangeError);
  }
  // 2⁵³ − 1 = 9,007,199,254,740,991; the largest multiple of 20 below it is 9,007,199,254,740,980.
  assert.equal(cost('claude-opus-5-5', { outputTokens: 450_359_962_737_049 }), 9_007_199_254_740_980);
  assert.throws(() => cost('claude-opus-5-5', { outputTokens: 450_359_962_737_050 }), RangeError);
});
