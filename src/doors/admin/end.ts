import { z } from 'zod';
import { DAY_MS } from '../../kernel/days.ts';
import { parseDuration } from '../../kernel/units.ts';
import { duration } from './expiry.ts';
import { described } from './schemas.ts';

const END = z.union(
  [z.iso.datetime({ offset: true }), z.iso.date()],
  'must be a day such as 2027-01-31, or an instant with its zone such as 2027-01-31T18:00:00Z',
);

/** Two fields of which one says when something ends; `bounds` says how far ahead that may be. */
export const endFields = (bounds: string) => ({
  ends_at: described(END.optional(), 'When it ends: an instant with its zone, or a day, whose end in UTC counts.'),
  hours: described(
    duration('How long it lasts from now, such as `8 h` or `3 days`.').optional(),
    `How long it lasts from now, such as \`8 h\` or \`3 days\`. Instead of \`ends_at\`; ${bounds}`,
  ),
});

interface End {
  readonly ends_at?: string | undefined;
  readonly hours?: string | undefined;
}

export const isOneEnd = ({ ends_at: end, hours }: End): boolean => (end === undefined) !== (hours === undefined);
export const ONE_END = 'give either ends_at or hours';

/** Milliseconds since the epoch, not included. */
export function endOf({ ends_at: end, hours }: End, now: number): number {
  if (end === undefined) return now + (parseDuration(hours ?? '') ?? 0);
  return end.includes('T') ? Date.parse(end) : Date.parse(`${end}T00:00:00Z`) + DAY_MS;
}
