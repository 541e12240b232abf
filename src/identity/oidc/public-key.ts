import type { JWK } from 'jose';
import { type Algorithm, fits } from './algorithms.ts';
import { asObject } from './strict-json.ts';

/** A public key that may sign ID tokens, with no more than what is needed to use it. */
export interface PublicKey {
  readonly kid: string | null;
  /** The one algorithm it is for; null for every one that fits. */
  readonly alg: string | null;
  readonly jwk: JWK & { readonly kty: string };
}

/** 8,192 bits, as base64url: checking a signature must not take seconds. */
const MAX_MODULUS = 1_366;
const MAX_KID = 256;

/**
 * One entry of a key set (RFC 7517), or null for one that is not for signatures or not to be trusted: a symmetric key, one that is
 * published with its private half, an RSA exponent that makes forging easy or checking slow.
 */
export function publicKey(entry: unknown): PublicKey | null {
  const key = asObject(entry);
  if (key === null || 'd' in key || 'k' in key) return null;
  if (key.use !== undefined && key.use !== 'sig') return null;
  if (key.key_ops !== undefined && !(Array.isArray(key.key_ops) && key.key_ops.includes('verify'))) return null;
  const kid = optional(key.kid);
  const alg = optional(key.alg);
  const jwk = essence(key);
  return kid === undefined || alg === undefined || jwk === null ? null : { kid, alg, jwk };
}

/** Whether the key may have signed a token with this header. Without `kid` every fitting key is a candidate. */
export function mayHaveSigned(key: PublicKey, { alg, kid }: { alg: Algorithm; kid: string | null }): boolean {
  return (kid === null || key.kid === kid) && (key.alg === null || key.alg === alg) && fits(alg, key.jwk);
}

/** Null for a field that is absent, undefined for one that is no short text. */
function optional(value: unknown): string | null | undefined {
  if (value === undefined) return null;
  return typeof value === 'string' && value.length <= MAX_KID ? value : undefined;
}

function essence({ kty, crv, n, e, x, y }: Readonly<Record<string, unknown>>): PublicKey['jwk'] | null {
  if (kty === 'RSA') return isText(n, MAX_MODULUS) && isText(e, 8) && isExponent(e) ? { kty, n, e } : null;
  if (kty === 'EC') return isText(crv, 20) && isText(x, 90) && isText(y, 90) ? { kty, crv, x, y } : null;
  if (kty === 'OKP') return isText(crv, 20) && isText(x, 90) ? { kty, crv, x } : null;
  return null;
}

function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= most;
}

/** Odd and above 1: with 1, everybody could sign. */
function isExponent(e: string): boolean {
  const value = Number.parseInt(Buffer.from(e, 'base64url').toString('hex') || '0', 16);
  return value >= 3 && value % 2 === 1;
}
