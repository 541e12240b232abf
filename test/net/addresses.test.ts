/** Which addresses are closed to names that an outsider chose, network by network, first and last and their neighbours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isForbidden, isNetwork, openTo } from '../../src/net/addresses.ts';

/** First and last address of each closed network, by the registries of special addresses (RFC 6890 and its successors). */
const CLOSED: readonly (readonly [name: string, ...addresses: string[]])[] = [
  ['this network', '0.0.0.0', '0.255.255.255'],
  ['private 10', '10.0.0.0', '10.255.255.255'],
  ['shared by carriers', '100.64.0.0', '100.127.255.255'],
  ['loopback', '127.0.0.0', '127.0.0.1', '127.255.255.255'],
  ['link-local', '169.254.0.0', '169.254.255.255'],
  ['private 172', '172.16.0.0', '172.31.255.255'],
  ['protocol assignments', '192.0.0.0', '192.0.0.255'],
  ['documentation 1', '192.0.2.0', '192.0.2.255'],
  ['6to4 relays', '192.88.99.0', '192.88.99.255'],
  ['private 192', '192.168.0.0', '192.168.255.255'],
  ['benchmarks', '198.18.0.0', '198.19.255.255'],
  ['documentation 2', '198.51.100.0', '198.51.100.255'],
  ['documentation 3', '203.0.113.0', '203.0.113.255'],
  ['multicast', '224.0.0.0', '239.255.255.255'],
  ['reserved', '240.0.0.0', '255.255.255.254'],
  ['broadcast', '255.255.255.255'],
  ['metadata on a public address', '168.63.129.16'],
  ['unspecified', '::', '0:0:0:0:0:0:0:0'],
  ['loopback 6', '::1', '0000:0000:0000:0000:0000:0000:0000:0001'],
  ['IPv4 in its old form inside IPv6', '::127.0.0.1', '::7f00:1', '::8.8.8.8'],
  ['mapped', '::ffff:127.0.0.1', '::FFFF:7F00:1', '0:0:0:0:0:ffff:169.254.169.254', '::ffff:10.1.2.3', '::ffff:0:0'],
  ['translated without tables', '::ffff:0:7f00:1'],
  ['translated (NAT64)', '64:ff9b::127.0.0.1', '64:ff9b::a00:1', '64:ff9b::', '64:ff9b::1', '64:ff9b::a9fe:a9fe'],
  ['translated locally', '64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', '64:ff9b:1::808:808'],
  ['discarded', '100::', '100::ffff:ffff:ffff:ffff'],
  ['Teredo', '2001::', '2001::7f00:1', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['benchmarks 6', '2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff'],
  ['ORCHID', '2001:10::', '2001:2f:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['documentation 6', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '3fff::', '3fff:fff:ffff::1'],
  ['6to4', '2002:7f00:1::', '2002:a00:1::1', '2002:808:808::1'],
  ['segments', '5f00::', '5f00:ffff::1'],
  ['unique local', 'fc00::', 'fd00:ec2::254', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['link-local 6', 'fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fe80::1%eth0'],
  ['site-local, given up', 'fec0::', 'feff::1'],
  ['multicast 6', 'ff00::', 'ff02::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['not assigned', '1fff:ffff::1', '4000::', '8000::1'],
  [
    'no address',
    '',
    'localhost',
    '0x7f.1',
    '2130706433',
    '127.1',
    '010.0.0.1',
    '[::1]',
    '1.2.3.4 ',
    '1.2.3.4%1',
    '8.8.8.8/32',
  ],
];
for (const [name, ...addresses] of CLOSED) {
  test(`closed: ${name}`, () => {
    for (const address of addresses) assert.equal(isForbidden(address), true, address);
  });
}

test('open: the addresses right beside the closed networks, and public ones in every spelling', () => {
  for (const address of [
    ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
    ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '192.0.1.0', '192.0.3.0', '192.88.98.255'],
    ...['192.88.100.0', '192.167.255.255', '192.169.0.0', '198.17.255.255', '198.20.0.0', '198.51.99.255'],
    ...['198.51.101.0', '203.0.112.255', '203.0.114.0', '223.255.255.255', '168.63.129.15', '168.63.129.17'],
    ...['2000::', '2001:200::', '2001:db7:ffff::1', '2001:db9::', '2003::', '2606:4700::6810:84e5', '3ffe::1'],
    ...['3fff:1000::', '::ffff:8.8.8.8', '::ffff:808:808', '64:ff9b::8.8.8.8', '2606:4700:0:0:0:0:6810:84e5'],
  ]) {
    assert.equal(isForbidden(address), false, address);
  }
});

test('an operator opens networks, each in its own family', () => {
  const isOpen = openTo(['10.20.0.0/16', '192.168.7.9', 'fd12:3456::/32', '64:ff9b::a14:0/112']);
  const asked = (...addresses: string[]) => addresses.map((address) => isOpen(address));
  assert.deepEqual(asked('10.20.0.1', '10.20.255.255', '192.168.7.9', 'fd12:3456:789a::1'), [true, true, true, true]);
  assert.deepEqual(asked('10.19.255.255', '10.21.0.0', '192.168.7.8', 'fd12:3457::'), [false, false, false, false]);
  // Mapped, it is that IPv4 address; translated, it is an address in somebody else's network.
  assert.deepEqual(asked('::ffff:10.20.0.1', '64:ff9b::10.20.0.1', '64:ff9b::10.21.0.1'), [true, true, false]);
  assert.deepEqual([openTo(['10.0.0.0/8'])('64:ff9b::10.0.0.1'), openTo([])('8.8.8.8')], [false, true]);
  // Every address of IPv6 is none of IPv4.
  assert.deepEqual([openTo(['::/0'])('10.0.0.1'), openTo(['::/0'])('::1')], [false, true]);
  assert.equal(openTo(['0.0.0.0/0'])('fd00::1'), false);
});

test('metadata of a cloud stays closed inside an opened network, unless it is named itself', () => {
  const wide = openTo(['0.0.0.0/0', '::/0', '169.254.0.0/16', '169.254.169.254/31', 'fd00:ec2::254/127']);
  for (const address of [
    ...['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254'],
    ...['fd20:ce::254', 'fe80::a9fe:a9fe', '::ffff:169.254.169.254', '64:ff9b::169.254.169.254'],
  ]) {
    assert.equal(wide(address), false, address);
  }
  assert.equal(wide('169.254.1.1'), true);
  const named = openTo(['169.254.169.254/32', 'fd00:ec2::254']);
  assert.deepEqual(
    ['169.254.169.254', '::ffff:a9fe:a9fe', 'fd00:ec2::254', 'fd00:0ec2:0::0254'].map((address) => named(address)),
    [true, true, true, true],
  );
  assert.deepEqual([named('169.254.170.2'), named('64:ff9b::169.254.169.254')], [false, false]);
});

test('what is no network is refused, and IPv4 in the spelling of IPv6 as well', () => {
  for (const text of ['10.0.0.0/8', '10.0.0.1', '0.0.0.0/0', 'fd00::/8', '::1', '::/0', 'FD00:0:0::/48']) {
    assert.equal(isNetwork(text), true, text);
  }
  for (const text of [
    ...['', 'localhost', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0/8', '010.0.0.0/8'],
    ...['fd00::/129', 'fe80::1%eth0', 'fe80::%1/64', '::ffff:10.0.0.0/104', '::ffff:10.0.0.1', '10.0.0.0/8 ', '[::1]'],
    ...['10.0.0.0/0x8', `${'1'.repeat(100)}.0.0.0`, '10.0.0.0\n/8'],
  ]) {
    assert.equal(isNetwork(text), false, text);
    assert.throws(() => openTo([text]), /is no network/, text);
  }
});
