import { constants, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A token that a standard prints, with the key it prints beside it. The private halves are as public as the standard. */
export interface Vector {
  /** `RFC 7515 A.2`. */
  readonly from: string;
  /** `signed`: its signature holds. `refused`: it must not count, whatever is right with it. */
  readonly verdict: 'signed' | 'refused';
  readonly key: Readonly<Record<string, string>> | null;
  readonly token: string;
}

/** Printed examples of RFC 7515 (appendix A) and RFC 8037 (appendix A). */
export const VECTORS: readonly Vector[] = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'vectors', 'jose.json'), 'utf8'),
);

function keyOf(from: string): KeyObject {
  const key = VECTORS.find((vector) => vector.from === from)?.key ?? {};
  return createPrivateKey({ key, format: 'jwk' });
}

const RSA = keyOf('RFC 7515 A.2');
const EC = keyOf('RFC 7515 A.3');
const ED = keyOf('RFC 8037 A.4');

type Signer = (text: Buffer) => Buffer;
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST } as const;
const SIGNERS: Readonly<Record<string, Signer>> = {
  RS256: (text) => sign('sha256', text, RSA),
  PS256: (text) => sign('sha256', text, { key: RSA, ...PSS }),
  ES256: (text) => sign('sha256', text, { key: EC, dsaEncoding: 'ieee-p1363' }),
  EdDSA: (text) => sign(null, text, ED),
};

/** The key set of a provider that signs with the keys of the standards. */
export const KEY_SET = {
  keys: (
    [
      ['rsa', RSA],
      ['ec', EC],
      ['ed', ED],
    ] as const
  ).map(([kid, key]) => {
    const { d: _, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = key.export({ format: 'jwk' });
    return { ...jwk, kid, use: 'sig' };
  }),
};
const KIDS: Readonly<Record<string, string>> = { RS256: 'rsa', PS256: 'rsa', ES256: 'ec', EdDSA: 'ed' };
export const SIGNING_ALGORITHMS: readonly string[] = Object.keys(SIGNERS);

/** A signed token, put together by RFC 7515 §5.1 with nothing but the platform's own signatures. */
export function signed(payload: Uint8Array | string, alg = 'RS256'): string {
  const header = JSON.stringify({ alg, kid: KIDS[alg] });
  const text = `${Buffer.from(header).toString('base64url')}.${Buffer.from(payload).toString('base64url')}`;
  const signer = SIGNERS[alg];
  if (signer === undefined) throw new Error(`there is no key for ${alg}`);
  return `${text}.${signer(Buffer.from(text)).toString('base64url')}`;
}
