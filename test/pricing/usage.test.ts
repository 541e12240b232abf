import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../src/journal/records.ts';
import { usageCounts } from '../../src/pricing/usage.ts';
import { counts, price } from './support.ts';

const MOST = 1_000_000_000;

test('a report of the provider is read field by field', () => {
  const report = {
    input_tokens: 2095,
    cache_creation_input_tokens: 1300,
    cache_read_input_tokens: 80_000,
    cache_creation: { ephemeral_5m_input_tokens: 300, ephemeral_1h_input_tokens: 1000 },
    output_tokens: 503,
    output_tokens_details: { thinking_tokens: 400 },
    server_tool_use: { web_search_requests: 2, web_fetch_requests: 5 },
    service_tier: 'batch',
    inference_geo: 'US',
    speed: 'fast',
    iterations: null,
  };
  assert.deepEqual(
    usageCounts(report),
    counts({
      inputTokens: 2095,
      cacheWrite5mTokens: 300,
      cacheWrite1hTokens: 1000,
      cacheReadTokens: 80_000,
      outputTokens: 503,
      webSearches: 2,
      geo: 'us',
      fast: true,
      batch: true,
    }),
  );
});

test('no report, or one with none of the fields, is not whole', () => {
  const nothing = counts({ whole: false });
  assert.deepEqual(usageCounts(null), nothing);
  assert.deepEqual(usageCounts({}), nothing);
  assert.deepEqual(usageCounts({ service_tier: 'standard', speed: 'standard', input_tokens: null }), nothing);
  assert.deepEqual(
    usageCounts({ cache_creation: null, server_tool_use: [], cache_creation_input_tokens: null }),
    nothing,
  );
});

test('absent and null fields count nothing and leave the rest whole', () => {
  assert.deepEqual(usageCounts({ output_tokens: 7 }), counts({ outputTokens: 7 }));
  assert.deepEqual(usageCounts({ input_tokens: 0, output_tokens: null }), counts({}));
});

test('cache writes without a split are five-minute writes; with any part of a split, the split alone counts', () => {
  assert.deepEqual(usageCounts({ cache_creation_input_tokens: 9 }), counts({ cacheWrite5mTokens: 9 }));
  const halves = { ephemeral_5m_input_tokens: null, ephemeral_1h_input_tokens: null };
  assert.deepEqual(
    usageCounts({ cache_creation_input_tokens: 9, cache_creation: halves }),
    counts({ cacheWrite5mTokens: 9 }),
  );
  const hour = { ephemeral_1h_input_tokens: 9 };
  assert.deepEqual(
    usageCounts({ cache_creation_input_tokens: 9, cache_creation: hour }),
    counts({ cacheWrite1hTokens: 9 }),
  );
});

test('what cannot be believed counts nothing and the call is not whole', () => {
  for (const value of [-1, 0.5, MOST + 1, 1e300, '12', true, {}, [], 'NaN']) {
    for (const field of ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens']) {
      assert.deepEqual(usageCounts({ [field]: value }), counts({ whole: false }), `${field} ${JSON.stringify(value)}`);
    }
    const split = { cache_creation: { ephemeral_1h_input_tokens: value }, output_tokens: 5 };
    assert.deepEqual(usageCounts(split), counts({ outputTokens: 5, whole: false }));
    const searches = { server_tool_use: { web_search_requests: value }, output_tokens: 5 };
    assert.deepEqual(usageCounts(searches), counts({ outputTokens: 5, whole: false }));
  }
  assert.deepEqual(usageCounts({ input_tokens: MOST }), counts({ inputTokens: MOST }));
});

test('only the exact words make a call fast or a batch, and a region is text', () => {
  for (const value of ['Fast', 'standard', 1, null, true]) assert.equal(usageCounts({ speed: value }).fast, false);
  for (const value of ['priority', 'standard', 'Batch', null])
    assert.equal(usageCounts({ service_tier: value }).batch, false);
  assert.deepEqual(usageCounts({ output_tokens: 1, inference_geo: 5 }), counts({ outputTokens: 1, whole: false }));
  assert.deepEqual(usageCounts({ output_tokens: 1, inference_geo: null }), counts({ outputTokens: 1 }));
});

