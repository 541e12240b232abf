import type { IncomingHttpHeaders } from 'node:http';

/** Names by which a browser can mean only its own machine. */
const LOOPBACK = /^(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i;

/**
 * Where the browser reaches us, for the addresses that a provider is told and for cookies: as configured, else only on this machine
 * as the browser called it. Null where neither can be trusted: any other `Host` is what the caller claims, and without TLS a session
 * would cross the network for everybody to read.
 */
export function baseOf({ host }: Pick<IncomingHttpHeaders, 'host'>, configured: URL | null): URL | null {
  if (configured !== null) return isSafe(configured) ? new URL('/', configured) : null;
  if (host === undefined || !LOOPBACK.test(host) || !URL.canParse(`http://${host}`)) return null;
  return new URL(`http://${host}`);
}

function isSafe({ protocol, host }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.test(host));
}

/**
 * Whether a form was sent from a page of ours. Browsers say so on every POST; who does not say it is refused, because another site
 * could make a browser send the same (CSRF).
 */
export function isOwnPost(headers: IncomingHttpHeaders, base: URL): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  return headers.origin === undefined ? site === 'same-origin' : headers.origin === base.origin;
}
