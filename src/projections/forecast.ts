/** What a month will cost, from daily amounts. Pure: no clock, no database. */
import { addDays, daysBetween, daysOfMonth, weekdayOf } from '../kernel/days.ts';
import type { Forecast, ForecastAmounts, ForecastRow } from './ports.ts';

/** Days before today that a forecast learns from: four of every weekday. */
export const HISTORY_DAYS = 28;

export interface TeamDay {
  readonly day: string;
  /** `tea_…`; empty for calls of no team. */
  readonly team: string;
  readonly micros: number;
}

export interface ForecastInput {
  /** `YYYY-MM`. */
  readonly month: string;
  readonly today: string;
  /** From the start of the month, and at least HISTORY_DAYS before today. One entry at most for a team and day. */
  readonly days: readonly TeamDay[];
  /** First day ever on which a team spent anything: the days before it are no history of spending nothing. */
  readonly firstDays: ReadonlyMap<string, string>;
}

/**
 * Each day to come is expected to cost what the same weekday did on average in the last four weeks, and lies between the
 * least and the most that it did. Where a weekday has no past yet, all past days take its place. Today counts as its
 * expected day, or as what it already cost where that is more.
 *
 * The total is the sum of the teams. Its range is narrower than the sum of their ranges, because teams seldom all have
 * their dearest days together: the distances add up as the root of the sum of their squares.
 */
export function forecastOf({ month, today, days, firstDays }: ForecastInput): Forecast {
  const teams = new Map<string, Map<string, number>>();
  for (const { team, day, micros } of days) {
    const series = teams.get(team) ?? new Map<string, number>();
    teams.set(team, series.set(day, micros));
  }
  const rows = [...teams]
    .sort(([a], [b]) => (a === '' ? 1 : b === '' ? -1 : a < b ? -1 : 1))
    .map(([team, series]): ForecastRow => {
      const start = firstDays.get(team) ?? [...series.keys()].sort()[0] ?? today;
      return { team: team || null, ...amountsOf({ series, start, month, today }) };
    });
  return { month, today, rows, total: totalOf(rows, month < today.slice(0, 7)) };
}

interface Series {
  readonly series: ReadonlyMap<string, number>;
  readonly start: string;
  readonly month: string;
  readonly today: string;
}

function amountsOf({ series, start, month, today }: Series): ForecastAmounts {
  const { first, last } = daysOfMonth(month);
  const toDate = daysBetween(first, last < today ? last : today).reduce((sum, day) => sum + (series.get(day) ?? 0), 0);
  const open = daysBetween(first > today ? first : today, last);
  if (open.length === 0) {
    return { toDateMicros: toDate, expectedMicros: toDate, lowMicros: toDate, highMicros: toDate, method: 'actual' };
  }
  const earliest = addDays(today, -HISTORY_DAYS);
  const past = daysBetween(start > earliest ? start : earliest, addDays(today, -1));
  let [expected, low, high] = [toDate, toDate, toDate];
  let method: ForecastAmounts['method'] = 'weekday';
  for (const day of open) {
    const same = past.filter((each) => weekdayOf(each) === weekdayOf(day));
    if (same.length === 0) method = 'linear';
    const amounts = (same.length > 0 ? same : past).map((each) => series.get(each) ?? 0);
    const spent = day === today ? (series.get(day) ?? 0) : 0;
    // Without any full day yet, today is all that is known: the days to come are like it, or cost nothing.
    const known = amounts.length > 0 ? amounts : [0, series.get(today) ?? 0];
    const typical = amounts.length > 0 ? mean(amounts) : (series.get(today) ?? 0);
    expected += Math.max(spent, typical) - spent;
    low += Math.max(spent, Math.min(...known)) - spent;
    high += Math.max(spent, ...known) - spent;
  }
  return { toDateMicros: toDate, expectedMicros: Math.round(expected), lowMicros: low, highMicros: high, method };
}

function totalOf(rows: readonly ForecastAmounts[], over: boolean): ForecastAmounts {
  const sum = (of: (row: ForecastAmounts) => number): number => rows.reduce((all, row) => all + of(row), 0);
  const expected = sum((row) => row.expectedMicros);
  const below = Math.sqrt(sum((row) => (row.expectedMicros - row.lowMicros) ** 2));
  const above = Math.sqrt(sum((row) => (row.highMicros - row.expectedMicros) ** 2));
  return {
    toDateMicros: sum((row) => row.toDateMicros),
    expectedMicros: expected,
    lowMicros: expected - Math.round(below),
    highMicros: expected + Math.round(above),
    method: over ? 'actual' : rows.some((row) => row.method === 'linear') ? 'linear' : 'weekday',
  };
}

function mean(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length;
}
