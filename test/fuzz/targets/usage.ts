import assert from 'node:assert/strict';
import type { JsonObject } from '../../../src/journal/records.ts';
import { priceTable } from '../../../src/pricing/table.ts';
import { COUNTS, usageCounts } from '../../../src/pricing/usage.ts';
import { meterMessage } from '../../../src/upstream/anthropic/meter.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { parsed } from './json-reference.ts';

const prices = priceTable({ matches: (pattern, name) => pattern === name });
const MODELS = ['claude-opus-4-6', 'claude-sonnet-4-5', 'no-such-model'];
const MOST = 1_000_000_000;

/** A reply as one body: whatever it says, what is counted is a count and what is charged is money. */
function run(input: Uint8Array): void {
  const report = meterMessage(input);
  const counts = usageCounts(report.usage);
  for (const name of COUNTS) {
    assert.ok(Number.isSafeInteger(counts[name]) && counts[name] >= 0 && counts[name] <= MOST, `${name} is no count`);
  }
  for (const model of MODELS) {
    const cost = prices.find({ model, at: Date.UTC(2026, 10, 24) }).cost(counts);
    assert.ok(Number.isSafeInteger(cost) && cost >= 0, 'a cost is no amount');
  }
  // A provider's words are read leniently: what is no UTF-8 stands in none of the places that count.
  const value = parsed(Buffer.from(new TextDecoder().decode(input)));
  const said = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  if (said.type === 'message' && (said.error ?? null) === null) checkAgainst(said as JsonObject, counts);
  if (report.complete)
    assert.ok(said.type === 'message' || typeof said.input_tokens === 'number', 'no reply counts as one');
  assert.ok(report.malformed <= 1 && JSON.stringify(report).length < 1_000_000);
}

/** A plain count at the top is never lost, and a call that says what is no count is not wholly metered. */
function checkAgainst(message: JsonObject, counts: ReturnType<typeof usageCounts>): void {
  const usage = message.usage;
  if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) {
    assert.equal(counts.whole, false);
    return;
  }
  for (const [key, name] of [
    ['input_tokens', 'inputTokens'],
    ['output_tokens', 'outputTokens'],
    ['cache_read_input_tokens', 'cacheReadTokens'],
  ] as const) {
    const said = (usage as JsonObject)[key] ?? null;
    const count = typeof said === 'number' && Number.isSafeInteger(said) && said >= 0 && said <= MOST;
    if (count) assert.ok(counts[name] >= (said as number), `${key} is counted too small`);
    else if (said !== null) assert.equal(counts.whole, false, `${key} is no count and the call is metered`);
  }
}

export const usage: FuzzTarget = {
  name: 'usage',
  parses:
    'src/upstream/anthropic/meter.ts, src/upstream/anthropic/passes.ts, src/pricing/usage.ts, src/pricing/price.ts',
  hostile: ['provider'],
  seeds: [
    '{"type":"message","id":"m","model":"c","content":[{"type":"tool_use"}],"usage":{"input_tokens":1,"output_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"server_tool_use":{"web_search_requests":1},"service_tier":"batch"}}',
    '{"type":"message","usage":{"input_tokens":1,"iterations":[{"type":"message","model":"a","input_tokens":5,"output_tokens":1},{"type":"compaction","output_tokens":7}],"inference_geo":"us","speed":"fast"}}',
    '{"input_tokens":12}',
    '{"type":"error","error":{"type":"overloaded_error","message":"x"}}',
  ],
  tokens: [
    '"usage":{',
    '"iterations":[',
    '"input_tokens":',
    '1000000001',
    '-1',
    '1e308',
    '0.5',
    'null',
    '"cache_creation":',
    '{}',
    '[]',
    '"__proto__":',
    '"model":"b"',
    '"type":"message"',
    ',',
  ],
  run,
};
