import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calcPrice } from '@pydantic/genai-prices';
import { LIST } from '../../src/pricing/list.ts';
import type { UsageCounts } from '../../src/pricing/model.ts';
import { counts, NOW, price } from './support.ts';

/**
 * Our list beside the data of @pydantic/genai-prices 0.1.8 of 2026-09-23, by what a million tokens of each class cost on a
 * short prompt, and by what they cost above 200,000 tokens where its data has such a tier.
 */
const CLASSES: readonly [keyof UsageCounts, string, string][] = [
  ['inputTokens', 'input', 'input_mtok'],
  ['cacheWrite5mTokens', 'write 5m', 'cache_write_mtok'],
  ['cacheWrite1hTokens', 'write 1h', 'cache_write_1h_mtok'],
  ['cacheReadTokens', 'read', 'cache_read_mtok'],
  ['outputTokens', 'output', 'output_mtok'],
  ['webSearches', 'search', 'web_searches_kcount'],
];
const EVERY = CLASSES.map(([, name]) => name);

/** Where the two agree on every class. */
const AGREED = [
  'claude-3-5-haiku',
  'claude-fable-5',
  'claude-fable-5-1',
  'claude-haiku-4-5',
  'claude-opus-4',
  'claude-opus-4-1',
  'claude-opus-4-5',
  'claude-opus-4-6',
  'claude-opus-4-7',
  'claude-opus-4-8',
  'claude-opus-5',
  'claude-opus-5-5',
  'claude-sonnet-4',
  'claude-sonnet-4-5',
  'claude-sonnet-4-6',
  'claude-sonnet-5',
];

/** Models whose prices it does not know. */
const MISSING = [
  'claude-fable-5-2', // came after its data
  'claude-haiku-5-5', // came after its data
  'claude-mythos-5', // limited availability
  'claude-mythos-5-1', // limited availability
  'claude-mythos-5-2', // limited availability, and after its data
  'claude-mythos-preview', // limited availability
  'claude-sonnet-5-5', // came after its data, which answers with Sonnet 5 instead
];

/** Names under which it keeps a family that we name without a suffix. */
const ITS_NAMES: Readonly<Record<string, string>> = {
  'claude-opus-4': 'claude-opus-4-0',
  'claude-sonnet-4': 'claude-sonnet-4-0',
  'claude-3-5-haiku': 'claude-3-5-haiku-latest',
};

type Its = Readonly<Record<string, number | { base: number; tiers: { start: number; price: number }[] } | undefined>>;

/** Its prices of a model, or null when it does not know it or takes it for another. */
function its(model: string): Its | null {
  const found = calcPrice({ input_tokens: 1 }, model, { providerId: 'anthropic', timestamp: new Date(NOW) });
  return found?.model.id === (ITS_NAMES[model] ?? model) ? found.model_price : null;
}

/** Classes on which both say the same. One thousand units cost a thousandth of its price for a million tokens or a thousand searches. */
function agreedClasses(model: string, theirs: Its): string[] {
  return CLASSES.filter(([field, name, key]) => {
    const value = theirs[key];
    const usd = typeof value === 'object' ? value.base : value;
    const perUnit = name === 'search' ? 1000 : 1;
    return price(model).cost(counts({ [field]: 1000 })) === Math.round((usd ?? Number.NaN) * 1000 * perUnit);
  }).map(([, name]) => name);
}

test('a second source agrees with the list wherever it knows the model', () => {
  const names = LIST.map(({ model }) => model);
  const known = names.filter((model) => its(model) !== null);
  assert.deepEqual(known.sort(), AGREED);
  assert.deepEqual(names.filter((model) => its(model) === null).sort(), MISSING);
  for (const model of known) assert.deepEqual(agreedClasses(model, its(model) ?? {}), EVERY, model);
});

test('a second source agrees on long prompts, except for Sonnet 4, whose tier it has dropped', () => {
  const tiered = LIST.map(({ model }) => model).filter((model) => typeof its(model)?.input_mtok === 'object');
  assert.deepEqual(tiered, ['claude-sonnet-4-5']);
  for (const [field, name, key] of CLASSES) {
    if (name === 'search') continue;
    const value = its('claude-sonnet-4-5')?.[key];
    const [tier] = typeof value === 'object' ? value.tiers : [];
    assert.equal(tier?.start, 200_000);
    // Output does not lengthen a prompt, so 300,000 reads beside it do: 300,000 × 0.60.
    const [used, beside] = name === 'output' ? [{ cacheReadTokens: 300_000 }, 180_000] : [{}, 0];
    const ours = price('claude-sonnet-4-5').cost(counts({ ...used, [field]: 300_000 }));
    assert.equal(ours - beside, Math.round((tier?.price ?? Number.NaN) * 300_000), name);
  }
});
