/** Reads daily spending from the views for forecasts and for what is unusual. */
import type { SQLOutputValue } from 'node:sqlite';
import { addDays, checkDay, daysOfMonth } from '../kernel/days.ts';
import { exact } from './exact.ts';
import { forecastOf, HISTORY_DAYS, type TeamDay } from './forecast.ts';
import type { Forecast, UnusualSpending } from './ports.ts';
import { SUBJECTS } from './spent.ts';
import { BASELINE_DAYS, LEAST_EXCESS, RECENT_DAYS, type SpendingDay, unusualOf } from './unusual.ts';
import type { Views } from './views.ts';

/** Throws RangeError for a month or day that is none, and Error for sums too large to be exact. */
export function forecast(views: Views, { month, today }: { readonly month: string; readonly today: string }): Forecast {
  checkDay(today);
  const { first, last } = daysOfMonth(month);
  const earliest = addDays(today, -HISTORY_DAYS);
  // A month that is over needs nothing but its own days.
  const [from, to] = last < today ? [first, last] : [first < earliest ? first : earliest, today];
  const daily = views.database.prepare(
    `SELECT day, team, SUM(costMicros) AS micros FROM usage_daily WHERE day BETWEEN ? AND ? AND costMicros > 0
     GROUP BY day, team`,
  );
  daily.setReadBigInts(true);
  const days = daily
    .all(from, to)
    .map((row): TeamDay => ({ day: String(row.day), team: String(row.team), micros: exact(row.micros as bigint) }));
  const firsts = views.database.prepare(
    'SELECT team, MIN(day) AS day FROM usage_daily WHERE costMicros > 0 GROUP BY team',
  );
  const firstDays = new Map(firsts.all().map((row) => [String(row.team), String(row.day)]));
  return forecastOf({ month, today, days, firstDays });
}

const SCOPES = ['person', 'service', 'key', 'team'] as const satisfies readonly UnusualSpending['scope'][];

/** Everybody whose last days stand out, largest excess first. Throws RangeError for a day that is none. */
export function unusualSpending(views: Views, today: string): UnusualSpending[] {
  checkDay(today);
  const found = SCOPES.flatMap((scope) => [...unusualIn(views, scope, today)]);
  return withoutRepeats(found).sort((a, b) => excess(b) - excess(a) || (a.subject < b.subject ? -1 : 1));
}

/** A key that its caller's entry already names tells nobody anything new. */
function withoutRepeats(found: readonly UnusualSpending[]): UnusualSpending[] {
  const named = new Set(found.flatMap(({ scope, key }) => (scope === 'team' ? [] : (key?.value ?? []))));
  return found.filter(({ scope, subject }) => scope !== 'key' || !named.has(subject));
}

function excess({ micros, usualMicros }: UnusualSpending): number {
  return micros - usualMicros;
}

/** Subject by subject, so that only one's days are in memory; those that spent too little lately to stand out are not read. */
function* unusualIn(views: Views, scope: UnusualSpending['scope'], today: string): Generator<UnusualSpending> {
  const { column, where } = SUBJECTS[scope];
  const statement = views.database.prepare(
    `SELECT ${column} AS subject, day, who, key, team, model, SUM(calls) AS calls, SUM(costMicros) AS micros FROM usage_daily
     WHERE day BETWEEN :from AND :today AND costMicros > 0 AND ${column} IN (
       SELECT ${column} FROM usage_daily WHERE day BETWEEN :recent AND :today AND ${where}
       GROUP BY ${column} HAVING SUM(costMicros) >= ${LEAST_EXCESS})
     GROUP BY subject, day, who, key, team, model ORDER BY subject`,
  );
  statement.setReadBigInts(true);
  const recent = addDays(today, 1 - RECENT_DAYS);
  const judge = (subject: string, days: readonly SpendingDay[]): UnusualSpending[] => {
    const found = days.length === 0 ? null : unusualOf({ scope, subject, today, days });
    return found === null ? [] : [found];
  };
  let [subject, days]: [string, SpendingDay[]] = ['', []];
  for (const row of statement.iterate({ from: addDays(recent, -BASELINE_DAYS), recent, today })) {
    if (row.subject !== subject) {
      yield* judge(subject, days);
      [subject, days] = [String(row.subject), []];
    }
    days.push(spendingDay(row));
  }
  yield* judge(subject, days);
}

function spendingDay(row: Readonly<Record<string, SQLOutputValue>>): SpendingDay {
  const text = (name: string): string => String(row[name]);
  return {
    day: text('day'),
    who: text('who'),
    key: text('key'),
    team: text('team'),
    model: text('model'),
    calls: exact(row.calls as bigint),
    micros: exact(row.micros as bigint),
  };
}
