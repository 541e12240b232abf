import { createHash } from 'node:crypto';
import { SignInFailure } from '../sign-in-failure.ts';
import { hashOf } from './algorithms.ts';
import { invalid } from './failures.ts';
import type { OpenedToken } from './jws.ts';
import type { JsonValues } from './strict-json.ts';

/** What the claims of an ID token must say. */
export interface Expected {
  readonly issuer: string;
  readonly clientId: string;
  readonly nonce: string;
  /** The access token that came with it; null checks no `at_hash`. */
  readonly accessToken: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How far the clocks may differ, milliseconds. */
  readonly skewMs: number;
}

const MAX_SUBJECT = 255;
const MAX_AUDIENCES = 20;

/**
 * Checks the claims of an ID token (OpenID Connect Core 1.0 section 3.1.3.7). It is valid from `nbf` and `iat`, each less the skew, to
 * before `exp` plus the skew.
 *
 * @returns the subject
 * @throws SignInFailure `response_invalid`, or `response_late` for the times
 */
export function checkClaims({ claims, alg }: Pick<OpenedToken, 'claims' | 'alg'>, expected: Expected): string {
  if (claims.iss !== expected.issuer) throw invalid('the ID token is of another issuer');
  checkAudience(claims, expected.clientId);
  // A token that was made for another sign-in must not serve for this one.
  if (claims.nonce !== expected.nonce) throw invalid('the ID token is not for this sign-in (nonce)');
  const { sub, at_hash } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > MAX_SUBJECT || /[\p{Cc}\p{Cs}]/u.test(sub)) {
    throw invalid('the ID token has no subject of 1 to 255 characters');
  }
  if (at_hash !== undefined && expected.accessToken !== null) {
    const digest = createHash(hashOf(alg)).update(expected.accessToken, 'ascii').digest();
    const half = digest.subarray(0, digest.length / 2).toString('base64url');
    if (at_hash !== half) throw invalid('the ID token belongs to another access token');
  }
  checkTimes(claims, expected);
  return sub;
}

function checkAudience({ aud, azp }: JsonValues, clientId: string): void {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audiences.length > MAX_AUDIENCES || !audiences.every((one) => typeof one === 'string')) {
    throw invalid('the ID token has no list of audiences');
  }
  if (!audiences.includes(clientId)) throw invalid('the ID token is for another client');
  if (audiences.length > 1 && azp === undefined)
    throw invalid('the ID token is for several clients and names none as its party');
  if (azp !== undefined && azp !== clientId) throw invalid('the ID token was issued to another client');
}

function checkTimes(claims: JsonValues, { now, skewMs }: Expected): void {
  const exp = seconds(claims.exp);
  const iat = seconds(claims.iat);
  const nbf = claims.nbf === undefined ? iat : seconds(claims.nbf);
  if (exp === null || iat === null || nbf === null) throw invalid('the ID token does not say how long it is valid');
  if (now >= exp * 1000 + skewMs) throw new SignInFailure('response_late', 'the ID token has expired');
  if (now < Math.max(iat, nbf) * 1000 - skewMs) {
    throw new SignInFailure('response_late', 'the ID token is not valid yet');
  }
}

/** NumericDate (RFC 7519 section 2); null for what is none. */
function seconds(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value < 1e12 ? value : null;
}