const pass = (given: JsonObject) => ({ type: 'message', input_tokens: 0, output_tokens: 0, ...given });

test('passes that the top level leaves out are counted: of each class the larger of the two', () => {
  // The example of compaction on the server: 180,000 + 23,000 read, 3500 + 1000 written.
  const compacted = {
    input_tokens: 23_000,
    output_tokens: 1000,
    iterations: [
      pass({ type: 'compaction', input_tokens: 180_000, output_tokens: 3500 }),
      pass({ input_tokens: 23_000, output_tokens: 1000 }),
    ],
  };
  assert.deepEqual(usageCounts(compacted), counts({ inputTokens: 203_000, outputTokens: 4500 }));
  // A top level that holds everything is not counted twice, class by class.
  const cumulative = {
    input_tokens: 50,
    output_tokens: 10,
    cache_read_input_tokens: 900,
    server_tool_use: { web_search_requests: 2 },
    iterations: [
      pass({ input_tokens: 20, output_tokens: 30 }),
      pass({ input_tokens: 30, cache_read_input_tokens: 400 }),
    ],
  };
  assert.deepEqual(
    usageCounts(cumulative),
    counts({ inputTokens: 50, outputTokens: 30, cacheReadTokens: 900, webSearches: 2 }),
  );
  const split = { cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 } };
  assert.deepEqual(
    usageCounts({ output_tokens: 1, iterations: [pass(split), pass(split)] }),
    counts({ cacheWrite5mTokens: 6, cacheWrite1hTokens: 8, outputTokens: 1 }),
  );
  assert.deepEqual(usageCounts({ output_tokens: 1, iterations: [] }), counts({ outputTokens: 1 }));
});

test('passes that cannot be believed, are too many or belong to another model leave the call not whole', () => {
  const whole = (iterations: Json) => usageCounts({ output_tokens: 1, iterations }).whole;
  assert.equal(
    whole([pass({ model: 'claude-opus-5-5' }), pass({ model: 'claude-opus-5-5' }), pass({ model: null })]),
    true,
  );
  assert.equal(whole([pass({ model: 'claude-opus-5-5' }), pass({ model: 'claude-haiku-5-5' })]), false);
  assert.equal(whole([pass({ type: 'advisor_message' })]), false);
  assert.equal(whole([pass({ type: 'fallback_message' })]), false);
  assert.equal(whole([pass({ input_tokens: -1 })]), false);
  for (const odd of [{}, 'text', 5, [null], [{}], ['text'], [[]]]) assert.equal(whole(odd), false, JSON.stringify(odd));
  assert.equal(whole(Array.from({ length: 1000 }, () => pass({}))), true);
  assert.equal(whole(Array.from({ length: 1001 }, () => pass({}))), false);
  // The first thousand of 100,000 are read.
  const many = usageCounts({
    output_tokens: 1,
    iterations: Array.from({ length: 100_000 }, () => pass({ input_tokens: 1 })),
  });
  assert.deepEqual(many, counts({ inputTokens: 1000, outputTokens: 1, whole: false }));
  const sum = usageCounts({ input_tokens: 9, iterations: [pass({ input_tokens: MOST }), pass({ input_tokens: 1 })] });
  assert.deepEqual(sum, counts({ inputTokens: 9, whole: false }));
});

test('whatever a provider reports, there are counts and a price', () => {
  const names = [
    'input_tokens',
    'cache_creation_input_tokens',
    'cache_read_input_tokens',
    'output_tokens',
    'cache_creation',
    'server_tool_use',
    'iterations',
    'inference_geo',
    'speed',
    'service_tier',
  ];
  const models = [price('claude-haiku-5-5'), price('claude-zeta-9')];
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { maxKeys: 10 }), (report) => {
      const read = usageCounts(report as JsonObject);
      for (const found of models) assert.ok(Number.isSafeInteger(found.cost(read)) && found.cost(read) >= 0);
    }),
    { seed: 20261120, numRuns: 1000 },
  );
});
