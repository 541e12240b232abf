import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Algorithm, isAlgorithm } from '../../src/identity/oidc/algorithms.ts';
import { checkClaims } from '../../src/identity/oidc/id-claims.ts';
import { proveToken } from '../../src/identity/oidc/jws.ts';
import { publicKey } from '../../src/identity/oidc/public-key.ts';
import { failureOf, ISSUER, T0 } from './idp.ts';
import { claimsOf, NONCE, verify } from './verify.ts';

interface Vector {
  readonly source: string;
  readonly alg: string;
  readonly token: string;
  readonly key: object;
}

const vectors: {
  readonly signed: readonly Vector[];
  readonly refused: readonly Vector[];
  readonly atHash: readonly { source: string; accessToken: string; atHash: string }[];
} = JSON.parse(readFileSync(join(import.meta.dirname, 'vectors.json'), 'utf8'));

test('published signatures are right, and wrong once a bit of what they sign is another', async () => {
  assert.equal(vectors.signed.length, 4);
  for (const { source, alg, token, key } of vectors.signed) {
    const known = publicKey(key);
    assert.ok(known !== null && isAlgorithm(alg), source);
    const opened = { token, alg, kid: null, claims: {} };
    await proveToken(opened, known);
    const [head = '', body = '', signature = ''] = token.split('.');
    const changed = Buffer.from(body, 'base64url');
    changed[3] = (changed[3] ?? 0) ^ 1;
    const forged = `${head}.${changed.toString('base64url')}.${signature}`;
    assert.match(await failureOf(proveToken({ ...opened, token: forged }, known)), /^response_invalid/, source);
  }
});

test('published tokens are no ID tokens for us, however well they are signed', async () => {
  for (const { source, token, key } of vectors.signed) {
    assert.match(await failureOf(verify(token, { keys: [key] })), /^response_invalid: /, source);
  }
});

test('published tokens that must not count do not, with the key that they were made for', async () => {
  assert.equal(vectors.refused.length, 10);
  for (const { source, token, key } of vectors.refused) {
    assert.match(await failureOf(verify(token, { keys: [key] })), /^response_invalid: /, source);
  }
});

test('the hash of an access token is made as published', () => {
  for (const { source, accessToken, atHash } of vectors.atHash) {
    const alg: Algorithm = 'RS256';
    const expected = { issuer: ISSUER, clientId: 'client-1', nonce: NONCE, accessToken, now: T0, skewMs: 0 };
    assert.equal(checkClaims({ alg, claims: claimsOf({ at_hash: atHash }) }, expected), 'user-1', source);
  }
});
