import { hkdfSync } from 'node:crypto';

/** A key of 32 bytes for one purpose, from the master key (HKDF-SHA-256, RFC 5869): what is sealed for one does not open for another. */
export function deriveKey(master: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', master, new Uint8Array(0), `gatehouse ${purpose}`, 32));
}
