import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIST } from '../../src/pricing/list.ts';
import type { Price, RequestSize, UsageCounts } from '../../src/pricing/model.ts';
import { counts, override, price, request } from './support.ts';

const bound = (model: string, given: Partial<RequestSize>) => price(model).bound(request(given));

test('P2: the bound is every prompt token at the dearest class and every output token, in the dearest region', () => {
  // Opus 5.5: (1000 + 2000) × 8 + 500 × 20 = 34,000; × 1.1
  assert.equal(bound('claude-opus-5-5', { bytes: 1000, maxTokens: 500 }), 37_400);
  assert.equal(bound('claude-opus-5-5', { bytes: 1000, maxTokens: 500, fast: true }), 74_800);
  // Haiku 4.5 takes no region: 3000 × 2 + 500 × 5
  assert.equal(bound('claude-haiku-4-5', { bytes: 1000, maxTokens: 500 }), 8500);
  // More bytes than the window: 200,000 × 2 + 500 × 5
  assert.equal(bound('claude-haiku-4-5', { bytes: 500_000, maxTokens: 500 }), 402_500);
  assert.equal(bound('claude-haiku-4-5', { bytes: 10, maxTokens: 500, opaque: true }), 402_500);
  // The model writes no more than it can: 3000 × 2 + 64,000 × 5
  assert.equal(bound('claude-haiku-4-5', { bytes: 1000, maxTokens: 1_000_000 }), 326_000);
  // Unknown: (3000 × 50 + 500 × 125) × 1.1, and the window of two million for what is opaque
  assert.equal(bound('claude-zeta-9', { bytes: 1000, maxTokens: 500 }), 233_750);
  assert.equal(bound('claude-zeta-9', { opaque: true, maxTokens: 500 }), 110_068_750);
});

test('P2: long-prompt prices count where the prompt could be that long', () => {
  // 98,000 bytes and 2000: exactly 100,000 × 0.20 + 1000 × 0.50 = 20,500; × 1.1
  assert.equal(bound('claude-haiku-5-5', { bytes: 98_000, maxTokens: 1000 }), 22_550);
  // One more: 100,001 × 1 + 1000 × 2.50 = 102,501; × 1.1 = 112,751.1
  assert.equal(bound('claude-haiku-5-5', { bytes: 98_001, maxTokens: 1000 }), 112_752);
});

test('P2: each use of a server tool is one more pass over the whole window, and a search has its fee', () => {
  // Haiku 4.5, two uses: three passes of 200,000 × 2 + 500 × 5 = 402,500
  assert.equal(bound('claude-haiku-4-5', { bytes: 1000, maxTokens: 500, serverUses: 2 }), 1_207_500);
  const searching = { bytes: 1000, maxTokens: 500, serverUses: 2, webSearch: true };
  assert.equal(bound('claude-haiku-4-5', searching), 1_227_500); // and 2 × 10,000
});

test('P2: a request for no output, which only fills the cache, is bounded by its input', () => {
  // Haiku 4.5: 1000 bytes and 2000 tokens added, at $2 a million for an hour in the cache.
  assert.equal(bound('claude-haiku-4-5', { bytes: 1000, maxTokens: 0 }), 6000);
});

test('P2: what nothing bounds has no bound', () => {
  const unbounded: Partial<RequestSize>[] = [
    { maxTokens: null },
    { maxTokens: -1 },
    { maxTokens: 1.5 },
    { maxTokens: Number.NaN },
    { maxTokens: 2 ** 53 },
    { serverUses: null },
    { serverUses: -1 },
    { serverUses: 0.5 },
    { serverUses: Number.MAX_SAFE_INTEGER },
    { bytes: Number.NaN },
    { bytes: -1 },
    { unbounded: true },
  ];
  for (const given of unbounded) assert.equal(bound('claude-opus-5-5', given), null, JSON.stringify(given));
});

const size = fc.record({
  bytes: fc.nat(3_000_000),
  maxTokens: fc.integer({ min: 1, max: 200_000 }),
  opaque: fc.boolean(),
  serverUses: fc.oneof(fc.constant(0), fc.nat(10)),
  webSearch: fc.boolean(),
  unbounded: fc.constant(false),
  fast: fc.boolean(),
});
const models = [...LIST.map(({ model }) => model), 'claude-zeta-9'];
const decimal = fc.nat(200_000).map((value) => (value / 1000).toFixed(3));
const usd = fc.record(
  { input: decimal, cache_write_5m: decimal, cache_write_1h: decimal, cache_read: decimal, output: decimal },
  { requiredKeys: [] },
);
const discount = fc.option(fc.nat(1000).map((value) => (value / 1000).toFixed(3)));
const contracts = fc.option(fc.record({ discount, usd }));
/** Where the prompt is cut into its four classes, and how much of it and of the output is used. */
const cuts = fc.tuple(
  ...[0, 1, 2, 3, 4, 5].map(() => fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true }))),
);
const flags = fc.record({ geo: fc.constantFrom(null, 'global', 'us', 'eu'), batch: fc.boolean() });

/** Any usage that such a request can lead to; nothing here comes from the code under test but the size of the window. */
function usageWithin(
  sent: RequestSize,
  found: Price,
  [used, a, b, c, output, searches]: readonly number[],
): UsageCounts {
  const uses = sent.serverUses ?? 0;
  const window = found.contextWindow;
  const prompt = uses === 0 && !sent.opaque ? Math.min(window, sent.bytes + 2000) : window * (uses + 1);
  const total = Math.floor(prompt * (used ?? 0));
  const marks = [a, b, c].map((part) => Math.floor(total * (part ?? 0))).sort((x, y) => x - y);
  const [first = 0, second = 0, third = 0] = marks;
  const most = Math.min(sent.maxTokens ?? 0, found.maxOutput) * (uses + 1);
  return counts({
    inputTokens: first,
    cacheWrite5mTokens: second - first,
    cacheWrite1hTokens: third - second,
    cacheReadTokens: total - third,
    outputTokens: Math.floor(most * (output ?? 0)),
    webSearches: sent.webSearch ? Math.floor(uses * (searches ?? 0)) : 0,
  });
}

test('P2: no usage within a request costs more than its bound, on any model and contract, rounded up or not', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...models),
      contracts,
      size,
      cuts,
      flags,
      (model, contract, sent, parts, { geo, batch }) => {
        const found = price(model, ...(contract === null ? [] : [override(contract)]));
        const most = found.bound(sent);
        assert.ok(most !== null);
        for (const fast of sent.fast ? [true, false] : [false]) {
          const spent = found.cost({ ...usageWithin(sent, found, parts), geo, batch, fast });
          assert.ok(spent <= most, `${model}: ${spent} > ${most}`);
        }
      },
    ),
    { seed: 20261120, numRuns: 3000 },
  );
});
