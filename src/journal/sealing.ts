import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

/** AES-256-GCM with a fresh random IV; `aad` is authenticated, not encrypted. Returns the IV, and the ciphertext with its tag. */
export function seal(key: Uint8Array, aad: string, plaintext: Uint8Array): { iv: Buffer; data: Buffer } {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(key), iv, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(aad));
  return { iv, data: Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]) };
}

/** @throws Error when the key, the aad or any bit of the data is not what it was sealed with */
export function unseal(key: Uint8Array, aad: string, { iv, data }: { iv: Uint8Array; data: Uint8Array }): Buffer {
  if (iv.length !== IV_BYTES || data.length < TAG_BYTES) throw new Error('the sealed data is cut or malformed');
  const decipher = createDecipheriv('aes-256-gcm', keyOf(key), iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad));
  decipher.setAuthTag(data.subarray(data.length - TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(data.subarray(0, data.length - TAG_BYTES)), decipher.final()]);
  } catch {
    throw new Error('the sealed data does not open: another key, another owner, or changed bytes');
  }
}

function keyOf(key: Uint8Array): Uint8Array {
  if (key.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
  return key;
}
