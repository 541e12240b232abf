import { createHash } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** CRC-32 as in ISO 3309, bit by bit. */
function crc(text: string): bigint {
  let value = 0xffffffff;
  for (const byte of Buffer.from(text)) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return BigInt((value ^ 0xffffffff) >>> 0);
}

/** `body` with its checksum in six letters of base 62 behind it. */
export function checksummed(body: string): string {
  let rest = crc(body);
  let digits = '';
  for (let i = 0; i < 6; i++) {
    digits = `${ALPHABET[Number(rest % 62n)]}${digits}`;
    rest /= 62n;
  }
  return body + digits;
}

/** SHA-256 of a text, lower-case hex. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
