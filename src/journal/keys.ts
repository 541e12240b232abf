import { randomBytes } from 'node:crypto';
import { KEY_BYTES, seal, unseal } from './sealing.ts';

/** Version of the wrapping, the first byte of a wrapped key. */
const VERSION = 1;
const IV_END = 1 + 12;

const aadOf = (person: string): string => `gatehouse person key\n${person}`;

/** A new content key for a person: 32 random bytes. */
export function newPersonKey(): Buffer {
  return randomBytes(KEY_BYTES);
}

/**
 * Encrypts a person's key under the installation's master key, for the store. Bound to the person: a row copied to another person
 * does not open.
 *
 * @param master 32 bytes
 */
export function wrapKey(master: Uint8Array, person: string, key: Uint8Array): Buffer {
  if (key.length !== KEY_BYTES) throw new RangeError(`a person key has ${KEY_BYTES} bytes, not ${key.length}`);
  const { iv, data } = seal(master, aadOf(person), key);
  return Buffer.concat([Buffer.of(VERSION), iv, data]);
}

/** @throws Error when it was wrapped under another master key or for another person, or was changed */
export function unwrapKey(master: Uint8Array, person: string, wrapped: Uint8Array): Buffer {
  if (wrapped[0] !== VERSION) throw new Error('the wrapped key has an unknown version');
  return unseal(master, aadOf(person), { iv: wrapped.subarray(1, IV_END), data: wrapped.subarray(IV_END) });
}
