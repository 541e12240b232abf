import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** The address of whoever sends a request. */
export type PeerOf = (request: IncomingMessage) => string;

/** A request with more proxies than these came through no network that somebody runs. */
const MOST_HOPS = 64;

export interface PeerOptions {
  /** Networks of proxies whose `X-Forwarded-For` is read. */
  readonly trustedProxies: readonly string[];
  /** Reached through our own relay workers alone, which send the one address there is. */
  readonly behindWorkers: boolean;
}

/**
 * Who is taken for the sender of a request: the peer of its connection, unless that is a trusted proxy. Then, in `X-Forwarded-For`, the
 * last address that is none of a trusted proxy: each proxy adds whom it saw at the end, so that everything before is
 * a caller's own claim. Nothing else that says where somebody is, is read: not `Forwarded`, not `X-Real-IP`, no other spelling.
 *
 * @throws Error for what is no network
 */
export function peerReader({ trustedProxies, behindWorkers }: PeerOptions): PeerOf {
  if (behindWorkers) return ({ headers }) => forwardedBy(headers) ?? '';
  if (trustedProxies.length === 0) return ({ socket }) => peerOf(socket);
  const isTrusted = membership(trustedProxies);
  return ({ socket, headers }) => {
    const peer = peerOf(socket);
    const said = forwardedBy(headers);
    return said === undefined || !isTrusted(peer) ? peer : callerIn(said, { peer, isTrusted });
  };
}

function callerIn(
  said: string,
  { peer, isTrusted }: { peer: string; isTrusted: (address: string) => boolean },
): string {
  const hops = said.split(',').slice(-MOST_HOPS);
  let last = peer;
  for (const hop of hops.toReversed()) {
    const address = addressOf(hop.trim());
    // Who said that is trusted and does not say an address: nothing of it is believed.
    if (address === null) return peer;
    if (!isTrusted(address)) return address;
    last = address;
  }
  return last;
}

/** More lines of that name are one, joined by commas. */
function forwardedBy(headers: IncomingMessage['headers']): string | undefined {
  const said = headers['x-forwarded-for'];
  return Array.isArray(said) ? said.join(',') : said;
}

/** The address in `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5678`; null for anything else. */
function addressOf(hop: string): string | null {
  const bare = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop)?.[1];
  if (bare !== undefined) return isIP(bare) === 6 && !bare.includes('%') ? bare : null;
  const address = /^([\d.]+):\d{1,5}$/.exec(hop)?.[1] ?? hop;
  return isIP(address) !== 0 && !address.includes('%') ? address : null;
}

function peerOf({ remoteAddress = '' }: IncomingMessage['socket']): string {
  return remoteAddress;
}

function membership(networks: readonly string[]): (address: string) => boolean {
  const lists = { 4: new BlockList(), 6: new BlockList() };
  for (const text of networks) {
    const network = networkOf(text);
    if (network === null) throw new Error(`"${text}" is no network such as 10.0.0.0/24`);
    lists[network.family].addSubnet(network.address, network.bits, `ipv${network.family}`);
  }
  return (written) => {
    const [bare = ''] = written.split('%', 1);
    // So a socket for both families shows IPv4.
    const address = /^::ffff:([\d.]+)$/i.exec(bare)?.[1] ?? bare;
    const family = isIP(address);
    return (family === 4 || family === 6) && lists[family].check(address, `ipv${family}`);
  };
}

function networkOf(text: string): { address: string; bits: number; family: 4 | 6 } | null {
  const [, address = '', length] = /^([^/%]{1,50})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  // IPv4 in the spelling of IPv6 would have another length.
  if ((family !== 4 && family !== 6) || (family === 6 && address.includes('.'))) return null;
  const most = family === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  // Whoever trusts every address believes what anybody claims.
  return bits > most || bits === 0 ? null : { address, bits, family };
}

/** Whether text is a network of proxies: one that is not everything. */
export function isProxyNetwork(text: string): boolean {
  return networkOf(text) !== null;
}
