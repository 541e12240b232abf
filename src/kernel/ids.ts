import { someRandomBytes } from './random.ts';

/** Crockford base 32, as in ULIDs: no I, L, O or U, sorts like its numbers. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** The first ten characters: fifty bits. */
function base32(value: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < 10; i++) {
    text = ALPHABET.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** What an id names; the prefix is part of the id, so that a pasted id says what it is. */
const PREFIXES = ['rec', 'per', 'svc', 'tea', 'key', 'adm', 'ses', 'stp', 'gra', 'inv', 'wai', 'chg'] as const;
export type IdPrefix = (typeof PREFIXES)[number];

/**
 * A new identifier: prefix, underscore, 48 bits of time, 80 random bits (26 characters).
 * Sorts by time of creation to the millisecond.
 */
export function newId(prefix: IdPrefix, now: number = Date.now()): string {
  let text = `${prefix}_${base32(now)}`;
  for (const byte of someRandomBytes(16)) text += ALPHABET.charAt(byte & 31);
  return text;
}

/** When this id was made, milliseconds since the epoch; its first ten characters are fifty bits, the lower 48 of them time. */
export function timeOfId(id: string): number {
  let time = 0;
  for (const letter of id.slice(4, 14)) time = time * 32 + ALPHABET.indexOf(letter);
  return time;
}

const SHAPE = new RegExp(`^(?:${PREFIXES.join('|')})_[0-9a-hjkmnp-tv-z]{26}$`);

/** True when `text` has the shape of an id with this prefix. */
export function isId(text: string, prefix: IdPrefix): boolean {
  return SHAPE.test(text) && text.startsWith(`${prefix}_`);
}
