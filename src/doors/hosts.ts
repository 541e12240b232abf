import { isIP } from 'node:net';

/**
 * Which `Host` and `Origin` values are ours. A page on the web can make a browser send requests to a gateway on loopback or in
 * the company's network under a name its author controls (DNS rebinding); such a name is not on the list. Addresses are always
 * accepted: a rebinding attack needs a name.
 */
export function hostCheck(names: readonly string[]): (host: string | undefined, origin: string | undefined) => boolean {
  const known = new Set(['localhost', ...names.map((name) => name.toLowerCase())]);
  const isOurs = (name: string): boolean => known.has(name) || isIP(name.replace(/^\[|\]$/g, '')) !== 0;
  return (host, origin) => {
    if (host === undefined || !isOurs(nameOf(host))) return false;
    if (origin === undefined) return true;
    const url = URL.canParse(origin) ? new URL(origin) : null;
    return url !== null && isOurs(url.hostname.toLowerCase());
  };
}

/** The name in `name`, `name:port`, `[v6]` or `[v6]:port`. */
function nameOf(host: string): string {
  const lower = host.toLowerCase();
  const bracketed = /^(\[[^\]]*\])(:\d+)?$/.exec(lower);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  return lower.replace(/:\d+$/, '').replace(/\.$/, '');
}
