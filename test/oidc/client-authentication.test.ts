import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { compactVerify, importJWK, type JWK } from 'jose';
import { oidcClient } from '../../src/identity/oidc/client.ts';
import type { ClientAuthentication } from '../../src/policy/model.ts';
import { failureOf, Idp, ISSUER, pemOf, SECRET, settingsOf, T0 } from './idp.ts';

/** A client that authenticates in this way, with this behind its reference. */
function clientOf(idp: Idp, authentication: ClientAuthentication, value: string | null = SECRET) {
  const asked: string[][] = [];
  const client = oidcClient(settingsOf({ authentication }), {
    fetcher: idp.fetcher,
    clock: idp.clock,
    log: { warn() {} },
    secret: (reference, host) => {
      asked.push([reference, host]);
      return value;
    },
  });
  return { client, asked };
}
const tokenRequests = (idp: Idp) => idp.requests.filter(({ url }) => url === `${ISSUER}/token`);
const bodyOf = (idp: Idp, at = 0) => new URLSearchParams(String(tokenRequests(idp)[at]?.body));

async function assertionOf(idp: Idp, { jwk, alg, at = 0 }: { jwk: JWK; alg: string; at?: number }) {
  const assertion = bodyOf(idp, at).get('client_assertion') ?? '';
  const { payload, protectedHeader } = await compactVerify(assertion, await importJWK(jwk, alg), { algorithms: [alg] });
  return { header: protectedHeader, claims: JSON.parse(Buffer.from(payload).toString()) };
}

test('client_secret_post sends the secret in the body, none sends only who we are', async () => {
  const post = await Idp.start();
  await post.signIn(clientOf(post, { method: 'client_secret_post', secret: 'env:ACME' }).client);
  assert.equal(bodyOf(post).get('client_id'), 'client-1');
  assert.equal(bodyOf(post).get('client_secret'), SECRET);
  assert.equal(tokenRequests(post)[0]?.headers?.authorization, undefined);
  const none = await Idp.start();
  const { client, asked } = clientOf(none, { method: 'none' });
  await none.signIn(client);
  assert.equal(bodyOf(none).get('client_id'), 'client-1');
  assert.equal(bodyOf(none).has('client_secret'), false);
  assert.ok(bodyOf(none).has('code_verifier'));
  assert.deepEqual(asked, []);
});

test('the secret is read afresh each time, so that it can be changed', async () => {
  const idp = await Idp.start();
  const { client, asked } = clientOf(idp, { method: 'client_secret_post', secret: 'file:/s' });
  await idp.signIn(client);
  await idp.signIn(client);
  assert.deepEqual(asked, [
    ['file:/s', 'idp.example.com'],
    ['file:/s', 'idp.example.com'],
  ]);
});

