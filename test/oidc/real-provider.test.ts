import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { oidcClient } from '../../src/identity/oidc/client.ts';
import type { ProviderClient } from '../../src/identity/ports.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import type { ClientAuthentication, OidcProvider } from '../../src/policy/model.ts';
import { CALLBACK, failureOf, pemOf, settingsOf } from './idp.ts';
import { loopbackFetcher, type RealProvider, realProvider } from './loopback.ts';

const SECRET = 'real secret: with-signs_ & 100%';
const fetcher = loopbackFetcher();
const key = await pemOf('ES256');
let provider: RealProvider;

before(async () => {
  const id_token_signed_response_alg = 'RS256';
  provider = await realProvider(CALLBACK, [
    { client_id: 'basic', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic' },
    {
      client_id: 'post',
      client_secret: SECRET,
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg,
    },
    { client_id: 'public', token_endpoint_auth_method: 'none', id_token_signed_response_alg: 'ES256' },
    {
      client_id: 'key',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ ...key.jwk, kid: 'k1', use: 'sig' }] },
    },
  ]);
});
after(async () => {
  await provider.close();
  await fetcher.close();
});

function clientOf(clientId: string, authentication: ClientAuthentication, changes: Partial<OidcProvider> = {}) {
  const secrets: Record<string, string> = { 'env:S': SECRET, 'env:WRONG': 'wrong', 'file:/k': key.pem };
  return oidcClient(settingsOf({ issuer: provider.issuer, clientId, authentication, ...changes }), {
    fetcher,
    clock: systemClock,
    secret: (reference, host) => (host === '127.0.0.1' ? (secrets[reference] ?? null) : null),
    log: { warn() {} },
  });
}

async function signIn(client: ProviderClient, account = 'alice') {
  const begun = await client.begin({ callback: CALLBACK, state: 'state-1', loginHint: null });
  const back = await provider.visit(begun.location, account);
  return { returned: { callback: CALLBACK, parameters: back.searchParams, remembered: begun.remember }, back };
}

test('a person signs in at a provider that is not ours, in each way to authenticate', async () => {
  const ways: [string, ClientAuthentication][] = [
    ['basic', { method: 'client_secret_basic', secret: 'env:S' }],
    ['post', { method: 'client_secret_post', secret: 'env:S' }],
    ['public', { method: 'none' }],
    ['key', { method: 'private_key_jwt', key: 'file:/k', keyId: 'k1', alg: null }],
  ];
  for (const [clientId, authentication] of ways) {
    const client = clientOf(clientId, authentication);
    const { returned, back } = await signIn(client);
    assert.equal(back.searchParams.get('iss'), provider.issuer);
    // E-mail and groups stand in its userinfo, not in its ID token.
    assert.deepEqual(
      await client.finish(returned),
      {
        provider: 'acme',
        issuer: provider.issuer,
        subject: 'alice',
        email: 'alice@example.com',
        emailVerified: true,
        name: null,
        groups: ['eng', 'ops'],
        until: null,
        once: null,
      },
      clientId,
    );
  }
  assert.ok(fetcher.asked.includes('GET /me') && fetcher.asked.includes('GET /jwks'));
});

test('an answer serves once, and only the sign-in it belongs to', async () => {
  const client = clientOf('basic', { method: 'client_secret_basic', secret: 'env:S' });
  const mine = await signIn(client);
  const other = await client.begin({ callback: CALLBACK, state: 'state-1', loginHint: null });
  const mixed = { ...mine.returned, remembered: other.remember };
  assert.match(await failureOf(client.finish(mixed)), /^response_invalid: .*invalid_grant/);
  const again = await signIn(client);
  await client.finish(again.returned);
  assert.match(await failureOf(client.finish(again.returned)), /^response_invalid: .*invalid_grant/);
});

test('a wrong secret is a provider that is not set up correctly, and test tells it', async () => {
  const wrong = clientOf('basic', { method: 'client_secret_basic', secret: 'env:WRONG' });
  const { returned } = await signIn(wrong);
  assert.match(await failureOf(wrong.finish(returned)), /^provider_misconfigured: .*invalid_client/);
  const state = async (client: ProviderClient) =>
    (await client.test({ callback: CALLBACK }))
      .filter(({ point }) => ['secret', 'discovery', 'keys'].includes(point))
      .map((p) => p.state);
  assert.deepEqual(await state(wrong), ['ok', 'ok', 'failed']);
  assert.deepEqual(await state(clientOf('basic', { method: 'client_secret_basic', secret: 'env:S' })), [
    'ok',
    'ok',
    'ok',
  ]);
  const own = { method: 'private_key_jwt', key: 'file:/k', keyId: 'k1', alg: null } as const;
  assert.deepEqual(await state(clientOf('key', own)), ['ok', 'ok', 'ok']);
  assert.deepEqual(await state(clientOf('key', { ...own, keyId: 'other' })), ['ok', 'ok', 'failed']);
});

test('a person who says no at the provider is a refusal of the provider', async () => {
  const client = clientOf('basic', { method: 'client_secret_basic', secret: 'env:S' });
  const begun = await client.begin({ callback: CALLBACK, state: 'state-1', loginHint: null });
  const url = new URL(begun.location);
  url.searchParams.set('prompt', 'none');
  const back = await provider.visit(url.href, 'alice');
  const returned = { callback: CALLBACK, parameters: back.searchParams, remembered: begun.remember };
  assert.match(await failureOf(client.finish(returned)), /^provider_refused: the provider answered login_required/);
});
