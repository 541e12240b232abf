import { z } from 'zod';
import { parseDuration } from '../../kernel/units.ts';
import { AdminProblem } from './problems.ts';
import { described } from './schemas.ts';

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/;

export const duration = (description: string) =>
  described(
    z.string().refine((text) => parseDuration(text) !== null, 'must be a duration such as "24 hours", or "0 s"'),
    description,
  );

/**
 * When a credential ends, milliseconds since the epoch: a duration from now, the end of a day (UTC), an instant with its
 * zone, or `never` (null). Throws `invalid` for anything else and for a time that has passed.
 */
export function parseExpiry(text: string, now: number): number | null {
  if (text === 'never') return null;
  const length = parseDuration(text);
  const at = length === null ? parseMoment(text) : now + length;
  if (at === undefined || !Number.isFinite(at)) {
    throw new AdminProblem(
      'invalid',
      'expires must be "never", a duration such as "90 days", or a date such as 2027-01-31',
    );
  }
  if (at <= now) throw new AdminProblem('invalid', 'expires must lie in the future');
  return at;
}

function parseMoment(text: string): number | undefined {
  if (DATE.test(text)) {
    const start = Date.parse(`${text}T00:00:00Z`);
    // Date.parse rolls 30 February over in some forms; a day that does not come back unchanged does not exist.
    if (Number.isNaN(start) || !new Date(start).toISOString().startsWith(text)) return undefined;
    return start + 86_400_000 - 1;
  }
  return INSTANT.test(text) ? Date.parse(text) : undefined;
}
