import { seal, unseal } from './sealing.ts';

/** Whose content it is and which record carries it; both are bound to the ciphertext, so that it cannot be moved. */
export interface ContentPlace {
  /** `rec_…` of the record that carries it. */
  readonly record: string;
  /** `per_…`. */
  readonly person: string;
}

/** A sealed body as it stands in a `content` record. */
export interface SealedContent {
  readonly alg: 'A256GCM';
  /** 12 bytes, base64. */
  readonly iv: string;
  /** Ciphertext and 16-byte tag, base64. */
  readonly data: string;
}

const aadOf = ({ record, person }: ContentPlace): string => `gatehouse content\n${JSON.stringify([record, person])}`;

/**
 * Encrypts a body under its person's key: once that key is erased, nobody reads it again, and the chain stays whole (P7).
 *
 * @param key 32 bytes
 */
export function sealContent(key: Uint8Array, place: ContentPlace, plaintext: Uint8Array): SealedContent {
  const { iv, data } = seal(key, aadOf(place), plaintext);
  return { alg: 'A256GCM', iv: iv.toString('base64'), data: data.toString('base64') };
}

/** @throws Error when it was sealed under another key or for another place, or was changed */
export function openContent(key: Uint8Array, place: ContentPlace, sealed: SealedContent): Buffer {
  if (sealed.alg !== 'A256GCM') throw new Error(`content sealed with "${String(sealed.alg)}" cannot be opened`);
  const iv = Buffer.from(sealed.iv, 'base64');
  return unseal(key, aadOf(place), { iv, data: Buffer.from(sealed.data, 'base64') });
}
