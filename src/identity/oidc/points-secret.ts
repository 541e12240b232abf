import { randomBytes } from 'node:crypto';
import * as oidc from 'openid-client';
import type { CheckedPoint } from '../ports.ts';
import { secretHost } from './authenticate.ts';
import { authenticated } from './exchange.ts';
import type { Visited } from './finish.ts';
import type { Metadata } from './metadata.ts';
import { exchangeFailed, isUnknownClient, knownCode } from './oauth-errors.ts';

const point = 'secret';

/**
 * Shows the token endpoint who we are, with a code that nobody issued: a provider that complains about the code has accepted us. Rejects
 * with a SignInFailure where there is nothing to show, or nobody to show it to.
 */
export async function secretPoint(house: Visited, metadata: Metadata, callback: string): Promise<CheckedPoint> {
  const unknown = methodPoint(house, metadata);
  try {
    await authenticated(house, metadata, (config) => tryCode(config, callback));
  } catch (error) {
    if (isUnknownClient(error)) return refused(house);
    if (!(error instanceof oidc.ResponseBodyError)) throw exchangeFailed(error);
    if (error.error === 'unauthorized_client') return refused(house);
    const message = `The provider answers ${knownCode(error.error)} to a made-up code: whether it accepts the client cannot be told.`;
    return { point, state: 'warning', message };
  }
  return unknown ?? { point, state: 'ok', message: `The provider accepts the client at ${secretHost(metadata)}.` };
}

/** Resolves where the complaint is about the code; rejects with what else was complained about. */
async function tryCode(config: oidc.Configuration, callback: string): Promise<void> {
  const parameters = {
    code: randomBytes(24).toString('base64url'),
    redirect_uri: callback,
    code_verifier: oidc.randomPKCECodeVerifier(),
  };
  try {
    await oidc.genericGrantRequest(config, 'authorization_code', parameters);
  } catch (error) {
    if (!(error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant')) throw error;
  }
}

/** A warning where the provider does not list the way in which we show who we are; null where it does. */
function methodPoint({ settings }: Visited, metadata: Metadata): CheckedPoint | null {
  const { method } = settings.authentication;
  // What the absence of the list means (OpenID Connect Discovery 1.0 section 3).
  const listed = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  if (listed.includes(method)) return null;
  const message = `The provider accepts the client, but does not list ${method} among the ways in which clients may show who they are.`;
  return { point, state: 'warning', message };
}

function refused({ settings }: Visited): CheckedPoint {
  const { method } = settings.authentication;
  const hints: Readonly<Record<string, string>> = {
    none: 'It may want a secret.',
    client_secret_basic: 'Where both are right, the provider may want token_auth: client_secret_post.',
    client_secret_post: 'Where both are right, the provider may want token_auth: client_secret_basic.',
    private_key_jwt: 'The public key, or its key_id, may not be registered there.',
  };
  const message = `The provider does not accept the client id or what proves it. ${hints[method] ?? ''}`;
  return { point, state: 'failed', message: message.trim() };
}
