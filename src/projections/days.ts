/** Calendar days as `YYYY-MM-DD`: they sort as text and carry no time zone. */

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;

/** True for the form `YYYY-MM-DD`; whether that month has such a day is not looked at. */
export function isDay(text: string): boolean {
  return DAY.test(text);
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
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** 0 for Sunday to 6 for Saturday. */
export function weekdayOf(day: string): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay();
}

/** Every day from `from` to `to`, both included; none when `from` lies after `to`. */
export function daysBetween(from: string, to: string): string[] {
  const days: string[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) days.push(day);
  return days;
}
