import { seal, unseal } from '../journal/sealing.ts';
import { deriveKey } from '../secrets/derive.ts';

/** Encrypts what must come back unchanged, from a browser or the store. */
export interface Sealer {
  seal(plain: Uint8Array): Buffer;
  /** Null for what was not sealed here for this purpose, or was changed. */
  open(sealed: Uint8Array): Buffer | null;
}

const IV_BYTES = 12;

/** One for each purpose: what is sealed for one does not open for another. */
export function sealer(master: Uint8Array, purpose: string): Sealer {
  const key = deriveKey(master, purpose);
  return {
    seal(plain) {
      const { iv, data } = seal(key, purpose, plain);
      return Buffer.concat([iv, data]);
    },
    open(sealed) {
      try {
        return unseal(key, purpose, { iv: sealed.subarray(0, IV_BYTES), data: sealed.subarray(IV_BYTES) });
      } catch {
        return null;
      }
    },
  };
}
