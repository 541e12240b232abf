import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { strictJson } from '../../src/identity/oidc/strict-json.ts';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import { newKey, sign } from './idp.ts';
import { claimsOf, verify } from './verify.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const keys = await Promise.all(['RS256', 'ES256', 'EdDSA'].map((alg) => newKey(`key-${alg}`, alg)));
const jwks = keys.map(({ jwk }) => jwk);
const tokens = await Promise.all(
  keys.map((key) => sign(key, { alg: key.alg, kid: key.kid, typ: 'JWT' }, claimsOf({ email: 'a@example.com' }))),
);
const others = await Promise.all(
  keys.map((key) =>
    sign(key, { alg: key.alg, kid: key.kid, typ: 'JWT' }, claimsOf({ nonce: 'nonce-2', sub: 'admin' })),
  ),
);

/** Any change of a token that does not make it one of those that were signed. */
const mutated = fc
  .record({
    token: fc.constantFrom(...tokens),
    other: fc.constantFrom(...others, ...tokens),
    at: fc.nat(2000),
    length: fc.nat(40),
    text: fc.oneof(
      fc.string({ unit: fc.constantFrom(...ALPHABET), maxLength: 12 }),
      fc.string({ maxLength: 12 }),
      fc.constantFrom('.', '..', '=', '\n', ' ', '\0', '%2e'),
    ),
    way: fc.constantFrom('splice', 'cross', 'repeat', 'swap', 'header', 'claims', 'truncate'),
    json: fc.jsonValue(),
  })
  .map(({ token, other, at, length, text, way, json }) => {
    const parts = token.split('.');
    const from = at % token.length;
    const b64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    if (way === 'splice') return token.slice(0, from) + text + token.slice(from + length);
    if (way === 'truncate') return token.slice(0, from);
    if (way === 'repeat') return token.slice(0, from + length) + token.slice(from);
    if (way === 'swap') return [parts[at % 3], parts[(at >> 2) % 3], parts[(at >> 4) % 3]].join('.');
    if (way === 'header') return [b64(json), parts[1], parts[2]].join('.');
    if (way === 'claims') return [parts[0], b64(json), parts[2]].join('.');
    return parts.map((part, i) => (i === at % 3 ? other.split('.')[i] : part)).join('.');
  })
  .filter((token) => !tokens.includes(token));

test('no change of a valid ID token gives another valid one, and each is refused in the same way', async () => {
  for (const token of tokens) assert.equal((await verify(token, { keys: jwks })).subject, 'user-1');
  await fc.assert(
    fc.asyncProperty(mutated, async (token) => {
      const failure = await verify(token, { keys: jwks }).then(
        () => null,
        (error: unknown) => error,
      );
      assert.ok(failure instanceof SignInFailure, `accepted, or not refused: ${token}`);
      assert.equal(failure.code, 'response_invalid');
    }),
    { numRuns: 1_500 },
  );
});

test('strict JSON reads what JSON.parse reads, and refuses every name that stands twice', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(strictJson(Buffer.from(text)), JSON.parse(text));
      if (text.startsWith('{"')) assert.throws(() => strictJson(Buffer.from(`{"x":1,"a":${text},"\\u0078":2}`)));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\u0e1-+. \ntruefalsn') }), (text) => {
      let plain: unknown;
      try {
        plain = JSON.parse(text);
      } catch {
        assert.throws(() => strictJson(Buffer.from(text)));
        return;
      }
      try {
        assert.deepEqual(strictJson(Buffer.from(text)), plain);
      } catch (error) {
        assert.match(String(error), /twice|JsonScanError/);
      }
    }),
    { numRuns: 2_000 },
  );
});
