/** Days and instants as a document writes them, and where days begin in its time zone. */
import { z } from 'zod';
import { addDays, isDay as isCalendarDay } from '../kernel/days.ts';
import { startOfDay } from '../kernel/wall-clock.ts';

/** A day in the document's time zone, or an instant. */
export type Written =
  | { readonly kind: 'day'; readonly text: string }
  | { readonly kind: 'instant'; readonly text: string; readonly at: number };

const INSTANT = /^(2[01]\d\d-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,3})?)?(?:Z|[+-][01]\d:[0-5]\d)$/;
const HINT = 'write a day, such as 2027-06-30, or a time with its offset, such as 2027-06-30T18:00:00+02:00';

function isDay(text: string): boolean {
  return /^2[01]/.test(text) && isCalendarDay(text);
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
  return {
    start: (written) => (written.kind === 'instant' ? written.at : startOfDay(written.text, timeZone)),
    end: (written) => (written.kind === 'instant' ? written.at : startOfDay(addDays(written.text, 1), timeZone)),
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
