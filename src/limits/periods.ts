/** Days, weeks and months of budgets: which one a call is booked in, and when it ends, in the policy's time zone. */
import { addDays, checkDay, DAY_MS, firstDayOf, utcDay } from '../kernel/days.ts';
import { startOfDay, wallClock } from '../kernel/wall-clock.ts';
import type { Period } from '../policy/model.ts';

/** A day of one zone; a call inside it costs two comparisons. */
interface KnownDay {
  readonly day: string;
  /** First instant of the day, milliseconds since the epoch. */
  readonly start: number;
  /** First instant after it. */
  readonly end: number;
}

/** Newest day asked for, by zone. A process sees the zones of its policy's revisions, a handful. */
const known = new Map<string, KnownDay>();

/**
 * The calendar day, `YYYY-MM-DD`, at `now` (milliseconds since the epoch) in this IANA time zone. A day begins when its
 * date is first shown by the clocks there and ends when the next one does: where clocks go back over midnight, the hour that
 * comes again stays with the new day, so that no budget reopens.
 *
 * @throws RangeError for a zone that does not exist
 */
export function localDay(now: number, timeZone: string): string {
  const cached = known.get(timeZone);
  if (cached !== undefined && now >= cached.start && now < cached.end) return cached.day;
  const found = dayAt(now, timeZone);
  known.set(timeZone, found);
  return found.day;
}

function dayAt(now: number, timeZone: string): KnownDay {
  let day = utcDay(wallClock(now, timeZone));
  let start = startOfDay(day, timeZone);
  let end = startOfDay(addDays(day, 1), timeZone);
  while (now >= end) {
    day = addDays(day, 1);
    start = end;
    end = startOfDay(addDays(day, 1), timeZone);
  }
  return { day, start, end };
}

/**
 * The key of the period that holds `day` (`YYYY-MM-DD`): `2026-11-24`, the ISO 8601 week `2026-W48`, `2026-11`, `lifetime`.
 * Keys of one kind of period sort by time.
 *
 * @throws RangeError for text that is no day
 */
export function periodOf(day: string, period: Period): string {
  if (period === 'lifetime') return 'lifetime';
  return remembered(`${day} ${period}`, keys, () => keyOf(day, period));
}

function keyOf(day: string, period: Exclude<Period, 'lifetime'>): string {
  checkDay(day);
  if (period === 'day') return day;
  if (period === 'month') return day.slice(0, 7);
  // A week belongs to the year that holds its Thursday.
  const thursday = addDays(firstDayOf(day, 'week'), 3);
  const year = thursday.slice(0, 4);
  const week = Math.floor((Date.parse(thursday) - Date.parse(`${year}-01-01`)) / (7 * DAY_MS)) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}

/**
 * First day of the period that holds `day`, `YYYY-MM-DD`; null for `lifetime`.
 *
 * @throws RangeError for text that is no day
 */
export function firstDay(day: string, period: Period): string | null {
  if (period === 'lifetime') return null;
  checkDay(day);
  return firstDayOf(day, period);
}

/**
 * When the period that holds `day` ends: the first instant of the next one in this zone, milliseconds since the epoch. Null for
 * `lifetime`. Where the clocks skip midnight, that is the instant of the skip.
 */
export function periodEnd(day: string, period: Period, timeZone: string): number | null {
  return remembered(`${day} ${period} ${timeZone}`, ends, () => {
    const first = firstDay(day, period);
    return first === null ? null : startOfDay(nextPeriod(first, period), timeZone);
  });
}

/** Calls are of today, and every call asks again. */
const MOST_REMEMBERED = 100;
const keys = new Map<string, string>();
const ends = new Map<string, number | null>();

function remembered<T>(key: string, known: Map<string, T>, find: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = find();
  if (known.size >= MOST_REMEMBERED) known.clear();
  known.set(key, made);
  return made;
}

/** Last day of the period that holds `day`; null for `lifetime`. */
export function lastDay(day: string, period: Period): string | null {
  const first = firstDay(day, period);
  return first === null ? null : addDays(nextPeriod(first, period), -1);
}

function nextPeriod(first: string, period: Period): string {
  if (period !== 'month') return addDays(first, period === 'week' ? 7 : 1);
  // The 32nd of a month that begins on its first day is always in the next one.
  return `${addDays(first, 31).slice(0, 7)}-01`;
}
