import { isIP } from 'node:net';

/**
 * Which `Host` and `Origin` values are ours. A page on the web can make a browser send requests to a gateway on loopback or in
 * the company's network under a name its author controls (DNS rebinding); such a name is not on the list. Addresses are always
 * accepted as `Host`: a rebinding attack needs a name. As `Origin` only the address that is called: a page may lie at any.
 */
export function hostCheck(names: readonly string[]): (host: string | undefined, origin: string | undefined) => boolean {
  const known = new Set(['localhost', ...names.map((name) => name.toLowerCase())]);
  return (host, origin) => {
    const called = host === undefined ? null : nameOf(host);
    if (called === null || !(known.has(called) || isAddress(called))) return false;
    if (origin === undefined) return true;
    const from = originOf(origin);
    return from !== null && (known.has(from) || (isAddress(from) && from === canonical(called)));
  };
}

/** An address, IPv6 in brackets. No zone: it may hold any text, and no browser sends one. */
function isAddress(name: string): boolean {
  const bare = /^\[([^\]%]*)\]$/.exec(name)?.[1];
  return bare === undefined ? isIP(name) === 4 : isIP(bare) === 6;
}

/** The name in `name`, `name:port`, `[v6]` or `[v6]:port`, in lower case and without a dot at its end. */
function nameOf(host: string): string {
  const lower = host.toLowerCase();
  const bracketed = /^(\[[^\]]*\])(:\d+)?$/.exec(lower);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  return lower.replace(/:\d+$/, '').replace(/\.$/, '');
}

/** The name in an origin of the web, as nameOf; null for every other, such as `null` (a sandboxed page or a file). */
function originOf(origin: string): string | null {
  if (!/^https?:\/\//i.test(origin) || !URL.canParse(origin)) return null;
  return new URL(origin).hostname.replace(/\.$/, '');
}

/** An address as a URL spells it: browsers write the shortest form into `Origin`. */
function canonical(address: string): string {
  const url = `http://${address}`;
  return URL.canParse(url) ? new URL(url).hostname : address;
}
