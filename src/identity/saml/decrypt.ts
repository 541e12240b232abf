import { type CipherGCMTypes, constants, createDecipheriv, privateDecrypt } from 'node:crypto';
import { strictBase64 } from './base64.ts';
import { ASSERTION, ENCRYPTION, ENCRYPTION_11, SIGNATURE } from './names.ts';
import { refuse } from './refuse.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, childrenOf, elementsIn, isNamed, textOf, walk } from './xml-tree.ts';

/** Ciphers that prove by themselves that nothing was changed. */
const AUTHENTICATED = new Map<string, CipherGCMTypes>([
  [`${ENCRYPTION_11}aes128-gcm`, 'aes-128-gcm'],
  [`${ENCRYPTION_11}aes192-gcm`, 'aes-192-gcm'],
  [`${ENCRYPTION_11}aes256-gcm`, 'aes-256-gcm'],
]);
/**
 * What AD FS, Entra ID and others encrypt with. Taken only inside of a signature that was verified: whoever may send us changed CBC texts
 * learns from our answers what stands in them (padding oracles).
 */
const SIGNED_ONLY = new Map<string, string>([
  [`${ENCRYPTION}aes128-cbc`, 'aes-128-cbc'],
  [`${ENCRYPTION}aes192-cbc`, 'aes-192-cbc'],
  [`${ENCRYPTION}aes256-cbc`, 'aes-256-cbc'],
]);
const IV_BYTES = 12;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;
/** In OAEP, SHA-1 is no signature: nobody gains by a collision, and it is what most providers send. */
const OAEP_HASHES = new Map<string, string>([
  [`${SIGNATURE}sha1`, 'sha1'],
  [`${ENCRYPTION}sha256`, 'sha256'],
  [`${ENCRYPTION}sha512`, 'sha512'],
]);
const MGF = /^http:\/\/www\.w3\.org\/2009\/xmlenc11#mgf1(sha1|sha256|sha512)$/;

/** What decrypts with ours, and whether what is decrypted stands inside of a signature that was verified. */
export interface Decrypting {
  /** PEM. */
  readonly privateKey: string;
  readonly signed: boolean;
}

/**
 * The bytes of an encrypted assertion (XML Encryption 1.1): one key, by RSA-OAEP, and one text, by AES-GCM, or where it is signed, AES-CBC.
 *
 * @throws SignInFailure: the same for everything that fails after the algorithms are known
 */
export function decryptAssertion(encrypted: XmlElement, { privateKey, signed }: Decrypting): Buffer {
  if (!isNamed(encrypted, ASSERTION, 'EncryptedAssertion')) refuse('there is nothing to decrypt');
  const data = only(encrypted, 'EncryptedData');
  const open = openerOf(algorithmOf(data), signed);
  const key = keyOf(encrypted);
  const keyHash = oaepHash(only(key, 'EncryptionMethod'));
  const [wrapped, content] = [cipherBytes(key), cipherBytes(data)];
  try {
    const secret = privateDecrypt(
      { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: keyHash },
      wrapped,
    );
    return open(secret, content);
  } catch {
    return refuse('the assertion cannot be decrypted with our key');
  }
}

type Opener = (secret: Buffer, content: Buffer) => Buffer;

function openerOf(algorithm: string, signed: boolean): Opener {
  const gcm = AUTHENTICATED.get(algorithm);
  if (gcm !== undefined) return (secret, content) => openGcm(gcm, secret, content);
  const cbc = SIGNED_ONLY.get(algorithm);
  if (cbc === undefined) refuse('the assertion is encrypted with an algorithm that is not taken; AES-GCM is');
  if (!signed) refuse('the assertion is encrypted with AES-CBC, which is taken only where the response is signed too');
  return (secret, content) => openCbc(cbc, secret, content);
}

function openGcm(cipher: CipherGCMTypes, secret: Buffer, content: Buffer): Buffer {
  // Without a length, a shorter tag than was meant would do.
  const open = createDecipheriv(cipher, secret, content.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
  open.setAuthTag(content.subarray(-TAG_BYTES));
  return Buffer.concat([open.update(content.subarray(IV_BYTES, -TAG_BYTES)), open.final()]);
}

/** Padding is not that of PKCS #7: the last byte says how many there are, the others may be anything (XML Encryption 1.1, 5.2). */
function openCbc(cipher: string, secret: Buffer, content: Buffer): Buffer {
  const open = createDecipheriv(cipher, secret, content.subarray(0, BLOCK_BYTES)).setAutoPadding(false);
  const padded = Buffer.concat([open.update(content.subarray(BLOCK_BYTES)), open.final()]);
  const padding = padded.at(-1) ?? 0;
  if (padding < 1 || padding > BLOCK_BYTES) throw new Error('padding');
  return padded.subarray(0, -padding);
}

/** The one child of this name in the namespace of encryption. */
function only(parent: XmlElement, local: string): XmlElement {
  const [found, ...more] = childrenOf(parent, ENCRYPTION, local);
  if (found === undefined || more.length > 0) refuse('the encryption has an unusual shape');
  return found;
}

function algorithmOf(parent: XmlElement): string {
  return attributeOf(only(parent, 'EncryptionMethod'), 'Algorithm') ?? '';
}

/** The one encrypted key, which stands in the KeyInfo of the text or beside the text. */
function keyOf(encrypted: XmlElement): XmlElement {
  const keys = [...walk(encrypted)].filter(({ element }) => element.local === 'EncryptedKey');
  const [found, ...more] = keys;
  if (found === undefined || more.length > 0) refuse('the assertion is not encrypted to exactly one key');
  const { element, parent } = found;
  if (parent !== encrypted && parent?.local !== 'KeyInfo') refuse('the encryption has an unusual shape');
  return element;
}

function cipherBytes(parent: XmlElement): Buffer {
  const [value, ...more] = elementsIn(only(parent, 'CipherData'));
  const text = value !== undefined && isNamed(value, ENCRYPTION, 'CipherValue') ? textOf(value) : null;
  const bytes = more.length > 0 ? null : strictBase64(text ?? '');
  // A CipherReference would have us fetch what somebody names.
  if (bytes === null) refuse('the encryption has an unusual shape');
  return bytes;
}

/** The hash of RSA-OAEP, and of its mask, which must be the same one. */
function oaepHash(method: XmlElement): string {
  const algorithm = attributeOf(method, 'Algorithm');
  const digest = elementsIn(method).find(({ local }) => local === 'DigestMethod');
  const hash = digest === undefined ? 'sha1' : OAEP_HASHES.get(attributeOf(digest, 'Algorithm') ?? '');
  const mask = elementsIn(method).find(({ local }) => local === 'MGF');
  const masked = mask === undefined ? 'sha1' : MGF.exec(attributeOf(mask, 'Algorithm') ?? '')?.[1];
  const known =
    (algorithm === `${ENCRYPTION}rsa-oaep-mgf1p` && mask === undefined) || algorithm === `${ENCRYPTION_11}rsa-oaep`;
  // RSA 1.5 among them: its padding tells whoever asks often enough what the key is.
  if (
    !known ||
    hash === undefined ||
    hash !== masked ||
    elementsIn(method).some(({ local }) => local === 'OAEPparams')
  ) {
    refuse('the key is encrypted with an algorithm that is not taken; RSA-OAEP is');
  }
  return hash;
}
