import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The largest multiple of 62 in a byte: bytes from here on are thrown away, or the first letters would come more often. */
const LIMIT = 248;

/** A source of random bytes; tests give their own. */
export type RandomSource = (size: number) => Uint8Array;

/** `length` characters of base 62, each equally likely. */
export function randomBase62(length: number, random: RandomSource = randomBytes): string {
  let text = '';
  while (text.length < length) {
    for (const byte of random(length - text.length)) {
      if (byte < LIMIT) text += ALPHABET.charAt(byte % ALPHABET.length);
    }
  }
  return text;
}

/** A whole number below 62^length, padded with zeros to `length`. */
export function toBase62(value: number, length: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < length; i++) {
    text = ALPHABET.charAt(rest % ALPHABET.length) + text;
    rest = Math.floor(rest / ALPHABET.length);
  }
  return text;
}

/** True when every character from `start` on is of base 62. One pass, no expression to backtrack. */
export function isBase62From(text: string, start: number): boolean {
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const digit = c >= 48 && c <= 57;
    const letter = (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
    if (!digit && !letter) return false;
  }
  return true;
}
