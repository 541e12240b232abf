import { isIP } from 'node:net';

/** Where somebody calls from. */
export interface Place {
  /** One address; of IPv6 one network of a home or machine (/64), in which addresses are free to take. */
  readonly address: string;
  /** Those that likely belong to the same: /24, of IPv6 /56. */
  readonly prefix: string;
}

/** The place of a peer. What is no address is a place of its own. */
export function placeOf(peer: string): Place {
  const [bare = ''] = peer.split('%', 1);
  const four = bare.replace(/^::ffff:(?=\d+\.)/i, '');
  if (isIP(four) === 4) return { address: four, prefix: `${four.slice(0, four.lastIndexOf('.'))}.0/24` };
  if (isIP(bare) !== 6) return { address: 'unknown', prefix: 'unknown' };
  const bits = bitsOf(bare);
  return { address: `${bits.slice(0, 16)}/64`, prefix: `${bits.slice(0, 14)}/56` };
}

/** The 32 hex digits of an IPv6 address. */
function bitsOf(address: string): string {
  // A URL writes an IPv4 ending as hex and everything else in the shortest form.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::', 2);
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const missing = Array<string>(8 - front.length - back.length).fill('0');
  return [...front, ...missing, ...back].map((group) => group.padStart(4, '0')).join('');
}
