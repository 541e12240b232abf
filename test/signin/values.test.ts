/** What the pages are made of: return paths, addresses, cookies, forms and markup, each against what an attacker would send. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseOf, isOwnPost } from '../../src/doors/signin/base.ts';
import { signinConfig } from '../../src/doors/signin/config.ts';
import { Cookies } from '../../src/doors/signin/cookies.ts';
import { FormFault, readForm } from '../../src/doors/signin/form.ts';
import { Gate } from '../../src/doors/signin/gate.ts';
import { html } from '../../src/doors/signin/html.ts';
import { placeOf } from '../../src/doors/signin/places.ts';
import { returnPath } from '../../src/doors/signin/return-path.ts';

const BASE = new URL('https://gatehouse.example.com/');
const LOCAL = new URL('http://localhost:8787/');

test('only a path of ours is gone back to', () => {
  const fine = [
    '/account',
    '/console/people?tab=keys&x=%C3%A9',
    '/console/people/alice%40acme.com',
    '/a/b.c-d_e~f',
    '/?x=a@b',
  ];
  for (const path of fine) assert.equal(returnPath(path, BASE), path);
  assert.equal(returnPath('/console/../console/x', BASE), '/console/x');
  assert.equal(returnPath('/console#part', BASE), '/console');
});

const OPEN_REDIRECTS = [
  'https://evil.example',
  '//evil.example',
  '///evil.example',
  '////evil.example/..',
  '/\\evil.example',
  '\\/evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\nSet-Cookie: a=b',
  '\t//evil.example',
  ' //evil.example',
  ' /account',
  '/ /evil.example',
  '/.//evil.example',
  '/..//evil.example',
  '/%2e//evil.example',
  '/%2e%2e//evil.example',
  '/a/..//evil.example',
  '/%2f%2fevil.example',
  '/%2F/evil.example',
  '/%5cevil.example',
  '/%09/evil.example',
  '/%0d%0aSet-Cookie:a=b',
  '/%00',
  '/%252f%252fevil.example',
  '/@evil.example',
  '/x@evil.example',
  '@evil.example',
  'gatehouse.example.com@evil.example',
  'https://gatehouse.example.com@evil.example/',
  'https://gatehouse.example.com/account',
  'http:/evil.example',
  'https:evil.example',
  'javascript:alert(1)',
  '/javascript:alert(1)\u0000',
  'data:text/html,x',
  'account',
  '?x',
  '#x',
  '',
  '/a\\..\\evil',
  '/?next=\\evil',
  '/\u2028/evil.example',
  '/／evil.example',
  '／／evil.example',
  '/。evil',
  '/\u202eevil',
  '/signin',
  '/signin/sealed',
  '/x/../signin',
  `/${'a'.repeat(1024)}`,
];

test('everything that could lead away, or in a circle, leads to the account page', () => {
  for (const asked of [...OPEN_REDIRECTS, null, undefined]) {
    assert.equal(returnPath(asked, BASE), '/account', `${asked}`);
  }
});

test('the address of the browser is the configured one, else only this machine', () => {
  const configured = new URL('https://gatehouse.example.com/some/path?x');
  assert.equal(baseOf({ host: 'evil.example' }, configured)?.href, 'https://gatehouse.example.com/');
  const here = ['localhost', 'localhost:8787', 'LOCALHOST:1', '127.0.0.1:8787', '127.9.8.7', '[::1]:8787'];
  for (const host of here) assert.equal(baseOf({ host }, null)?.href, `http://${host.toLowerCase()}/`);
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    'localhost@evil.example',
    'evil.example#localhost',
    '127.0.0.1.evil.example',
    '127.0.0.999',
    '10.0.0.1',
    '[::2]',
    'localhost:99999',
    'localhost, localhost',
    'localhost/',
    '',
  ]) {
    assert.equal(baseOf({ host }, null), null, host);
  }
  assert.equal(baseOf({}, null), null);
  assert.equal(baseOf({ host: 'localhost' }, new URL('http://gatehouse.example.com')), null, 'without TLS');
  assert.equal(baseOf({ host: 'x' }, new URL('http://localhost:8787'))?.href, 'http://localhost:8787/');
});

test('a form is ours when the browser says so, and not when it says nothing', () => {
  const own = BASE.origin;
  for (const headers of [
    { origin: own },
    { origin: own, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.equal(isOwnPost(headers, BASE), true);
  }
  for (const headers of [
    {},
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { origin: 'http://gatehouse.example.com' },
    { origin: 'https://gatehouse.example.com:444' },
    { origin: `${own}, ${own}` },
    { origin: own, 'sec-fetch-site': 'cross-site' },
    { origin: own, 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { origin: 'null', 'sec-fetch-site': 'same-origin' },
  ]) {
    assert.equal(isOwnPost(headers, BASE), false, JSON.stringify(headers));
  }
});

test('cookies are bound to our name alone over TLS, and have no prefix on this machine without', () => {
  const tls = new Cookies({}, BASE);
  assert.equal(
    tls.keepSession('abc', 60.9),
    '__Host-gatehouse-session=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure',
  );
  assert.equal(tls.dropSession(), '__Host-gatehouse-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure');
  const plain = new Cookies({}, LOCAL);
  assert.equal(plain.keepSession('abc', 60), 'gatehouse-session=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Lax');
  assert.deepEqual(plain.keepFlow('abcdefgh-0123456789', 'f', 600), [
    'gatehouse-flow-abcdefgh=f; Max-Age=600; Path=/; HttpOnly; SameSite=Lax',
  ]);
});

test('a planted, doubled or misshapen cookie is not read', () => {
  const session = (cookie: string, base = BASE) => new Cookies({ cookie }, base).session;
  assert.equal(session('a=1; __Host-gatehouse-session=good; b=2'), 'good');
  for (const cookie of [
    'gatehouse-session=good',
    '__Host-gatehouse-session=good; __Host-gatehouse-session=other',
    '__host-gatehouse-session=good',
    '__Host-gatehouse-session="good"',
    '__Host-gatehouse-session=go%6fd',
    '__Host-gatehouse-session=',
    '__Host-gatehouse-session',
    `__Host-gatehouse-session=${'a'.repeat(4000)}`,
    '',
  ]) {
    assert.equal(session(cookie), null, cookie);
  }
  assert.equal(session('__Host-gatehouse-session=good', LOCAL), null);
  assert.equal(new Cookies({}, BASE).session, null);
});

test('what does not fit a cookie never becomes a header', () => {
  const cookies = new Cookies({}, BASE);
  for (const bad of ['a b', 'a;b', 'a\r\nSet-Cookie: x=y', 'ä', '']) {
    assert.throws(() => cookies.keepSession(bad, 1));
    assert.throws(() => cookies.keepFlow('abcdefgh-0123456789', bad, 1));
    assert.throws(() => cookies.keepFlow(`${bad}-0123456789-0123456789;`, 'f', 1));
    assert.deepEqual(cookies.dropFlow(`abcdefgh0123456789${bad};`), []);
    assert.equal(cookies.flow(`abcdefgh0123456789${bad};`), null);
  }
});

test('five sign-ins under way are kept, the oldest gives way', () => {
  const names = ['aaaaaaaa', 'bbbbbbbb', 'cccccccc', 'dddddddd', 'eeeeeeee'].map(
    (tail) => `__Host-gatehouse-flow-${tail}`,
  );
  const sent = (count: number) => ({
    cookie: names
      .slice(0, count)
      .map((name) => `${name}=f`)
      .join('; '),
  });
  const set = (count: number, state = 'ffffffff-0123456789') =>
    new Cookies(sent(count), BASE).keepFlow(state, 'new', 600).map((value) => value.split(';', 2).join(';'));
  const own = '__Host-gatehouse-flow-ffffffff=new; Max-Age=600';
  assert.deepEqual(set(4), [own]);
  assert.deepEqual(set(5), [`${names[0]}=; Max-Age=0`, own]);
  // One that takes the place of its own name needs no room.
  assert.deepEqual(set(5, 'cccccccc-0123456789'), [`${names[2]}=new; Max-Age=600`]);
  const evil = new Cookies(
    { cookie: `${sent(5).cookie}; __Host-gatehouse-flow-x y=1; __Host-gatehouse-flow-<b>=1` },
    BASE,
  );
  assert.equal(evil.keepFlow('ffffffff-0123456789', 'new', 600).length, 2);
});

test('a form is read in one way or not at all', () => {
  assert.deepEqual(
    [...readForm('a=1&b=%C3%A4+%2B&c=&d')],
    [
      ['a', '1'],
      ['b', 'ä +'],
      ['c', ''],
      ['d', ''],
    ],
  );
  assert.equal(readForm('').size, 0);
  assert.deepEqual([...readForm('__proto__=x')], [['__proto__', 'x']]);
  for (const text of [
    'a=1&a=2',
    'a=1&%61=2',
    'a=%',
    'a=%zz',
    'a=%ff',
    'a=%C3',
    'a=%ED%A0%80',
    'a=ä',
    'a=b c',
    'a=\u0000',
    'a=b\r\n',
    'a=1&&',
    Array.from({ length: 33 }, (_, i) => `f${i}=1`).join('&'),
  ]) {
    assert.throws(() => readForm(text), FormFault, text);
  }
  assert.equal(readForm(Array.from({ length: 32 }, (_, i) => `f${i}=1`).join('&')).size, 32);
});

test('whatever is put into markup is text', () => {
  const evil = `<script>alert(1)</script>"'\`&`;
  assert.equal(
    html`<a title="${evil}">${evil}</a>`.toString(),
    '<a title="&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&#96;&amp;">&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&#96;&amp;</a>',
  );
  assert.equal(html`a${null}b${false}c${0}d${[html`<b>`, html`${'<i>'}`]}`.toString(), 'abc0d<b>&lt;i&gt;');
  // Characters that turn or hide text are shown.
  assert.equal(html`${'a\u202eb\u0000c\u200b'}`.toString(), 'a\\u{202e}b\\u{0}c\\u{200b}');
  // Nothing that only looks like markup is believed, and lists are no way around.
  assert.equal(html`${['<b>'] as never}`.toString(), '&lt;b&gt;');
  assert.throws(() => html`${{ toString: () => '<b>' } as never}`);
});

test('places: one address and its neighbourhood', () => {
  const v6 = '20010db8000000010002000300040005';
  for (const [peer, address, prefix] of [
    ['192.0.2.7', '192.0.2.7', '192.0.2.0/24'],
    ['::ffff:192.0.2.7', '192.0.2.7', '192.0.2.0/24'],
    ['2001:db8:0:1:2:3:4:5', `${v6.slice(0, 16)}/64`, `${v6.slice(0, 14)}/56`],
    ['2001:DB8::1:2:3:4:5', `${v6.slice(0, 16)}/64`, `${v6.slice(0, 14)}/56`],
    ['fe80::1%eth0', 'fe80000000000000/64', 'fe800000000000/56'],
    ['::1', '0000000000000000/64', '00000000000000/56'],
    ['::', '0000000000000000/64', '00000000000000/56'],
    ['not an address', 'unknown', 'unknown'],
    ['', 'unknown', 'unknown'],
  ] as const) {
    assert.deepEqual(placeOf(peer), { address, prefix }, peer);
  }
});

test('a gate lets so many in, and so many of one place', () => {
  const gate = new Gate({ most: 3, mostEach: 2 });
  const [a, b] = [gate.enter('x'), gate.enter('x')];
  assert.ok(a && b);
  assert.equal(gate.enter('x'), null);
  assert.ok(gate.enter('y'));
  assert.equal(gate.enter('z'), null);
  a();
  a();
  assert.ok(gate.enter('z'));
  assert.equal(gate.enter('z'), null, 'leaving twice makes no more room');
});

test('the configuration has the defaults of the house, and bounds', () => {
  assert.deepEqual(signinConfig.parse({}), { idle: 43_200_000, longest: 604_800_000, rotate: 900_000 });
  assert.deepEqual(signinConfig.parse({ idle: '30 min', longest: '1 day', rotate: '5 min' }), {
    idle: 1_800_000,
    longest: 86_400_000,
    rotate: 300_000,
  });
  for (const wrong of [
    { idle: '30 s' },
    { idle: '31 days' },
    { longest: '91 days' },
    { longest: '30 s' },
    { rotate: '1 s' },
    { rotate: '2 days' },
    { other: '1 h' },
  ]) {
    assert.equal(signinConfig.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});
