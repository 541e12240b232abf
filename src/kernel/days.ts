/** Calendar days as `YYYY-MM-DD`: they sort as text and carry no time zone. */

/** Milliseconds of a day of UTC; the days of most time zones are longer or shorter twice a year. */
export const DAY_MS = 86_400_000;

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/** The day in UTC at an instant, milliseconds since the epoch. */
export function utcDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** True for a day that exists; 30 February would silently become another. */
export function isDay(text: string): boolean {
  const at = DAY.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(at) && utcDay(at) === text;
}

/** Throws RangeError for a text that is no day. */
export function checkDay(text: string): void {
  if (!isDay(text)) throw new RangeError('days are written YYYY-MM-DD');
}

/** First and last day of a month `YYYY-MM`. Throws RangeError for a text that is none. */
export function daysOfMonth(month: string): { readonly first: string; readonly last: string } {
  if (!MONTH.test(month)) throw new RangeError('months are written YYYY-MM');
  const first = `${month}-01`;
  return { first, last: addDays(`${addDays(first, 31).slice(0, 7)}-01`, -1) };
}

export function addDays(day: string, days: number): string {
  return utcDay(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS);
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(day: string): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}

/** The first day of the day, week or month that holds `day`. Weeks begin on Monday (ISO 8601). */
export function firstDayOf(day: string, period: 'day' | 'week' | 'month'): string {
  if (period === 'day') return day;
  return period === 'month' ? `${day.slice(0, 7)}-01` : addDays(day, -((weekdayOf(day) + 6) % 7));
}

/** Every day from `from` to `to`, both included; none when `from` lies after `to`. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  // By number: the day after 9999-12-31 is written with a sign, which sorts before every other and would never come to an end.
  const last = Date.parse(`${to}T00:00:00Z`);
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= last; at += DAY_MS) days.push(utcDay(at));
  return days;
}
