import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, daysBetween, daysOfMonth, weekdayOf } from '../../src/kernel/days.ts';
import { forecastOf, type TeamDay } from '../../src/projections/forecast.ts';

const none = new Map<string, string>();
const days = (team: string, amounts: Readonly<Record<string, number>>): TeamDay[] =>
  Object.entries(amounts).map(([day, micros]) => ({ day, team, micros }));

test('days are counted as the calendar does', () => {
  assert.deepEqual(daysOfMonth('2028-02'), { first: '2028-02-01', last: '2028-02-29' });
  assert.deepEqual(daysOfMonth('2026-12'), { first: '2026-12-01', last: '2026-12-31' });
  assert.throws(() => daysOfMonth('2026-13'), RangeError);
  assert.equal(addDays('2026-03-01', -1), '2026-02-28');
  assert.equal(weekdayOf('2026-11-24'), 2);
  assert.deepEqual(daysBetween('2026-12-30', '2027-01-02'), ['2026-12-30', '2026-12-31', '2027-01-01', '2027-01-02']);
  assert.deepEqual(daysBetween('2026-12-30', '2026-12-29'), []);
});

test('each day to come costs what its weekday did in the last four weeks', () => {
  // Friday 27 November 2026: three days are left after it, and it has cost 5 so far.
  const spent = days('tea_x', {
    // Fridays, with a mean of 10.
    ...{ '2026-10-30': 8, '2026-11-06': 12, '2026-11-13': 10, '2026-11-20': 10 },
    // One of four Saturdays; no Sunday.
    '2026-11-14': 4,
    // Mondays, with a mean of 25.
    ...{ '2026-11-02': 20, '2026-11-09': 30, '2026-11-16': 25, '2026-11-23': 25 },
    '2026-11-27': 5,
    // Before the four weeks, and another month.
    '2026-10-26': 1000,
  });
  const firstDays = new Map([['tea_x', '2026-01-01']]);
  const { rows, total } = forecastOf({ month: '2026-11', today: '2026-11-27', days: spent, firstDays });
  // To date: 12+10+10 + 4 + 100 + 5. To come: Friday 10-5, Saturday 1, Sunday 0, Monday 25.
  const expected = { toDateMicros: 141, expectedMicros: 172, lowMicros: 164, highMicros: 182, method: 'weekday' };
  assert.deepEqual(rows, [{ team: 'tea_x', ...expected }]);
  assert.deepEqual(total, expected);
});

test('a day that has cost more than usual already counts as it is', () => {
  const spent = days('tea_x', { '2026-11-23': 10, '2026-11-30': 70 });
  const firstDays = new Map([['tea_x', '2026-01-01']]);
  const { total } = forecastOf({ month: '2026-11', today: '2026-11-30', days: spent, firstDays });
  const known = { toDateMicros: 80, expectedMicros: 80, lowMicros: 80, highMicros: 80 };
  assert.deepEqual(total, { ...known, method: 'weekday' });
});

test('with less than a week of history every past day counts, and days before the first are no history', () => {
  // Sunday to Wednesday 25 November; today nothing yet. Thursday to Sunday have no or one past day of their own.
  const spent = days('tea_x', { '2026-11-22': 4, '2026-11-23': 30, '2026-11-24': 20 });
  const { total } = forecastOf({ month: '2026-11', today: '2026-11-25', days: spent, firstDays: none });
  // Wednesday to Saturday: the mean 18 each, Sunday 4, Monday 30.
  const known = { toDateMicros: 54, expectedMicros: 54 + 4 * 18 + 34, lowMicros: 54 + 4 * 4 + 34 };
  assert.deepEqual(total, { ...known, highMicros: 54 + 4 * 30 + 34, method: 'linear' });
});

test('on the very first day the days to come are like it, or cost nothing', () => {
  const spent = days('', { '2026-11-28': 7 });
  const { rows } = forecastOf({ month: '2026-11', today: '2026-11-28', days: spent, firstDays: none });
  const known = { toDateMicros: 7, expectedMicros: 21, lowMicros: 7, highMicros: 21 };
  assert.deepEqual(rows, [{ team: null, ...known, method: 'linear' }]);
});

test('a month that is over is what it was, and one to come is expected whole', () => {
  const spent = days('tea_x', { '2026-10-31': 3, '2026-11-01': 5, '2026-11-30': 6, '2026-12-01': 100 });
  const over = forecastOf({ month: '2026-11', today: '2026-12-01', days: spent, firstDays: none });
  const was = { toDateMicros: 11, expectedMicros: 11, lowMicros: 11, highMicros: 11, method: 'actual' };
  assert.deepEqual(over.total, was);
  const week = Object.fromEntries(daysBetween('2026-11-01', '2026-11-28').map((day) => [day, 2]));
  const next = forecastOf({ month: '2027-02', today: '2026-11-29', days: days('t', week), firstDays: none });
  const each = { toDateMicros: 0, expectedMicros: 56, lowMicros: 56, highMicros: 56 };
  assert.deepEqual(next.total, { ...each, method: 'weekday' });
  const empty = forecastOf({ month: '2026-11', today: '2026-11-10', days: [], firstDays: none });
  assert.equal(empty.total.expectedMicros, 0);
});

test('teams add up to the total, and its range is narrower than theirs together', () => {
  const spent = [
    ...days('tea_y', { '2026-11-23': 40, '2026-11-16': 10, '2026-11-09': 40, '2026-11-02': 10 }),
    ...days('tea_x', { '2026-11-23': 50, '2026-11-16': 10, '2026-11-09': 50, '2026-11-02': 10 }),
    ...days('', { '2026-11-02': 1 }),
  ];
  const firstDays = new Map(['tea_x', 'tea_y', ''].map((team) => [team, '2026-11-02'] as const));
  const { rows, total } = forecastOf({ month: '2026-11', today: '2026-11-30', days: spent, firstDays });
  assert.deepEqual(
    rows.map(({ team, toDateMicros, expectedMicros, lowMicros, highMicros }) => [
      team,
      ...[toDateMicros, expectedMicros, lowMicros, highMicros],
    ]),
    [
      ['tea_x', 120, 150, 130, 170],
      ['tea_y', 100, 125, 110, 140],
      // A quarter of a micro-dollar is expected: rounded.
      [null, 1, 1, 1, 2],
    ],
  );
  // Distances of 20, 15 and 0 below, and of 20, 15 and 1 above.
  const range = { lowMicros: 276 - 25, highMicros: 276 + 25 };
  assert.deepEqual(total, { toDateMicros: 221, expectedMicros: 276, ...range, method: 'weekday' });
});
