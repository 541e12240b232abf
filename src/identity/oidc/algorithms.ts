/**
 * How an ID token may be signed (RFC 7518 section 3.1, RFC 8037, RFC 9864): with a key pair. Never `none`, never with a secret (HS256 …):
 * a token "signed" with a public key that everybody can read must not count.
 */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
};

export function isAlgorithm(text: unknown): text is Algorithm {
  return ALGORITHMS.includes(text as Algorithm);
}

/** Whether a key of this type and curve may be used with the algorithm. */
export function fits(alg: Algorithm, key: { readonly kty: string; readonly crv?: string }): boolean {
  const curve = CURVES[alg];
  if (curve === undefined) return key.kty === 'RSA';
  return key.kty === (alg.startsWith('ES') ? 'EC' : 'OKP') && key.crv === curve;
}

/** The hash that `at_hash` is made with (OpenID Connect Core 1.0 section 3.1.3.6); Ed25519 signs with SHA-512. */
export function hashOf(alg: Algorithm): 'sha256' | 'sha384' | 'sha512' {
  if (alg.endsWith('256')) return 'sha256';
  return alg.endsWith('384') ? 'sha384' : 'sha512';
}
