import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { test } from 'node:test';
import { atHash, failureOf, newKey, sign, signHmac, unsigned } from './idp.ts';
import { claimsOf, verify } from './verify.ts';

const rsa = await newKey('key-1');
const header = { alg: 'RS256', kid: 'key-1' };
const keys = [rsa.jwk];
const signed = (claims: object | string, head: object | string = header) => sign(rsa, head, claims);
const refused = async (token: unknown, circumstances = {}) => failureOf(verify(token, { keys, ...circumstances }));

test('a token is accepted under every algorithm that counts', async () => {
  for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519']) {
    const key = await newKey('k', alg);
    const token = await sign(key, { alg, kid: 'k', typ: 'JWT' }, claimsOf());
    assert.equal((await verify(token, { keys: [key.jwk] })).subject, 'user-1', alg);
  }
});

test('a token is accepted without a key id where one key fits, and with parameters that are never looked at', async () => {
  assert.equal((await verify(await signed(claimsOf(), { alg: 'RS256' }), { keys })).subject, 'user-1');
  const evil = await newKey('key-1');
  const decorated = {
    ...header,
    jwk: evil.jwk,
    jku: 'https://evil.example.com/keys',
    x5u: 'https://evil.example.com/',
    x5c: ['x'],
  };
  assert.equal((await verify(await signed(claimsOf(), decorated), { keys })).subject, 'user-1');
});

test('a token that brings its own key, or says where to get it, is proven with the key of the provider alone', async () => {
  const evil = await newKey('key-1');
  for (const more of [
    { jwk: evil.jwk },
    { jku: 'https://evil.example.com/keys' },
    { x5u: 'https://evil.example.com/' },
  ]) {
    const token = await sign(evil, { ...header, ...more }, claimsOf());
    assert.equal(await refused(token), 'response_invalid: the signature of the ID token is wrong');
  }
});

