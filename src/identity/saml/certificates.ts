import { X509Certificate } from 'node:crypto';
import { strictBase64 } from './base64.ts';

const LEAST_BITS = 2048;

/** A certificate that answers may be signed by. Its key is what counts; nobody checks who issued it. */
export interface SigningCertificate {
  readonly pem: string;
  /** SHA-256 of the certificate, to tell it from others. */
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
  /** Why its signatures are not taken; null where they are. */
  readonly unusable: string | null;
}

/** From PEM, or from the base64 of metadata. Null for what is no certificate. */
export function signingCertificate(text: string): SigningCertificate | null {
  try {
    const bytes = text.includes('-----BEGIN') ? text : strictBase64(text);
    return bytes === null ? null : described(new X509Certificate(bytes));
  } catch {
    return null;
  }
}

function described(certificate: X509Certificate): SigningCertificate {
  const { publicKey, fingerprint256, validFromDate, validToDate } = certificate;
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
  const unusable =
    publicKey.asymmetricKeyType !== 'rsa'
      ? `its key is not RSA but ${publicKey.asymmetricKeyType}`
      : bits < LEAST_BITS
        ? `its RSA key has ${bits} bits; ${LEAST_BITS} are the least`
        : null;
  return {
    pem: certificate.toString(),
    fingerprint: fingerprint256,
    from: validFromDate.getTime(),
    until: validToDate.getTime(),
    unusable,
  };
}
