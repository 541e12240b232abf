import * as oidc from 'openid-client';
import { misconfigured } from './failures.ts';
import type { Metadata } from './metadata.ts';
import type { House } from './parts.ts';
import { readSigningKey } from './private-key.ts';

/** Who a client assertion is for. Servers differ: RFC 7523bis wants the issuer alone, older ones the address of the token endpoint. */
export type Audience = 'issuer' | 'token_endpoint';

/**
 * How we show the token endpoint who we are. The secret, or the key, is read afresh, and only for the host of the token endpoint: a
 * discovery document that leads elsewhere gets none. Rejects with a SignInFailure `provider_misconfigured`.
 */
export async function authentication(house: House, metadata: Metadata, audience: Audience): Promise<oidc.ClientAuth> {
  const { authentication: how } = house.settings;
  if (how.method === 'none') return oidc.None();
  if (how.method !== 'private_key_jwt') {
    const secret = secretFor(house, how.secret, metadata);
    return how.method === 'client_secret_basic' ? oidc.ClientSecretBasic(secret) : oidc.ClientSecretPost(secret);
  }
  const accepted = metadata.token_endpoint_auth_signing_alg_values_supported;
  const { key, alg } = await readSigningKey(secretFor(house, how.key, metadata), how.alg, accepted);
  return oidc.PrivateKeyJwt(how.keyId === null ? key : { key, kid: how.keyId }, {
    [oidc.modifyAssertion]: (header, payload) => {
      header.alg = alg;
      payload.aud = audience === 'issuer' ? metadata.issuer : metadata.token_endpoint;
    },
  });
}

/** Host of the token endpoint, in lower case: where a secret of this provider goes. */
export function secretHost(metadata: Pick<Metadata, 'token_endpoint'>): string {
  return new URL(metadata.token_endpoint).hostname;
}

function secretFor({ secret }: House, reference: string, metadata: Metadata): string {
  const host = secretHost(metadata);
  const value = secret(reference, host);
  if (value === null) throw misconfigured(`the secret ${reference} is not there, or not allowed for the host ${host}`);
  return value;
}
