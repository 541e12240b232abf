import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDay, firstDayOf, isDay } from '../../src/kernel/days.ts';

test('a day is one that exists, written YYYY-MM-DD', () => {
  for (const text of ['2028-02-29', '2026-12-31', '1999-01-01']) assert.equal(isDay(text), true, text);
  for (const text of ['2026-02-29', '2026-02-30', '2026-13-01', '2026-00-10', '2026-01-00', '2026-1-1', 'today', '']) {
    assert.equal(isDay(text), false, text);
    assert.throws(() => checkDay(text), RangeError, text);
  }
});

test('weeks begin on Monday, across the ends of months and years', () => {
  for (const [day, monday] of [
    ['2026-11-23', '2026-11-23'],
    ['2026-11-29', '2026-11-23'],
    ['2027-01-03', '2026-12-28'],
    ['2028-03-01', '2028-02-28'],
  ] as const) {
    assert.equal(firstDayOf(day, 'week'), monday, day);
  }
  assert.deepEqual([firstDayOf('2028-02-29', 'day'), firstDayOf('2028-02-29', 'month')], ['2028-02-29', '2028-02-01']);
});
