import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * A context that trusts these authorities (PEM) beside the well-known ones.
 *
 * @throws Error for text without a certificate, or with one that cannot be read
 */
export function authorities(pem: string): SecureContext {
  const own = pem.match(CERTIFICATE) ?? [];
  if (own.length === 0) throw new Error('the authorities (net.ca) hold no certificate in PEM');
  for (const [at, text] of own.entries()) {
    try {
      new X509Certificate(text);
    } catch (error) {
      throw new Error(`certificate ${at + 1} of the authorities (net.ca) cannot be read`, { cause: error });
    }
  }
  return createSecureContext({ ca: [...getCACertificates('default'), ...own], minVersion: 'TLSv1.2' });
}
