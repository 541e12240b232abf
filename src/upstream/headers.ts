/**
 * Which headers cross the gateway. Everything an open set may grow (`anthropic-*`, `x-claude-code-*`, `x-stainless-*`) passes as
 * received; dropped are only the named exceptions of promise P4.
 */

/** RFC 9110 §7.6.1, with the historical ones still seen in the wild. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Never forwarded to a provider: the caller's credentials (P5), what undici sets itself, what would let the answer be compressed
 * past the meter, and what claims where the caller is (forwarding headers: nobody upstream may believe a client about that).
 */
const NOT_FOR_UPSTREAM = new Set([
  'authorization',
  'x-api-key',
  'cookie',
  'host',
  'content-length',
  'accept-encoding',
  'expect',
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'true-client-ip',
  'client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-appengine-user-ip',
  'x-azure-clientip',
]);

/** Families of them: where a caller is said to be, and what stands between the caller and us, such as the team that is charged. */
const FAMILIES_NOT_FOR_UPSTREAM = ['x-forwarded-', 'x-gatehouse-'];

/** To servers that hand headers on as variables `x_api_key` and `x-api-key` are one name: what is dropped goes in both spellings. */
function isNotForUpstream(name: string): boolean {
  const dashed = name.replaceAll('_', '-');
  if (HOP_BY_HOP.has(dashed) || NOT_FOR_UPSTREAM.has(dashed)) return true;
  return FAMILIES_NOT_FOR_UPSTREAM.some((family) => dashed.startsWith(family));
}

/** Never forwarded to a caller: the provider's cookies are credentials of ours. */
const NOT_FOR_CALLER = new Set(['set-cookie']);

/** Names that `Connection` nominates as hop-by-hop, lower-case. */
function nominated(rawHeaders: readonly string[]): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i], 'connection')) continue;
    names ??= new Set();
    for (const name of (rawHeaders[i + 1] ?? '').split(',')) names.add(name.trim().toLowerCase());
  }
  return names ?? NONE;
}

const NONE: ReadonlySet<string> = new Set();

/** Whether a header, as it was written, is the one of this name, which is given in lower case. */
function isNamed(written: string | undefined, name: string): boolean {
  return written !== undefined && written.length === name.length && written.toLowerCase() === name;
}

function filtered(rawHeaders: readonly string[], keep: (name: string) => boolean): string[] {
  const hops = nominated(rawHeaders);
  const out: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || hops.has(lower) || !keep(lower)) continue;
    out.push(name, rawHeaders[i + 1] ?? '');
  }
  return out;
}

/** The caller's headers for the provider, with `own` replacing those of the same name. Name, value, … */
export function headersForUpstream(
  rawHeaders: readonly string[],
  own: readonly (readonly [string, string])[],
): string[] {
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  const out = filtered(rawHeaders, (name) => !isNotForUpstream(name) && !replaced.has(name.replaceAll('_', '-')));
  for (const [name, value] of own) out.push(name, value);
  return out;
}

/** The provider's headers for the caller. Name, value, … */
export function headersForCaller(rawHeaders: readonly string[]): string[] {
  return filtered(rawHeaders, (name) => !NOT_FOR_CALLER.has(name));
}

/** What goes on from one of our own processes to another: neither hop-by-hop nor about where the caller is. Name, value, … */
export function withoutForwarding(rawHeaders: readonly string[]): string[] {
  return filtered(rawHeaders, (name) => name !== 'forwarded' && !name.startsWith('x-forwarded-'));
}

/** A raw list without the headers of this name, which is given in lower case. */
export function withoutHeader(rawHeaders: readonly string[], name: string): string[] {
  const out: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (!isNamed(rawHeaders[i], name)) out.push(rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '');
  }
  return out;
}

/** The values of a header in a raw list, in order. */
export function headerValues(rawHeaders: readonly string[], wanted: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (isNamed(rawHeaders[i], wanted)) values.push(rawHeaders[i + 1] ?? '');
  }
  return values;
}

/** The first value of a header in a raw list, or null. */
export function headerValue(rawHeaders: readonly string[], wanted: string): string | null {
  return headerValues(rawHeaders, wanted)[0] ?? null;
}
