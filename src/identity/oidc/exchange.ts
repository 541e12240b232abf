import * as oidc from 'openid-client';
import { type Audience, authentication } from './authenticate.ts';
import { configure } from './configure.ts';
import type { Metadata } from './metadata.ts';
import { isUnknownClient } from './oauth-errors.ts';
import type { House } from './parts.ts';

/** Which audience of client assertions this provider takes; kept beside its client. */
export interface AudienceMemory {
  audience: Audience;
}

/**
 * Runs `work` with openid-client set up to authenticate at the token endpoint. A provider that does not know us by a client assertion
 * for its issuer is asked once more with one for its token endpoint, and what it takes is remembered. Rejects with what `work` rejects.
 */
export async function authenticated<T>(
  house: House & { readonly memory: AudienceMemory },
  metadata: Metadata,
  work: (config: oidc.Configuration) => Promise<T>,
): Promise<T> {
  const attempt = async (audience: Audience): Promise<T> => {
    const auth = await authentication(house, metadata, audience);
    const result = await work(configure(house, { metadata, authentication: auth, what: 'the token endpoint' }));
    house.memory.audience = audience;
    return result;
  };
  const first = house.memory.audience;
  try {
    return await attempt(first);
  } catch (error) {
    if (house.settings.authentication.method !== 'private_key_jwt' || !isUnknownClient(error)) throw error;
    return attempt(first === 'issuer' ? 'token_endpoint' : 'issuer');
  }
}

/** What the provider gave for a code. Both stay in this folder. */
export interface Tokens {
  readonly idToken: unknown;
  readonly accessToken: string;
}

interface Grant {
  /** The address of ours with the query that the browser brought. */
  readonly url: URL;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/**
 * Checks the authorization response (state, RFC 9207 `iss`, errors) and changes its code for tokens. What openid-client checks of the
 * ID token is checked again by us, with its signature. Rejects with errors of openid-client, which hold tokens: never let them out.
 */
export async function exchange(
  house: House & { readonly memory: AudienceMemory },
  metadata: Metadata,
  { url, state, nonce, verifier }: Grant,
): Promise<Tokens> {
  const answer = await authenticated(house, metadata, (config) =>
    oidc.authorizationCodeGrant(config, url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    }),
  );
  return { idToken: answer.id_token, accessToken: answer.access_token };
}
