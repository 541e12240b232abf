import { X509Certificate } from 'node:crypto';
import {
  EMAIL_FORMAT,
  ENCRYPTION,
  ENCRYPTION_11,
  METADATA,
  PERSISTENT_FORMAT,
  POST_BINDING,
  PROTOCOL,
  SIGNATURE,
  UNSPECIFIED_FORMAT,
} from './names.ts';
import { entityIdOf } from './own-addresses.ts';
import { xmlEscape } from './xml-text.ts';

const FORMATS = [PERSISTENT_FORMAT, EMAIL_FORMAT, UNSPECIFIED_FORMAT];
const ENCRYPTIONS = [`${ENCRYPTION_11}aes256-gcm`, `${ENCRYPTION_11}aes128-gcm`, `${ENCRYPTION}rsa-oaep-mgf1p`];

/**
 * The metadata that a provider reads about us: who we are, where answers go, which key we sign with and which they encrypt to.
 *
 * @param callback address that answers are posted to; our entity id stands below it
 * @param certificate PEM, of `OwnKeys`
 */
export function serviceProviderMetadata({ callback, certificate }: { callback: string; certificate: string }): string {
  const formats = FORMATS.map((format) => `    <md:NameIDFormat>${format}</md:NameIDFormat>`);
  const methods = ENCRYPTIONS.map((method) => `      <md:EncryptionMethod Algorithm="${method}"/>`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<md:EntityDescriptor xmlns:md="${METADATA}" entityID="${xmlEscape(entityIdOf(callback))}">`,
    '  <md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true"' +
      ` protocolSupportEnumeration="${PROTOCOL}">`,
    ...keyDescriptor('signing', certificate, []),
    ...keyDescriptor('encryption', certificate, methods),
    ...formats,
    `    <md:AssertionConsumerService index="0" isDefault="true" Binding="${POST_BINDING}"` +
      ` Location="${xmlEscape(callback)}"/>`,
    '  </md:SPSSODescriptor>',
    '</md:EntityDescriptor>',
    '',
  ].join('\n');
}

function keyDescriptor(use: 'signing' | 'encryption', certificate: string, methods: readonly string[]): string[] {
  const base64 = new X509Certificate(certificate).raw.toString('base64');
  return [
    `    <md:KeyDescriptor use="${use}">`,
    `      <ds:KeyInfo xmlns:ds="${SIGNATURE}"><ds:X509Data><ds:X509Certificate>${base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`,
    ...methods,
    '    </md:KeyDescriptor>',
  ];
}