test('a token that is not signed, or signed with something that everybody has, is refused', async () => {
  const pem = createPublicKey({ key: rsa.jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const der = createPublicKey({ key: rsa.jwk as never, format: 'jwk' }).export({ type: 'spki', format: 'der' });
  const tokens = [
    unsigned({ alg: 'none' }, claimsOf()),
    unsigned({ alg: 'None', kid: 'key-1' }, claimsOf()),
    `${unsigned({ alg: 'none' }, claimsOf())}AAAA`,
    unsigned(header, claimsOf()),
    `${unsigned(header, claimsOf())}AAAA`,
    signHmac(pem.toString(), { alg: 'HS256', kid: 'key-1' }, claimsOf()),
    signHmac(der as Buffer, { alg: 'HS256', kid: 'key-1' }, claimsOf()),
    signHmac(pem.toString(), header, claimsOf()),
    signHmac('', { alg: 'HS256' }, claimsOf()),
    signHmac(JSON.stringify(rsa.jwk), { alg: 'HS256' }, claimsOf()),
  ];
  for (const token of tokens) assert.match(await refused(token), /^response_invalid: /, token.slice(0, 40));
  // Not even where the set of keys would allow it.
  const secret = {
    kty: 'oct',
    kid: 'key-1',
    alg: 'HS256',
    k: Buffer.from('0123456789012345678901234567890123').toString('base64url'),
  };
  const token = signHmac('0123456789012345678901234567890123', { alg: 'HS256', kid: 'key-1' }, claimsOf());
  assert.match(await refused(token, { keys: [secret], algorithms: ['HS256'] }), /algorithm that does not count/);
});

test('an algorithm that the provider does not name, or that is not that of the key, is refused', async () => {
  const token = await signed(claimsOf());
  assert.match(await refused(token, { algorithms: ['ES256'] }), /algorithm that does not count/);
  for (const alg of [
    'RS384',
    'PS256',
    'ES256',
    'EdDSA',
    'rs256',
    'RS256 ',
    '',
    1,
    null,
    ['RS256'],
    'toString',
    '__proto__',
  ]) {
    assert.match(await refused(await signed(claimsOf(), { ...header, alg })), /^response_invalid: /, String(alg));
  }
  // A key without alg still does not serve another algorithm's signature.
  const { alg: _, ...free } = rsa.jwk;
  assert.match(await refused(await signed(claimsOf(), { ...header, alg: 'RS512' }), { keys: [free] }), /signature/);
  const ec = await newKey('key-1', 'ES256');
  assert.match(await refused(await sign(ec, header, claimsOf())), /signature/);
});

test('a header that changes how the token is read is refused', async () => {
  for (const more of [
    { crit: ['exp'], exp: 1 },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: false },
    { b64: true },
    { zip: 'DEF' },
    { enc: 'A128GCM' },
  ]) {
    assert.match(await refused(await signed(claimsOf(), { ...header, ...more })), /header that changes how it is read/);
  }
});

test('other tokens of the same provider are no ID tokens', async () => {
  for (const typ of ['at+jwt', 'application/at+jwt', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', '', 1, null, ['JWT']]) {
    assert.match(await refused(await signed(claimsOf(), { ...header, typ })), /kind that is no ID token/, String(typ));
  }
  for (const typ of ['JWT', 'jwt', 'application/jwt', undefined])
    await verify(await signed(claimsOf(), { ...header, typ }), { keys });
});

test('a key id with tricks in it is compared and used for nothing else', async () => {
  for (const kid of [
    '../../etc/passwd',
    "' OR 1=1 --",
    'https://evil.example.com/key',
    '__proto__',
    'key-1\0',
    'KEY-1',
    '',
    'x'.repeat(257),
  ]) {
    assert.match(await refused(await signed(claimsOf(), { ...header, kid })), /^response_invalid: /, kid);
  }
  for (const kid of [1, ['key-1'], { toString: 'key-1' }, 'x'.repeat(257)]) {
    assert.match(await refused(await signed(claimsOf(), { ...header, kid })), /key id that is none/);
  }
});

test('who the token is from and for, and which sign-in, must be exact', async () => {
  const cases: [string, Record<string, unknown>][] = [
    ['another issuer', { iss: 'https://evil.example.com' }],
    ['another issuer', { iss: 'https://idp.example.com/' }],
    ['another issuer', { iss: 'HTTPS://idp.example.com' }],
    ['another issuer', { iss: undefined }],
    ['another issuer', { iss: ['https://idp.example.com'] }],
    ['another client', { aud: 'client-2' }],
    ['another client', { aud: 'client-1 ' }],
    ['another client', { aud: [] }],
    ['another client', { aud: ['client-2'] }],
    ['no list of audiences', { aud: undefined }],
    ['no list of audiences', { aud: { 0: 'client-1' } }],
    ['no list of audiences', { aud: ['client-1', 7] }],
    ['no list of audiences', { aud: [['client-1']] }],
    ['no list of audiences', { aud: Array.from({ length: 21 }, () => 'client-1') }],
    ['names none as its party', { aud: ['client-1', 'client-2'] }],
    ['issued to another client', { aud: ['client-1', 'client-2'], azp: 'client-2' }],
    ['issued to another client', { aud: 'client-1', azp: 'client-2' }],
    ['issued to another client', { aud: 'client-1', azp: null }],
    ['not for this sign-in', { nonce: 'nonce-2' }],
    ['not for this sign-in', { nonce: undefined }],
    ['not for this sign-in', { nonce: ['nonce-1'] }],
    ['no subject', { sub: undefined }],
    ['no subject', { sub: '' }],
    ['no subject', { sub: 7 }],
    ['no subject', { sub: 'x'.repeat(256) }],
    ['no subject', { sub: 'a\u0000b' }],
  ];
  for (const [expected, changes] of cases) {
    const failure = await refused(await signed(claimsOf(changes)));
    assert.ok(
      failure.startsWith('response_invalid: ') && failure.includes(expected),
      `${JSON.stringify(changes)}: ${failure}`,
    );
  }
  for (const changes of [
    { aud: ['client-1'] },
    { aud: ['client-2', 'client-1'], azp: 'client-1' },
    { azp: 'client-1' },
    { sub: 'x'.repeat(255) },
  ]) {
    await verify(await signed(claimsOf(changes)), { keys });
  }
});

test('a token is valid from iat and nbf less the skew to before exp plus the skew, to the millisecond', async () => {
  const token = await signed(claimsOf({ iat: 1_000_000, exp: 1_000_300 }));
  const at = (now: number, skewMs = 120_000) => ({ keys, now, skewMs });
  for (const now of [1_000_000_000 - 120_000, 1_000_300_000 + 119_999]) await verify(token, at(now));
  for (const now of [1_000_000_000, 1_000_299_999]) await verify(token, at(now, 0));
  for (const [now, skew] of [
    [1_000_000_000 - 120_001, 120_000],
    [1_000_300_000 + 120_000, 120_000],
    [999_999_999, 0],
    [1_000_300_000, 0],
  ]) {
    assert.match(await refused(token, at(now as number, skew)), /^response_late: /);
  }
  const later = await signed(claimsOf({ iat: 1_000_000, nbf: 1_000_100, exp: 1_000_300 }));
  await verify(later, at(1_000_100_000, 0));
  assert.match(await refused(later, at(1_000_099_999, 0)), /^response_late: the ID token is not valid yet/);
  // Issued in the future, whatever nbf says.
  const ahead = await signed(claimsOf({ iat: 1_000_100, nbf: 1_000_000, exp: 1_000_300 }));
  assert.match(await refused(ahead, at(1_000_099_999, 0)), /^response_late: the ID token is not valid yet/);
});

test('times that are missing, or no numbers, are refused', async () => {
  for (const name of ['exp', 'iat']) {
    for (const value of [undefined, null, '1800000300', true, {}, -1, 1e13]) {
      assert.match(
        await refused(await signed(claimsOf({ [name]: value }))),
        /^response_invalid: .*how long/,
        `${name} ${value}`,
      );
    }
  }
  assert.match(await refused(await signed(claimsOf({ iat: undefined, nbf: 1 }))), /^response_invalid: .*how long/);
  for (const nbf of [null, '1800000000', {}])
    assert.match(await refused(await signed(claimsOf({ nbf }))), /^response_invalid/);
  const endless = JSON.stringify(claimsOf()).replace(/"exp":\d+/, '"exp":1e999');
  assert.match(await refused(await signed(endless)), /^response_invalid/);
});

test('an access token that was not issued with the ID token is noticed where the provider says its hash', async () => {
  await verify(await signed(claimsOf({ at_hash: atHash('access-1') })), { keys });
  for (const at_hash of [atHash('access-2'), '', null, 7]) {
    assert.match(await refused(await signed(claimsOf({ at_hash }))), /another access token/);
  }
});

test('JSON that two parsers could read differently is refused, in the header and in the claims', async () => {
  const claims = JSON.stringify(claimsOf());
  const twice = claims.replace('{', '{"sub":"admin",');
  const spelled = claims.replace('{', '{"s\\u0075b":"admin",');
  const nested = claims.replace('{', '{"a":{"b":1,"b":2},');
  const deep = claims.replace('{', `{"a":${'['.repeat(40)}${']'.repeat(40)},`);
  const others = [
    twice,
    spelled,
    nested,
    deep,
    `${claims}x`,
    `\ufeff${claims}`,
    '[]',
    '"x"',
    'null',
    '1',
    claims.slice(0, -1),
  ];
  for (const text of others) {
    assert.match(await refused(await signed(text)), /no JSON that can be read in one way only/, text.slice(0, 40));
  }
  for (const head of [
    '{"alg":"none","alg":"RS256"}',
    '{"alg":"RS256","kid":"key-1","kid":"key-2"}',
    '[]',
    '{"alg":"RS256"',
  ]) {
    assert.match(await refused(await signed(claimsOf(), head)), /no JSON that can be read/);
  }
  const invalidUtf8 = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
  const [head, , signature] = (await signed(claimsOf())).split('.');
  assert.match(await refused(`${head}.${invalidUtf8.toString('base64url')}.${signature}`), /no JSON that can be read/);
});

test('whatever is no token in compact form is refused, however long it is', async () => {
  const token = await signed(claimsOf());
  const [head, body, signature] = token.split('.');
  const others = [
    '',
    '.',
    '..',
    '...',
    head,
    `${head}.${body}`,
    `${token}.`,
    `.${token}`,
    `${token}.x`,
    ` ${token}`,
    `${token}\n`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `${head}=.${body}.${signature}`,
    `${head}.${body}.${signature}=`,
    token.replace('.', '. '),
    `${head}.${body}.${Buffer.from(signature ?? '', 'base64url').toString('base64')}==`,
    'a.b.c.d.e',
    'x'.repeat(256 * 1024 + 1),
    `${'.'.repeat(100_000)}`,
    undefined,
    null,
    7,
    {},
    [token],
  ];
  for (const other of others) assert.match(await refused(other), /^response_invalid: /, String(other).slice(0, 60));
});

test('a token of more than 256 KiB is not even taken apart', async () => {
  await verify(await signed(claimsOf({ groups: 'x'.repeat(190_000) })), { keys });
  assert.match(await refused(await signed(claimsOf({ groups: 'x'.repeat(200_000) }))), /the ID token is too long/);
});

test('a signature spelled with other unused bits is not the same signature', async () => {
  const token = await signed(claimsOf());
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.at(-1) ?? '');
  const twin = `${token.slice(0, -1)}${alphabet[last ^ 1]}`;
  const bytes = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url');
  assert.ok(bytes(token).equals(bytes(twin)));
  assert.match(await refused(twin), /no signed token/);
});
