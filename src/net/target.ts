import { FetchFailure } from './failure.ts';

/** Where a request goes, of an address that may be spoken to at all; whether its host may, is for the connection to find out. */
export interface Target {
  readonly origin: string;
  /** As failures name it: without port. */
  readonly host: string;
  /** With the query. */
  readonly path: string;
}

/** A longer address serves nobody. */
const MOST_CHARS = 8192;

/**
 * Reads an address as a browser would, so that every odd spelling of an IP address (`0x7f.1`, `2130706433`) is the plain one
 * from here on.
 *
 * @param plain `host:port` as URL.host spells them, for which http is permitted
 * @throws FetchFailure `refused_scheme`, `refused_address`
 */
export function targetOf(text: string, plain: ReadonlySet<string>): Target {
  const url = text.length <= MOST_CHARS && URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new FetchFailure('refused_address', '', 'what should be fetched is no valid address');
  const { hostname: host, protocol } = url;
  if (protocol !== 'https:' && !(protocol === 'http:' && plain.has(url.host))) {
    throw new FetchFailure('refused_scheme', host, `${host || 'it'} can only be reached by https`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new FetchFailure('refused_address', host, `the address at ${host} must not hold a user or password`);
  }
  return { origin: url.origin, host, path: `${url.pathname}${url.search}` };
}
