import * as oidc from 'openid-client';
import { SignInFailure } from '../sign-in-failure.ts';
import { failureWithin, invalid, misconfigured } from './failures.ts';

/** Codes of RFC 6749 and OpenID Connect Core 1.0 section 3.1.2.6. No other text of a provider's error gets into a record. */
const KNOWN = new Set([
  'access_denied',
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'login_required',
  'registration_not_supported',
  'request_not_supported',
  'request_uri_not_supported',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type',
]);

/** What the token endpoint says when the settings are wrong, here or there. */
const OURS = new Set([
  'invalid_client',
  'unauthorized_client',
  'invalid_request',
  'unsupported_grant_type',
  'invalid_scope',
]);

/** An error code if it is one that is known, else `an unknown code`. */
export function knownCode(code: unknown): string {
  return typeof code === 'string' && KNOWN.has(code) ? code : 'an unknown code';
}

/** Whether the token endpoint did not accept who we are. */
export function isUnknownClient(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_client';
}

/** What an error of openid-client means. It is dropped, not wrapped: it holds the response, and with it tokens and claims. */
export function exchangeFailed(error: unknown): SignInFailure {
  const known = failureWithin(error);
  if (known !== null) return known;
  if (error instanceof oidc.AuthorizationResponseError) {
    return new SignInFailure('provider_refused', `the provider answered ${knownCode(error.error)}`);
  }
  if (error instanceof oidc.ResponseBodyError) return tokenError(error.error);
  if (error instanceof oidc.ClientError && error.code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
    return new SignInFailure('response_late', 'the ID token has expired or is not valid yet');
  }
  return invalid(`the response did not pass a check (${checkOf(error)})`);
}

function tokenError(error: string): SignInFailure {
  const code = knownCode(error);
  if (code === 'invalid_grant') return invalid('the provider does not accept the code (invalid_grant)');
  if (OURS.has(code)) return misconfigured(`the token endpoint answered ${code}`);
  if (code === 'temporarily_unavailable' || code === 'server_error') {
    return new SignInFailure('provider_unreachable', `the token endpoint answered ${code}`);
  }
  return new SignInFailure('provider_refused', `the token endpoint answered ${code}`);
}

/** openid-client's own codes, constants such as `OAUTH_INVALID_RESPONSE`. */
function checkOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:OAUTH|ERR)_[A-Z_]{1,60}$/.test(code) ? code : 'unknown';
}
