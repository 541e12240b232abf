import assert from 'node:assert/strict';
import { test } from 'node:test';
import { priceTable } from '../../src/pricing/table.ts';
import { fits } from '../support/glob.ts';
import { at, counts, NOW, override, price, request } from './support.ts';

const OPUS = 'claude-opus-5-5';
const used = counts({ inputTokens: 1000, outputTokens: 100 });

test('a discount is taken off every class, exactly, and the id says contract', () => {
  const found = price(OPUS, override({ models: ['claude-opus-*'], discount: '0.12' }));
  assert.deepEqual([found.id, found.known], ['claude-opus-5-5@2026-09-22+contract', true]);
  assert.equal(found.cost(used), 5280); // (1000×4 + 100×20) × 0.88
  assert.equal(found.cost(counts({ cacheReadTokens: 1000 })), 176); // 200 × 0.88
  assert.equal(found.cost(counts({ cacheWrite5mTokens: 1000, cacheWrite1hTokens: 1000 })), 11_440); // 13,000 × 0.88
  assert.equal(found.cost(counts({ webSearches: 1 })), 10_000); // searches are not tokens
  assert.equal(found.cost({ ...used, fast: true, geo: 'us' }), 11_616); // 5280 × 2 × 1.1
  // Long prompts too: 200,000 × 0.50 × 0.9
  const haiku = price('claude-haiku-5-5', override({ discount: '0.1' }));
  assert.equal(haiku.cost(counts({ inputTokens: 200_000 })), 90_000);
  // 1 − 1/3 to nine digits: 3000 × 4 × 0.666666667 = 8000.000004
  assert.equal(price(OPUS, override({ discount: '0.333333333' })).cost(counts({ inputTokens: 3000 })), 8001);
  assert.equal(price(OPUS, override({ discount: '1' })).cost(used), 0);
});

test('explicit prices replace the classes they name, at every length of prompt', () => {
  const found = price(OPUS, override({ usd: { input: '3.5', cache_read: '0' } }));
  assert.equal(found.cost(counts({ inputTokens: 1000, cacheReadTokens: 5000, outputTokens: 100 })), 5500); // 3500 + 0 + 2000
  const haiku = price('claude-haiku-5-5', override({ usd: { input: '0.09' } }));
  assert.equal(haiku.cost(counts({ inputTokens: 200_000, outputTokens: 1000 })), 20_500); // 200,000×0.09 + 1000×2.50
  const both = price(OPUS, override({ usd: { input: '1' }, discount: '0.5' }));
  assert.equal(both.cost(used), 2000); // 1000×1 + 100×20×0.5
});

test('a contract may be dearer than the list, and the bound follows it', () => {
  const found = price(OPUS, override({ usd: { cache_read: '100' } }));
  // 3000 tokens (1000 bytes and 2000) × 100 × 1.1 + 1000 × 20 × 1.1
  assert.equal(found.bound(request({ bytes: 1000, maxTokens: 1000 })), 352_000);
});

test('a contract holds from its first moment until just before its end', () => {
  const [from, until] = [at('2026-10-01T00:00:00Z'), at('2026-12-01T00:00:00Z')];
  const table = priceTable({ overrides: [override({ discount: '0.5', from, until })], matches: fits });
  const costAt = (time: number) => table.find({ model: OPUS, at: time }).cost(used);
  assert.deepEqual([from - 1, from, until - 1, until].map(costAt), [6000, 3000, 3000, 6000]);
  const open = priceTable({ overrides: [override({ discount: '0.5', until })], matches: fits });
  assert.equal(open.find({ model: OPUS, at: 0 }).cost(used), 3000);
});

test('a contract and a change of the list meet each at its own time', () => {
  const from = at('2026-10-05T00:00:00Z');
  const table = priceTable({ overrides: [override({ discount: '0.5', from })], matches: fits });
  const seen = ['2026-10-04', '2026-10-06', '2026-10-08'].map((day) => {
    const found = table.find({ model: 'claude-sonnet-5-5', at: at(day) });
    return [found.id, found.cost(counts({ cacheReadTokens: 1000 }))];
  });
  assert.deepEqual(seen, [
    ['claude-sonnet-5-5@2026-09-28', 200],
    ['claude-sonnet-5-5@2026-09-28+contract', 100],
    ['claude-sonnet-5-5@2026-10-07+contract', 50],
  ]);
});

test('the first contract that names the model and holds decides', () => {
  const half = override({ models: ['claude-sonnet-*', OPUS], discount: '0.5' });
  const tenth = override({ models: ['claude-*'], discount: '0.1' });
  const over = override({ models: ['*'], discount: '0.9', until: NOW });
  assert.equal(price(OPUS, half, tenth).cost(used), 3000);
  assert.equal(price(OPUS, tenth, half).cost(used), 5400);
  assert.equal(price(OPUS, over, tenth).cost(used), 5400);
  assert.equal(price('claude-haiku-4-5', half).id, 'claude-haiku-4-5@2025-10-15');
});

test('a contract for a family holds for its dated names, and one for a dated name for that alone', () => {
  const family = override({ models: ['claude-haiku-4-5'], discount: '0.5' });
  assert.equal(price('claude-haiku-4-5-20251001', family).cost(used), 750); // (1000 + 500) / 2
  const dated = override({ models: ['claude-haiku-4-5-20251001'], discount: '0.5' });
  assert.equal(price('claude-haiku-4-5-20251001', dated).cost(used), 750);
  assert.equal(price('claude-haiku-4-5', dated).cost(used), 1500);
});

test('a contract makes an unknown model known only when it names every class', () => {
  const every = { input: '1', cache_write_5m: '2', cache_write_1h: '3', cache_read: '4', output: '5' };
  const known = price('claude-zeta-9', override({ usd: every }));
  assert.deepEqual([known.id, known.known], ['unknown+contract', true]);
  // 100 × (1 + 2 + 3 + 4 + 5)
  const each = { inputTokens: 100, cacheWrite5mTokens: 100, cacheWrite1hTokens: 100, cacheReadTokens: 100 };
  assert.equal(known.cost(counts({ ...each, outputTokens: 100 })), 1500);
  const partly = price('claude-zeta-9', override({ usd: { input: '1' }, discount: '0.5' }));
  assert.deepEqual([partly.id, partly.known], ['unknown+contract', false]);
  assert.equal(partly.cost(used), 13_500); // 1000×1 + 100×125: there is no list price to take half of
  const discount = price('claude-zeta-9', override({ discount: '0.5' }));
  assert.deepEqual([discount.id, discount.known, discount.cost(used)], ['unknown', false, 37_500]); // 1000×25 + 100×125
});

test('a contract that is no number is an error that names its place', () => {
  for (const usd of ['', '-1', '1e3', '1,5', ' 1', '1.', '.5', 'NaN', '1.0000000001', '1234567']) {
    assert.throws(() => price(OPUS, override({ usd: { input: usd } })), {
      name: 'RangeError',
      message: /^prices\[0\]: /,
    });
  }
  for (const discount of ['1.1', '12%', '-0.1']) {
    assert.throws(() => price(OPUS, override({ discount })), { name: 'RangeError', message: /^prices\[0\]: / });
  }
});
