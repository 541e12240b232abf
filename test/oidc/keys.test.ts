import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, Idp, newKey, sign, type TestKey } from './idp.ts';

const MINUTE = 60_000;
const [old, next, evil, ec] = await Promise.all([newKey('old'), newKey('next'), newKey('old'), newKey('ec', 'ES256')]);

/** A provider that signs with `key` and publishes `published`. */
function use(idp: Idp, key: TestKey, published: readonly unknown[], header: object = {}) {
  idp.keys = [...published];
  idp.idToken = (claims) => sign(key, { alg: key.alg, kid: key.kid, ...header }, claims);
}
const asked = (idp: Idp) => idp.paths().filter((path) => path === '/keys').length;

test('the keys are asked for once in five minutes', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  use(idp, old, [old.jwk]);
  await idp.signIn(client);
  idp.clock.move(5 * MINUTE - 1);
  await idp.signIn(client);
  assert.equal(asked(idp), 1);
  idp.clock.move(1);
  await idp.signIn(client);
  assert.equal(asked(idp), 2);
});

test('a new key is found when it is first used, and keys that nobody knows do not hammer the provider', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  use(idp, old, [old.jwk]);
  await idp.signIn(client);
  use(idp, next, [old.jwk, next.jwk]);
  // Within the cool-down nobody is asked again.
  assert.match(await failureOf(idp.signIn(client)), /^response_invalid: .*does not publish/);
  assert.equal(asked(idp), 1);
  idp.clock.move(30_000);
  assert.equal((await idp.signIn(client)).subject, 'user-1');
  assert.equal(asked(idp), 2);
  for (let i = 0; i < 50; i++) {
    use(idp, next, [old.jwk, next.jwk], { kid: `unknown-${i}` });
    assert.match(await failureOf(idp.signIn(client)), /^response_invalid: .*does not publish/);
  }
  assert.equal(asked(idp), 2);
});

test('a key that the provider withdrew stops counting within five minutes', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  use(idp, old, [old.jwk]);
  await idp.signIn(client);
  use(idp, old, [next.jwk]);
  idp.clock.move(5 * MINUTE);
  assert.match(await failureOf(idp.signIn(client)), /^response_invalid: .*does not publish/);
});

test('P8: while the keys cannot be read afresh, old ones do not count', async () => {
  const idp = await Idp.start();
  const client = idp.client();
  use(idp, old, [old.jwk]);
  await idp.signIn(client);
  idp.clock.move(5 * MINUTE);
  idp.routes.set('/keys', () => ({ status: 503 }));
  assert.match(await failureOf(idp.signIn(client)), /^provider_unreachable: the key set answered 503/);
});

test('a key of the same name that is another key is another key', async () => {
  const idp = await Idp.start();
  use(idp, evil, [old.jwk]);
  assert.match(await failureOf(idp.signIn(idp.client())), /^response_invalid: the signature/);
});

test('keys that share a name, or a token without one among several keys, are not tried in turn', async () => {
  const idp = await Idp.start();
  use(idp, old, [evil.jwk, old.jwk]);
  assert.match(await failureOf(idp.signIn(idp.client())), /does not say which key/);
  use(idp, old, [next.jwk, old.jwk], { kid: undefined });
  assert.match(await failureOf(idp.signIn(idp.client())), /does not say which key/);
  const { alg: _, ...anyCurve } = ec.jwk;
  use(idp, old, [anyCurve, old.jwk], { kid: undefined });
  assert.equal((await idp.signIn(idp.client())).subject, 'user-1');
});

test('keys that are for something else, or that more than the provider has, do not count', async () => {
  const { jwk } = old;
  const published = [
    { ...jwk, use: 'enc' },
    { ...jwk, key_ops: ['encrypt'] },
    { ...jwk, key_ops: 'verify' },
    { ...jwk, alg: 'RS512' },
    { ...jwk, alg: ['RS256'] },
    { ...jwk, kid: 7 },
    { ...jwk, kty: 'EC' },
    { ...jwk, kty: ['RSA'] },
    { ...jwk, n: undefined },
    { ...jwk, n: 'A'.repeat(1_367) },
    { ...jwk, e: 'AQ' },
    { ...jwk, e: 'AAAA' },
    { ...jwk, e: 'AQAA' },
    { ...jwk, e: 'AQAB'.repeat(3) },
    { ...jwk, d: 'AQAB' },
    { kty: 'oct', kid: 'old', alg: 'HS256', k: 'c2VjcmV0' },
    null,
    [],
    'key',
  ];
  for (const key of published) {
    const idp = await Idp.start();
    use(idp, old, [key]);
    assert.match(
      await failureOf(idp.signIn(idp.client())),
      /^response_invalid: .*does not publish/,
      JSON.stringify(key),
    );
  }
  const idp = await Idp.start();
  use(idp, old, [...published, { ...jwk, key_ops: ['verify'], x5c: ['ignored'] }]);
  assert.equal((await idp.signIn(idp.client())).subject, 'user-1');
});

test('a key set that is none, or has more than 100 keys or 512 KiB, is refused', async () => {
  const many = Array.from({ length: 101 }, (_, i) => ({ ...old.jwk, kid: `k${i}` }));
  for (const json of [{}, { keys: {} }, { keys: null }, { keys: [...many, old.jwk] }]) {
    const idp = await Idp.start();
    use(idp, old, []);
    idp.routes.set('/keys', () => ({ json }));
    assert.match(await failureOf(idp.signIn(idp.client())), /^provider_misconfigured: the key set has no list/);
  }
  const idp = await Idp.start();
  use(idp, old, [old.jwk, { junk: 'x'.repeat(512 * 1024) }]);
  assert.match(await failureOf(idp.signIn(idp.client())), /^provider_misconfigured: the key set is no JSON/);
  assert.equal(idp.requests.find(({ url }) => url.endsWith('/keys'))?.maxBytes, 512 * 1024);
});

test('hostile tokens are refused in the whole flow as they are one by one', async () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ iss: 'https://evil.example.com' }, /^response_invalid/],
    [{ aud: 'client-2' }, /^response_invalid/],
    [{ aud: ['client-1', 'client-2'] }, /^response_invalid/],
    [{ nonce: 'other' }, /^response_invalid/],
    [{ nonce: undefined }, /^response_invalid/],
    [{ sub: undefined }, /^response_invalid/],
    [{ exp: undefined }, /^response_invalid/],
    [{ exp: 1_000 }, /^response_late/],
    [{ nbf: 1e11 }, /^response_late/],
    [{ iat: 1e11 }, /^response_late/],
    [{ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, /^response_invalid: .*another access token/],
  ];
  for (const [claims, expected] of cases) {
    const idp = await Idp.start();
    idp.claims = claims;
    assert.match(await failureOf(idp.signIn(idp.client())), expected, JSON.stringify(claims));
  }
});

test('the skew of the policy decides to the millisecond, with the clock that the client was given', async () => {
  const idp = await Idp.start();
  const client = idp.client({ skewMs: 10_000 });
  const now = idp.clock.now() / 1000;
  idp.claims = { iat: now - 300, exp: now - 9 };
  await idp.signIn(client);
  idp.claims = { iat: now - 300, exp: now - 10 };
  assert.match(await failureOf(idp.signIn(client)), /^response_late/);
  idp.claims = { iat: now + 10, exp: now + 300 };
  await idp.signIn(client);
  idp.claims = { iat: now + 11, exp: now + 300 };
  assert.match(await failureOf(idp.signIn(client)), /^response_late/);
});
