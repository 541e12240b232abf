/** Days and instants as a document writes them, and where days begin in its time zone. */
import { z } from 'zod';

/** A day in the document's time zone, or an instant. */
export type Written =
  | { readonly kind: 'day'; readonly text: string }
  | { readonly kind: 'instant'; readonly text: string; readonly at: number };

const DAY = /^(2[01]\d\d)-(\d\d)-(\d\d)$/;
const INSTANT = /^(2[01]\d\d-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-][01]\d:[0-5]\d)$/;
const HINT = 'write a day, such as 2027-06-30, or a time with its offset, such as 2027-06-30T18:00:00+02:00';
const DAY_MS = 86_400_000;

function isDay(text: string): boolean {
  // Dates that do not exist, such as 30 February, would silently become later ones.
  return DAY.test(text) && new Date(midnightUtc(text)).toISOString().startsWith(text);
}

function midnightUtc(day: string): number {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  return Date.UTC(year, month - 1, date);
}

/** Reads a day or an instant; null for anything else, a day that does not exist, and years before 2000 or after 2199. */
export function parseWhen(text: string): Written | null {
  if (isDay(text)) return { kind: 'day', text };
  const day = INSTANT.exec(text)?.[1];
  return day !== undefined && isDay(day) ? { kind: 'instant', text, at: Date.parse(text) } : null;
}

/** Schema of a day or instant. */
export const when = z
  .string()
  .max(40)
  .transform((text, context): Written => {
    const read = parseWhen(text.trim());
    if (read !== null) return read;
    context.addIssue({ code: 'custom', message: HINT });
    return z.NEVER;
  });

/** When days begin in one time zone, milliseconds since the epoch. */
export interface Calendar {
  /** The first millisecond of what is written. */
  start(written: Written): number;
  /** The first millisecond after it: a day counts to its end, an instant to itself. */
  end(written: Written): number;
}

/** The calendar of a time zone (IANA name). Where the clocks are changed at midnight, a day begins with its first instant. */
export function calendarOf(timeZone: string): Calendar {
  // Swedish writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const known = new Map<string, number>();
  const start = (day: string): number => {
    const seen = known.get(day);
    if (seen !== undefined) return seen;
    // No zone is further from UTC than 14 hours; the day begins between these two.
    let before = midnightUtc(day) - DAY_MS;
    let from = midnightUtc(day) + DAY_MS;
    while (from - before > 1) {
      const middle = Math.floor((before + from) / 2);
      if (format.format(middle) < day) before = middle;
      else from = middle;
    }
    known.set(day, from);
    return from;
  };
  const next = (day: string) => new Date(midnightUtc(day) + DAY_MS).toISOString().slice(0, 10);
  return {
    start: (written) => (written.kind === 'instant' ? written.at : start(written.text)),
    end: (written) => (written.kind === 'instant' ? written.at : start(next(written.text))),
  };
}

/** True for a name of the IANA time zone database; offsets such as `+02:00` are none, because they know no summer time. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}
