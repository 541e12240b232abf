import { JsonScanError } from './error.ts';

/**
 * Decodes the string token at [start, end) of `body`, quotes included; its grammar and its UTF-8 have been checked.
 * Refuses a lone surrogate: parsers keep it, replace it or refuse the body, and each of these is another value.
 */
export function decodeString(body: Buffer, token: { start: number; end: number; escaped: boolean }): string {
  const { start, end, escaped } = token;
  if (!escaped) return body.toString('utf8', start + 1, end - 1);
  const text: unknown = JSON.parse(body.toString('utf8', start, end));
  if (typeof text !== 'string' || !text.isWellFormed()) {
    throw new JsonScanError('a name or a deciding value holds half a surrogate pair', start, true);
  }
  return text;
}

/** Longer than any number a request decides on; keeps the work on one bounded. */
const LONGEST_NUMBER = 64;

/**
 * Decodes the number token at [start, end) of `body`. Refuses what a parser of integers, of doubles and of decimals could
 * read as different numbers: integers outside ±2^53, `-0`, and digits that a double does not keep. `1.0` and `1e3` are kept.
 */
export function decodeNumber(body: Buffer, start: number, end: number): number {
  const raw = body.toString('latin1', start, Math.min(end, start + LONGEST_NUMBER + 1));
  const value = Number(raw);
  const alike =
    raw.length <= LONGEST_NUMBER &&
    Number.isFinite(value) &&
    !(Number.isInteger(value) && Math.abs(value) > 2 ** 53) &&
    (raw === String(value) || decimal(raw) === decimal(String(value)));
  if (!alike) throw new JsonScanError('a deciding number is outside what every parser reads alike', start, true);
  return value;
}

/** A decimal numeral in one spelling: sign, digits without zeros at either end, and the power of ten of the last digit. */
function decimal(raw: string): string {
  const [, sign = '', whole = '', fraction = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(raw) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const short = digits.replace(/0+$/, '');
  if (short === '') return `${sign}0`;
  return `${sign}${short}e${Number(power) - fraction.length + digits.length - short.length}`;
}