test('private_key_jwt signs who we are for the issuer, with the algorithm that fits the key', async () => {
  for (const alg of ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
    const idp = await Idp.start();
    const { pem, jwk } = await pemOf(alg);
    const how = { method: 'private_key_jwt', key: 'file:/k', keyId: alg === 'RS256' ? null : 'k1', alg: null } as const;
    await idp.signIn(clientOf(idp, how, pem).client);
    const { header, claims } = await assertionOf(idp, { jwk, alg });
    assert.equal(header.alg, alg);
    assert.equal(header.kid, alg === 'RS256' ? undefined : 'k1');
    assert.deepEqual([claims.iss, claims.sub, claims.aud], ['client-1', 'client-1', ISSUER]);
    assert.ok(Math.abs(claims.iat - T0 / 1000) <= 1 && claims.exp - claims.iat === 60 && claims.jti.length >= 20);
    assert.equal(bodyOf(idp).get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    assert.equal(bodyOf(idp).has('client_secret'), false);
  }
});

test('private_key_jwt takes PS256 where the provider takes no RS256, and what the policy says', async () => {
  const { pem, jwk } = await pemOf('RS256');
  const algOf = async (alg: string | null, accepted: string[] | undefined) => {
    const idp = await Idp.start();
    idp.metadata.token_endpoint_auth_signing_alg_values_supported = accepted;
    await idp.signIn(clientOf(idp, { method: 'private_key_jwt', key: 'file:/k', keyId: null, alg }, pem).client);
    const used = JSON.parse(
      Buffer.from(bodyOf(idp).get('client_assertion')?.split('.')[0] ?? '', 'base64url').toString(),
    ).alg;
    await assertionOf(idp, { jwk, alg: used });
    return used;
  };
  assert.equal(await algOf(null, ['PS256', 'ES256']), 'PS256');
  assert.equal(await algOf(null, ['ES256']), 'RS256');
  assert.equal(await algOf(null, undefined), 'RS256');
  assert.equal(await algOf('PS512', ['RS256']), 'PS512');
});

test('a provider that does not know us by an assertion for its issuer gets one for its token endpoint, and then always', async () => {
  const idp = await Idp.start();
  const { pem, jwk } = await pemOf('ES256');
  const usual = idp.routes.get('/token');
  idp.routes.set('/token', async (request) => {
    const [, body = ''] = (new URLSearchParams(String(request.body)).get('client_assertion') ?? '').split('.');
    const { aud } = JSON.parse(Buffer.from(body, 'base64url').toString());
    return aud === `${ISSUER}/token` ? (usual?.(request) ?? {}) : { status: 401, json: { error: 'invalid_client' } };
  });
  const { client } = clientOf(idp, { method: 'private_key_jwt', key: 'file:/k', keyId: null, alg: null }, pem);
  await idp.signIn(client);
  await idp.signIn(client);
  assert.equal(tokenRequests(idp).length, 3);
  const auds = [];
  for (const at of [0, 1, 2]) auds.push((await assertionOf(idp, { jwk, alg: 'ES256', at })).claims.aud);
  assert.deepEqual(auds, [ISSUER, `${ISSUER}/token`, `${ISSUER}/token`]);
  // With a secret there is nothing to try again.
  const other = await Idp.start();
  other.routes.set('/token', () => ({ status: 401, json: { error: 'invalid_client' } }));
  assert.match(await failureOf(other.signIn(other.client())), /^provider_misconfigured/);
  assert.equal(tokenRequests(other).length, 1);
});

test('a private key that cannot be used is told so, and nothing of it is', async () => {
  const rsa = (await pemOf('RS256')).pem;
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const x25519 = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  const cases: [string | null, string | null, RegExp][] = [
    [
      null,
      null,
      /^provider_misconfigured: the secret file:\/k is not there, or not allowed for the host idp\.example\.com$/,
    ],
    ['not a key', null, /^provider_misconfigured: the private key cannot be read/],
    [rsa.slice(0, 400), null, /^provider_misconfigured: the private key cannot be read/],
    [String(small), null, /^provider_misconfigured: the private key has less than 2048 bits/],
    [String(x25519), null, /^provider_misconfigured: the private key does not fit/],
    [rsa, 'ES256', /^provider_misconfigured: the private key does not fit the algorithm ES256/],
    [rsa, 'HS256', /^provider_misconfigured: the private key does not fit/],
    [rsa, 'none', /^provider_misconfigured: the private key does not fit/],
  ];
  for (const [value, alg, expected] of cases) {
    const idp = await Idp.start();
    const { client } = clientOf(idp, { method: 'private_key_jwt', key: 'file:/k', keyId: null, alg }, value);
    const failure = await failureOf(idp.signIn(client));
    assert.match(failure, expected);
    assert.doesNotMatch(failure, /BEGIN|MII/);
    assert.equal(tokenRequests(idp).length, 0);
  }
  // PKCS #1, as many tools write it, is read as well.
  const idp = await Idp.start();
  const pkcs1 = createPrivateKey(rsa).export({ type: 'pkcs1', format: 'pem' });
  const how = { method: 'private_key_jwt', key: 'file:/k', keyId: null, alg: null } as const;
  assert.equal((await idp.signIn(clientOf(idp, how, String(pkcs1)).client)).subject, 'user-1');
});
