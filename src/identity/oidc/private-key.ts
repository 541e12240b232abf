import { createPrivateKey, type KeyObject } from 'node:crypto';
import { type CryptoKey, importPKCS8 } from 'jose';
import { type Algorithm, isAlgorithm } from './algorithms.ts';
import { misconfigured } from './failures.ts';

const BY_CURVE: Readonly<Record<string, Algorithm>> = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' };
const RSA: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const MIN_RSA_BITS = 2_048;

/** A key that client assertions are signed with. */
export interface SigningKey {
  readonly key: CryptoKey;
  readonly alg: Algorithm;
}

/**
 * Reads a private key (PEM) for signing. `wanted` null takes what fits: RS256 (PS256 where the provider takes no RS256), ES256, ES384 or
 * ES512 by curve, EdDSA. Rejects with a SignInFailure `provider_misconfigured` that holds nothing of the key.
 */
export async function readSigningKey(
  pem: string,
  wanted: string | null,
  accepted: readonly string[] = [],
): Promise<SigningKey> {
  const key = parse(pem);
  const possible = algorithmsOf(key);
  const alg = wanted ?? possible.find((one) => accepted.includes(one)) ?? possible[0];
  if (!isAlgorithm(alg) || !possible.includes(alg)) {
    throw misconfigured(
      `the private key does not fit the algorithm ${isAlgorithm(wanted) ? wanted : 'that is asked for'}`,
    );
  }
  return { key: await importPKCS8(key.export({ type: 'pkcs8', format: 'pem' }) as string, alg), alg };
}

function parse(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw misconfigured('the private key cannot be read: a PEM without a passphrase is expected');
  }
}

/** What a key can sign with, the usual first. */
function algorithmsOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): readonly Algorithm[] {
  if (type === 'rsa') {
    if ((details?.modulusLength ?? 0) < MIN_RSA_BITS)
      throw misconfigured(`the private key has less than ${MIN_RSA_BITS} bits`);
    return RSA;
  }
  if (type === 'ed25519') return ['EdDSA', 'Ed25519'];
  const alg = type === 'ec' ? BY_CURVE[details?.namedCurve ?? ''] : undefined;
  return alg === undefined ? [] : [alg];
}
