/** What the clocks of a time zone show, by the time zone data of the runtime. */

import { DAY_MS } from './days.ts';

const HOUR_MS = DAY_MS / 24;

/** Formatters are dear to make (tens of microseconds and kilobytes). */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

/**
 * The date and time shown at `now` in this zone, as if they were UTC: milliseconds since the epoch, cut to the second.
 *
 * @throws RangeError for a zone that does not exist
 */
export function wallClock(now: number, timeZone: string): number {
  const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatterOf(timeZone).formatToParts(now)) {
    if (type in shown) shown[type as keyof typeof shown] = Number(value);
  }
  return Date.UTC(shown.year, shown.month - 1, shown.day, shown.hour, shown.minute, shown.second);
}

/**
 * The first instant at which the clocks of the zone show this date (`YYYY-MM-DD`) or a later one, milliseconds since the epoch.
 * Usually local midnight; where the clocks skip it (or the whole day: Apia, 30 December 2011), the instant of the skip.
 */
export function startOfDay(day: string, timeZone: string): number {
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Midnight as it would be by the offsets of a day before and a day after. Where the clocks go back right after midnight, both
  // show it, and the day began at the first.
  const candidates = [midnight - 24 * HOUR_MS, midnight + 24 * HOUR_MS]
    .map((near) => midnight - (wallClock(near, timeZone) - near))
    .filter((candidate) => wallClock(candidate, timeZone) === midnight);
  return candidates.length > 0 ? Math.min(...candidates) : skippedMidnight(midnight, timeZone);
}

/** The clocks go forward over this midnight: the second of it is where what they show passes it. */
function skippedMidnight(midnight: number, timeZone: string): number {
  let before = midnight - 30 * HOUR_MS;
  let after = midnight + 30 * HOUR_MS;
  while (after - before > 1000) {
    const middle = Math.floor((before + after) / 2000) * 1000;
    if (wallClock(middle, timeZone) >= midnight) after = middle;
    else before = middle;
  }
  return after;
}
