import { compactVerify } from 'jose';
import { type Algorithm, isAlgorithm } from './algorithms.ts';
import { invalid } from './failures.ts';
import type { PublicKey } from './public-key.ts';
import { type JsonValues, strictObject } from './strict-json.ts';

/** Longer than an ID token with all the groups that count. */
const MAX_TOKEN = 256 * 1024;
const MAX_KID = 256;
/** Header parameters that change how a token is read (RFC 7515 section 4.1.11, RFC 7797, RFC 7516): no ID token needs one. */
const REFUSED = ['crit', 'b64', 'zip', 'enc'] as const;

/** A signed token, taken apart. Nothing of it is proven yet. */
export interface OpenedToken {
  readonly token: string;
  readonly alg: Algorithm;
  readonly kid: string | null;
  readonly claims: JsonValues;
}

/**
 * Takes a token in compact form apart (RFC 7515 section 7.1). `jku`, `jwk`, `x5u`, `x5c` and `x5t` are never looked at: a token must
 * not bring, or say where to get, the key that proves it.
 *
 * @throws SignInFailure `response_invalid`
 */
export function openToken(token: unknown, algorithms: readonly Algorithm[]): OpenedToken {
  if (typeof token !== 'string') throw invalid('there is no ID token');
  if (token.length > MAX_TOKEN) throw invalid('the ID token is too long');
  const parts = token.split('.', 6);
  if (parts.length === 5) throw invalid('the ID token is encrypted, which is not supported');
  const [header, payload, signature] = parts.map(decoded);
  if (parts.length !== 3 || !header || !payload || !signature) throw invalid('the ID token is no signed token');
  const head = strictObject(header);
  const claims = strictObject(payload);
  if (head === null || claims === null) throw invalid('the ID token is no JSON that can be read in one way only');
  const { alg, kid = null } = head;
  if (!isAlgorithm(alg) || !algorithms.includes(alg))
    throw invalid('the ID token is signed with an algorithm that does not count');
  if (REFUSED.some((name) => name in head)) throw invalid('the ID token has a header that changes how it is read');
  if (!isIdTokenType(head.typ)) throw invalid('the token is of a kind that is no ID token');
  if (kid !== null && (typeof kid !== 'string' || kid.length > MAX_KID))
    throw invalid('the ID token has a key id that is none');
  return { token, alg, kid, claims };
}

/** Checks the signature. Rejects with a SignInFailure `response_invalid`. */
export async function proveToken({ token, alg }: OpenedToken, key: PublicKey): Promise<void> {
  try {
    await compactVerify(token, key.jwk, { algorithms: [alg] });
  } catch {
    throw invalid('the signature of the ID token is wrong');
  }
}

/** The bytes of base64url; null where another spelling would give the same bytes, and for the empty text. */
function decoded(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > 0 && bytes.toString('base64url') === text ? bytes : null;
}

/** An access token (`at+jwt`) or a logout token (`logout+jwt`) of the same provider is signed with the same keys (RFC 8725 section 3.11). */
function isIdTokenType(typ: unknown): boolean {
  return typ === undefined || (typeof typ === 'string' && /^(?:application\/)?jwt$/i.test(typ));
}
