import { late, refuse } from './refuse.ts';

const MOMENT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

/** The clock of this moment, and how far the provider's may be from it, milliseconds. */
export interface Now {
  readonly at: number;
  readonly skewMs: number;
}

/** Milliseconds since the epoch, rounded down. SAML writes all its times in UTC (core, 1.3.3). @throws SignInFailure */
export function momentOf(text: string): number {
  const at = MOMENT.test(text) ? Date.parse(text) : Number.NaN;
  // A thirtieth of February would otherwise be read as some other day.
  if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 19) !== text.slice(0, 19))
    refuse('a time cannot be read');
  return at;
}

/** @throws SignInFailure `response_late` before this moment */
export function notBefore(text: string | null, now: Now, what: string): void {
  if (text !== null && now.at + now.skewMs < momentOf(text)) late(`${what} is not valid yet by our clock`);
}

/** The moment itself. @throws SignInFailure `response_late` from this moment on */
export function notOnOrAfter(text: string, now: Now, what: string): number {
  const end = momentOf(text);
  if (now.at - now.skewMs >= end) late(`${what} is no longer valid by our clock`);
  return end;
}
