import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIST } from '../../src/pricing/list.ts';
import { priceTable } from '../../src/pricing/table.ts';
import { fits } from '../support/glob.ts';
import { at, counts, NOW, override, price } from './support.ts';

const table = priceTable({ matches: fits });
const DAY = 86_400_000;

test('a dated name and an alias have the price of their family', () => {
  const names: [string, string][] = [
    ['claude-haiku-4-5-20251001', 'claude-haiku-4-5@2025-10-15'],
    ['claude-haiku-4-5', 'claude-haiku-4-5@2025-10-15'],
    ['claude-opus-4-5-20251101', 'claude-opus-4-5@2025-11-24'],
    ['claude-opus-4-1-20250805', 'claude-opus-4-1@2025-08-05'],
    ['claude-opus-4-20250514', 'claude-opus-4@2025-05-22'],
    ['claude-opus-4-0', 'claude-opus-4@2025-05-22'],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5@2025-09-29'],
    ['claude-sonnet-4-20250514', 'claude-sonnet-4@2025-05-22'],
    ['claude-sonnet-4-0', 'claude-sonnet-4@2025-05-22'],
    ['claude-3-5-haiku-20241022', 'claude-3-5-haiku@2024-11-04'],
    ['claude-3-5-haiku-latest', 'claude-3-5-haiku@2024-11-04'],
    ['claude-opus-5-5', 'claude-opus-5-5@2026-09-22'],
  ];
  for (const [name, id] of names) {
    const found = table.find({ model: name, at: NOW });
    assert.deepEqual([found.id, found.known], [id, true], name);
  }
});

test('a name that only resembles one of the list is unknown', () => {
  for (const name of [
    'claude-opus-5-6',
    'claude-opus',
    'Claude-Opus-5-5',
    'claude-opus-5-5 ',
    'claude-opus-5-5-latest',
    'claude-opus-5-5-2026092',
    'claude-opus-5-5-20260922-1',
    'anthropic.claude-opus-5-5',
    'gpt-5',
    '',
    '__proto__',
    'constructor',
  ]) {
    const found = table.find({ model: name, at: NOW });
    assert.deepEqual([found.id, found.known], ['unknown', false], name);
  }
});

test('an unknown model costs the dearest of every class, and never nothing', () => {
  const unknown = price('claude-zeta-9');
  // The dearest of each class stands in the row of Mythos Preview: 25, 31.25, 50, 2.50, 125.
  assert.equal(unknown.cost(counts({ inputTokens: 1000 })), 25_000);
  assert.equal(unknown.cost(counts({ cacheWrite5mTokens: 1000 })), 31_250);
  assert.equal(unknown.cost(counts({ cacheWrite1hTokens: 1000 })), 50_000);
  assert.equal(unknown.cost(counts({ cacheReadTokens: 1000 })), 2500);
  assert.equal(unknown.cost(counts({ outputTokens: 1000 })), 125_000);
  assert.equal(unknown.cost(counts({ outputTokens: 1000, geo: 'us', fast: true })), 825_000); // × 1.1 × 6
  assert.deepEqual([unknown.contextWindow, unknown.maxOutput], [2_000_000, 1_000_000]);
  for (const { model } of LIST) {
    const known = price(model);
    for (const name of [
      'inputTokens',
      'cacheWrite5mTokens',
      'cacheWrite1hTokens',
      'cacheReadTokens',
      'outputTokens',
    ] as const) {
      const used = counts({ [name]: 900_000, geo: 'us', fast: true });
      assert.ok(unknown.cost(used) >= known.cost(used), `${model} ${name}`);
    }
    assert.ok(unknown.contextWindow >= known.contextWindow && unknown.maxOutput >= known.maxOutput);
    assert.ok(unknown.topSpeed >= known.topSpeed);
  }
});

test('a call has the price of its own day', () => {
  const reads = (time: number) => {
    const found = table.find({ model: 'claude-sonnet-5-5', at: time });
    return [found.id, found.cost(counts({ cacheReadTokens: 1000 }))];
  };
  const change = at('2026-10-07T00:00:00Z');
  assert.deepEqual(reads(change - 1), ['claude-sonnet-5-5@2026-09-28', 200]); // 1000 × 0.20
  assert.deepEqual(reads(change), ['claude-sonnet-5-5@2026-10-07', 100]); // 1000 × 0.10
  assert.deepEqual(reads(change + 400 * DAY), ['claude-sonnet-5-5@2026-10-07', 100]);
});

test('a call before the first row of its model has the price of that row', () => {
  assert.equal(table.find({ model: 'claude-opus-5-5', at: 0 }).id, 'claude-opus-5-5@2026-09-22');
  assert.equal(table.find({ model: 'claude-sonnet-5-5', at: 0 }).id, 'claude-sonnet-5-5@2026-09-28');
  // 1000 × 125: what is unknown was never cheaper.
  assert.equal(table.find({ model: 'claude-zeta-9', at: 0 }).cost(counts({ outputTokens: 1000 })), 125_000);
});

test('the list is well formed: names once, dates ascending, no price of nothing', () => {
  const names = LIST.flatMap(({ model, aliases }) => [model, ...(aliases ?? [])]);
  assert.equal(new Set(names).size, names.length);
  assert.match(table.version, /^\d{4}-\d{2}-\d{2}$/);
  for (const { model, rows, contextWindow, maxOutput, topSpeed } of LIST) {
    assert.doesNotMatch(model, /-20\d{6}$/);
    assert.ok(contextWindow >= 200_000 && maxOutput >= 4096 && topSpeed >= 100, model);
    const days = rows.map(({ from }) => from);
    assert.ok(rows.length > 0 && days.every((day) => /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(at(day))), model);
    assert.deepEqual([...new Set(days)].sort(), days, model);
    for (const usd of rows.flatMap((row) => [row.usd, ...(row.long ? [row.long.usd] : [])])) {
      for (const value of Object.values(usd)) assert.ok(Number(value) > 0, model);
    }
  }
});

test('invented names are not remembered without end, and a repeated one is matched once', () => {
  let asked = 0;
  const counting = priceTable({
    overrides: [override({ models: ['claude-opus-*'], discount: '0.5' })],
    matches: (pattern, name) => {
      asked++;
      return fits(pattern, name);
    },
  });
  const find = (model: string) => counting.find({ model, at: NOW });
  assert.equal(find('claude-opus-5-5'), find('claude-opus-5-5'));
  const before = asked;
  for (let i = 0; i < 100; i++) find('claude-opus-5-5');
  assert.equal(asked, before);
  for (let i = 0; i < 1000; i++) find(`invented-${i}`);
  const full = asked;
  find('invented-999');
  assert.equal(asked, full, 'the newest are remembered');
  find('claude-opus-5-5');
  assert.ok(asked > full, 'the oldest was forgotten');
  const long = 'x'.repeat(201);
  find(long);
  const once = asked;
  find(long);
  assert.ok(asked > once, 'long names are not remembered');
});
