import { BlockList, isIP } from 'node:net';

/** IPv4 networks that are no stranger's to name: this machine, private and shared ones, link-local, and all that is reserved. */
const CLOSED_4 = [
  '0.0.0.0/8', // this network (RFC 1122)
  '10.0.0.0/8', // private (RFC 1918)
  '100.64.0.0/10', // shared by carriers (RFC 6598)
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local, with the metadata of most clouds
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments (RFC 6890)
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.88.99.0/24', // 6to4 relays, given up (RFC 7526)
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks (RFC 2544)
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
];

/** Of IPv6 only global unicast is open; everything else is loopback, unique local, link-local, multicast or not assigned. */
const GLOBAL_6 = ['2000::/3'];
/** And of that not what is reserved, or carries an IPv4 address through a tunnel. */
const CLOSED_6 = [
  '2001::/23', // protocol assignments (RFC 2928): Teredo, benchmarks, ORCHID
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: an IPv4 address inside, given up
  '3fff::/20', // documentation (RFC 9637)
];
/**
 * Where machines in clouds find their own credentials. Closed even where a wider network is opened: whoever opens `10.0.0.0/8` or
 * `169.254.0.0/16` does not mean these.
 */
const METADATA = [
  '169.254.169.254', // most clouds
  '169.254.169.253',
  '169.254.170.2', // credentials of containers
  '169.254.170.23',
  '169.254.0.23',
  '169.254.42.42',
  '100.100.100.200',
  '100.96.0.96',
  '168.63.129.16', // public, and answered by the host of the machine
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd00:42::42',
  'fd20:ce::254',
  'fe80::a9fe:a9fe',
];

interface Network {
  /** In its plainest spelling. */
  readonly address: string;
  readonly bits: number;
  readonly family: 4 | 6;
}

/** A network `10.20.0.0/16` or a single address, which is a network of one; null for anything else. */
function networkOf(text: string): Network | null {
  const [, written = '', length] = /^([^/]{1,50})(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = plainest(written);
  // IPv4 in the spelling of IPv6 has another length of its prefix: a rule of two readings.
  if (address === null || isIP(address) !== isIP(written)) return null;
  const family = isIP(address) === 4 ? 4 : 6;
  const bits = length === undefined ? LENGTH[family] : Number(length);
  return bits > LENGTH[family] ? null : { address, bits, family };
}

const LENGTH = { 4: 32, 6: 128 } as const;

/** Whether text is a network or an address that `net.allow` takes. */
export function isNetwork(text: string): boolean {
  return networkOf(text) !== null;
}

/** Networks of both families, each looked up in its own: to Node's list a rule `::/0` would cover IPv4 as well. */
class Networks {
  readonly #lists = { 4: new BlockList(), 6: new BlockList() };
  /** Networks of one address. */
  readonly #single = new Set<string>();

  /** @throws Error for what is no network */
  constructor(networks: readonly string[]) {
    for (const text of networks) {
      const network = networkOf(text);
      if (network === null) throw new Error(`"${text}" is no network such as 10.20.0.0/16`);
      const { address, bits, family } = network;
      this.#lists[family].addSubnet(address, bits, `ipv${family}`);
      if (bits === LENGTH[family]) this.#single.add(address);
    }
  }

  /** `address` in its plainest spelling, here and below. */
  has(address: string): boolean {
    const family = isIP(address) === 4 ? 4 : 6;
    return this.#lists[family].check(address, `ipv${family}`);
  }

  /** Whether this very address is named, not only a network around it. */
  names(address: string): boolean {
    return this.#single.has(address);
  }
}

const CLOSED = new Networks([...CLOSED_4, ...CLOSED_6]);
const GLOBAL = new Networks(GLOBAL_6);
const KEPT = new Networks(METADATA);

/**
 * An address in its one plainest spelling: IPv6 as a URL writes it, IPv4 inside IPv6 (`::ffff:10.0.0.1`) as IPv4, as the kernel
 * takes it. Null for what is no address, and for one with a zone (`fe80::1%eth0`).
 */
function plainest(address: string): string | null {
  if (address.includes('%')) return null;
  if (isIP(address) !== 6) return isIP(address) === 4 ? address : null;
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(text) ?? [];
  return high === undefined || low === undefined ? text : four(high, low);
}

/** The IPv4 address that an IPv6 address is translated to on its way (NAT64); null for every other. */
function translated(address: string): string | null {
  const match = /^64:ff9b::(?:(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4}))?$/.exec(address);
  return match === null ? null : four(match[1] ?? '0', match[2] ?? '0');
}

/** IPv4 from its two halves in hexadecimal digits. */
function four(high: string, low: string): string {
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [first >> 8, first & 255, second >> 8, second & 255].join('.');
}

/**
 * Whether an address is closed to names that an outsider chose: everything that is not an address of the public internet, and what
 * is no address at all.
 */
export function isForbidden(address: string): boolean {
  const plain = plainest(address);
  if (plain === null) return true;
  const inner = translated(plain);
  if (inner !== null) return isForbidden(inner);
  if (KEPT.has(plain) || CLOSED.has(plain)) return true;
  return isIP(plain) === 6 && !GLOBAL.has(plain);
}

/**
 * The question whether to connect to an address, where the operator opens these networks beside the public internet. Addresses of
 * metadata are open only where they are named themselves.
 *
 * @throws Error for what is no network
 */
export function openTo(allow: readonly string[]): (address: string) => boolean {
  const opened = new Networks(allow);
  return (address) => {
    const plain = plainest(address);
    if (plain === null) return false;
    if (!isForbidden(plain)) return true;
    return KEPT.has(translated(plain) ?? plain) ? opened.names(plain) : opened.has(plain);
  };
}
