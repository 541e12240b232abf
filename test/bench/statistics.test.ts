import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivals, median, quantile, seeded, shuffled, spread } from '../../bench/statistics.ts';

test('a quantile is the smallest value that this share does not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(quantile(hundred, 0.5), 50);
  assert.equal(quantile(hundred, 0.99), 99);
  assert.equal(quantile(hundred, 1), 100);
  assert.equal(quantile([7], 0.99), 7);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('a spread sorts as numbers and counts', () => {
  assert.deepEqual(spread([10, 9, 100]), { count: 3, p50: 10, p99: 100, max: 100 });
});

test('the median of an even number of values is the mean of the middle two; what is no number is left out', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([10, 9, 100]), 10);
  assert.equal(median([Number.NaN, 5]), 5);
  assert.ok(Number.isNaN(median([])));
});

test('orders are shuffled, and are the same for the same seed', () => {
  const items = ['a', 'b', 'c', 'd', 'e'];
  const orders = (seed: number): string[] => {
    const random = seeded(seed);
    return Array.from({ length: 200 }, () => shuffled(items, random).join(''));
  };
  assert.deepEqual(orders(3), orders(3));
  assert.notDeepEqual(orders(3), orders(4));
  const firsts = new Map<string, number>();
  for (const order of orders(3)) {
    assert.deepEqual([...order].sort(), items);
    firsts.set(order[0] ?? '', (firsts.get(order[0] ?? '') ?? 0) + 1);
  }
  // 40 each would be even; one that is never first would be measured after the others always.
  for (const item of items) assert.ok((firsts.get(item) ?? 0) > 15, `${item}: ${firsts.get(item)}`);
});

test('Poisson arrivals ascend, keep the rate, and have the gaps of an exponential distribution', () => {
  const times = arrivals({ perSecond: 500, seconds: 20, poisson: true, random: seeded(1) });
  assert.ok(Math.abs(times.length - 10_000) < 400, `${times.length}`);
  const gaps = [...times].map((time, i) => time - (times[i - 1] ?? 0));
  assert.ok(gaps.every((gap) => gap >= 0));
  assert.ok((times.at(-1) ?? 0) < 20_000);
  // A share of 1 − 1/e of exponential gaps is shorter than the mean.
  const short = gaps.filter((gap) => gap < 2).length / gaps.length;
  assert.ok(Math.abs(short - 0.632) < 0.03, `${short}`);
});

test('constant arrivals are evenly spaced', () => {
  const times = arrivals({ perSecond: 100, seconds: 0.05, poisson: false, random: seeded(1) });
  assert.deepEqual([...times], [0, 10, 20, 30, 40]);
});
