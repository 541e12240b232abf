import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto';
import type { OwnKeys } from '../../src/identity/saml/own-keys.ts';
import { NS, own } from './support.ts';

const XENC11 = 'http://www.w3.org/2009/xmlenc11#';

export interface Encrypting {
  readonly to?: OwnKeys;
  readonly cipher?: 'aes-128-gcm' | 'aes-256-gcm' | 'aes-256-cbc';
  /** The name that is written, where it is not that of the cipher. */
  readonly written?: string;
  readonly oaepHash?: string;
  readonly padding?: number;
  /** The whole EncryptionMethod of the key. */
  readonly keyMethod?: string;
  /** The key stands beside the text. */
  readonly beside?: boolean;
  /** Changes the cipher text, the wrapped key. */
  readonly spoil?: (bytes: Buffer) => Buffer;
  readonly spoilKey?: (bytes: Buffer) => Buffer;
}

/** An assertion, or anything else, encrypted as XML Encryption has it. */
export function encryptedXml(plain: string | Buffer, options: Encrypting = {}): string {
  const { to = own, cipher = 'aes-256-gcm', oaepHash = 'sha1', padding = constants.RSA_PKCS1_OAEP_PADDING } = options;
  const gcm = cipher.endsWith('gcm');
  const key = randomBytes(cipher.includes('128') ? 16 : 32);
  const iv = randomBytes(gcm ? 12 : 16);
  const sealing = createCipheriv(cipher as 'aes-256-gcm', key, iv);
  const body = Buffer.concat([
    iv,
    sealing.update(plain),
    sealing.final(),
    gcm ? sealing.getAuthTag() : Buffer.alloc(0),
  ]);
  const hash = padding === constants.RSA_PKCS1_OAEP_PADDING ? { oaepHash } : {};
  const wrapped = publicEncrypt({ key: to.certificate, padding, ...hash }, key);
  const { spoil = (bytes) => bytes, spoilKey = (bytes) => bytes } = options;
  const written =
    options.written ?? (gcm ? `${XENC11}${cipher.replace('-', '').replace('-', '-')}` : `${NS.xenc}aes256-cbc`);
  const method =
    options.keyMethod ?? `<xenc:EncryptionMethod Algorithm="${NS.xenc}rsa-oaep-mgf1p"></xenc:EncryptionMethod>`;
  const value = (bytes: Buffer): string =>
    `<xenc:CipherData><xenc:CipherValue>${bytes.toString('base64')}</xenc:CipherValue></xenc:CipherData>`;
  // In the text, the prefix is declared already: what is written is canonical.
  const declared = options.beside ? ` xmlns:xenc="${NS.xenc}"` : '';
  const encryptedKey = `<xenc:EncryptedKey${declared} Id="_key1">${method}${value(spoilKey(wrapped))}</xenc:EncryptedKey>`;
  const inside = options.beside
    ? '<ds:RetrievalMethod URI="#_key1" Type="http://www.w3.org/2001/04/xmlenc#EncryptedKey"/>'
    : encryptedKey;
  return (
    `<saml:EncryptedAssertion xmlns:saml="${NS.saml}"><xenc:EncryptedData xmlns:xenc="${NS.xenc}" Type="${NS.xenc}Element">` +
    `<xenc:EncryptionMethod Algorithm="${written}"></xenc:EncryptionMethod><ds:KeyInfo xmlns:ds="${NS.ds}">${inside}</ds:KeyInfo>` +
    `${value(spoil(body))}</xenc:EncryptedData>${options.beside ? encryptedKey : ''}</saml:EncryptedAssertion>`
  );
}
