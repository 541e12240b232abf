import { createHash } from 'node:crypto';
import * as oidc from 'openid-client';
import type { OidcProvider } from '../../policy/model.ts';
import type { Begun } from '../ports.ts';
import { configure } from './configure.ts';
import { misconfigured } from './failures.ts';
import type { Metadata } from './metadata.ts';
import type { House } from './parts.ts';

const MAX_CALLBACK = 1_000;
/** An address of e-mail is at most so long (RFC 5321), as is every name that a provider could take. */
const MAX_HINT = 254;

interface BeginInput {
  readonly callback: string;
  readonly state: string;
  readonly loginHint: string | null;
}

/** Tells a sign-in at this provider, with these settings, from all others: an answer must not be taken to another one (mix-up). */
export function partiesOf({ name, issuer, clientId }: Pick<OidcProvider, 'name' | 'issuer' | 'clientId'>): string {
  return createHash('sha256')
    .update(JSON.stringify([name, issuer, clientId]))
    .digest('base64url');
}

/** The callback as both ends of the flow write it: without query and fragment. */
export function redirectUri(callback: string): string {
  const url = URL.parse(callback);
  if (url === null || callback.length > MAX_CALLBACK) throw misconfigured('the callback is no address');
  url.search = '';
  url.hash = '';
  return url.href;
}

/** The authorization request (RFC 6749 section 4.1.1, with PKCE S256 of RFC 7636 and a nonce) and what `finish` must know of it. */
export async function beginSignIn(house: House, metadata: Metadata, input: BeginInput): Promise<Begun> {
  const { settings } = house;
  const verifier = oidc.randomPKCECodeVerifier();
  const nonce = oidc.randomNonce();
  const callback = redirectUri(input.callback);
  const config = configure(house, { metadata, authentication: oidc.None(), what: 'the provider' });
  const location = oidc.buildAuthorizationUrl(config, {
    response_type: 'code',
    response_mode: 'query',
    redirect_uri: callback,
    scope: settings.scopes.join(' '),
    state: input.state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(isHint(input.loginHint) ? { login_hint: input.loginHint } : {}),
  });
  return {
    location: location.href,
    remember: { parties: partiesOf(settings), callback, state: input.state, nonce, verifier },
  };
}

function isHint(hint: string | null): hint is string {
  return hint !== null && hint !== '' && hint.length <= MAX_HINT && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(hint);
}
