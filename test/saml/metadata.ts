import { createHash, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { derBits, derInteger, derOid, derSequence, derSet, derText, derTime } from '../../src/identity/saml/der.ts';
import type { OwnKeys } from '../../src/identity/saml/own-keys.ts';
import { IDP, idp, NOW, NS } from './support.ts';

const MD = 'urn:oasis:names:tc:SAML:2.0:metadata';

export interface Described {
  readonly entityId?: string;
  readonly attributes?: string;
  readonly roleAttributes?: string;
  readonly keys?: string;
  readonly services?: string;
}

export function certificateXml(pem: string, use: 'signing' | 'encryption' | null = 'signing'): string {
  const base64 = new X509Certificate(pem).raw.toString('base64').replace(/.{64}/g, '$&\n');
  return (
    `<md:KeyDescriptor${use === null ? '' : ` use="${use}"`}><ds:KeyInfo xmlns:ds="${NS.ds}"><ds:X509Data><ds:X509Certificate>\n` +
    `${base64}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
  );
}

export const service = (binding: 'HTTP-Redirect' | 'HTTP-POST', location: string): string =>
  `<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:${binding}" Location="${location.replaceAll('&', '&amp;')}"/>`;

/** Metadata of the provider of these tests. */
export function metadataXml(described: Described = {}): string {
  const { entityId = IDP, attributes = '', roleAttributes = '', keys = certificateXml(idp.certificate) } = described;
  const services =
    described.services ??
    service('HTTP-POST', 'https://idp.acme.test/post') +
      service('HTTP-Redirect', 'https://idp.acme.test/sso?tenant=1&x=2');
  return (
    `<md:EntityDescriptor xmlns:md="${MD}" entityID="${entityId}"${attributes}><md:IDPSSODescriptor WantAuthnRequestsSigned="true"` +
    ` protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"${roleAttributes}>${keys}${services}</md:IDPSSODescriptor></md:EntityDescriptor>`
  );
}

/** What our own metadata says, found without the reader that is tested. */
export function describedXml(xml: string) {
  const decoded = (text: string): string =>
    text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
  const all = (pattern: RegExp): string[] => [...xml.matchAll(pattern)].map((found) => decoded(found[1] ?? ''));
  const one = (pattern: RegExp): string => all(pattern)[0] ?? '';
  return {
    entityId: one(/ entityID="([^"]*)"/g),
    acs: {
      Binding: one(/<md:AssertionConsumerService [^>]*Binding="([^"]*)"/g),
      Location: one(/<md:AssertionConsumerService [^>]*Location="([^"]*)"/g),
    },
    uses: all(/<md:KeyDescriptor use="([^"]*)"/g),
    certificates: all(/<ds:X509Certificate>([^<]*)</g),
    wants: one(/ WantAssertionsSigned="([^"]*)"/g),
    signs: one(/ AuthnRequestsSigned="([^"]*)"/g),
    encryption: all(/<md:EncryptionMethod Algorithm="([^"]*)"/g),
  };
}

/** A certificate by an elliptic curve, valid for a hundred days around these tests. */
export function ecCertificate(serial: number, until = NOW + 100 * 86_400_000): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return certificateOf({ serial, until, privateKey, publicKey, algorithm: '1.2.840.10045.4.3.2' });
}

/** A certificate by RSA, which ends then. */
export function rsaCertificate(until: number, from = NOW - 1000): string {
  return rsaKeys({ until, from }).certificate;
}

/** RSA keys of so many bits with their certificate. */
export function rsaKeys({ bits = 2048, until = NOW + 100 * 86_400_000, from = NOW - 1000 }): OwnKeys {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const certificate = certificateOf({
    serial: 1,
    until,
    from,
    privateKey,
    publicKey,
    algorithm: '1.2.840.113549.1.1.11',
  });
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certificate };
}

interface Certified {
  readonly serial: number;
  readonly from?: number;
  readonly until: number;
  readonly privateKey: Parameters<typeof sign>[2];
  readonly publicKey: { export(options: { type: 'spki'; format: 'der' }): Buffer };
  readonly algorithm: string;
}

function certificateOf({ serial, from = NOW - 1000, until, privateKey, publicKey, algorithm }: Certified): string {
  const name = derSequence(derSet(derSequence(derOid('2.5.4.3'), derText('x'))));
  const by = derSequence(derOid(algorithm));
  const key = publicKey.export({ type: 'spki', format: 'der' });
  const serialBytes = createHash('sha256').update(String(serial)).digest().subarray(0, 8);
  const validity = derSequence(derTime(from), derTime(until));
  const body = derSequence(derInteger(serialBytes), by, name, validity, name, key);
  const whole = derSequence(body, by, derBits(sign('sha256', body, privateKey)));
  return new X509Certificate(whole).toString();
}
