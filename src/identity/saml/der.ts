/** A small writer of DER (X.690): what one certificate needs, and no more. */

/** One value: its tag, its length in the shortest form (8.1.3, 10.1), its content. */
export function derValue(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const digits: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length, ...digits), content]);
}

export const derSequence = (...parts: readonly Uint8Array[]): Buffer => derValue(0x30, Buffer.concat(parts));
export const derSet = (...parts: readonly Uint8Array[]): Buffer => derValue(0x31, Buffer.concat(parts));
export const derBoolean = (yes: boolean): Buffer => derValue(0x01, Buffer.of(yes ? 0xff : 0));
export const derOctets = (content: Uint8Array): Buffer => derValue(0x04, content);
export const derText = (text: string): Buffer => derValue(0x0c, Buffer.from(text));
/** Explicitly tagged `[number]`. */
export const derTagged = (number: number, content: Uint8Array): Buffer => derValue(0xa0 | number, content);

/** A whole number from its bytes, most significant first: never negative, and in the fewest bytes (8.3). */
export function derInteger(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.of(0) : Buffer.from(bytes.subarray(first));
  return derValue(0x02, (digits[0] ?? 0) < 0x80 ? digits : Buffer.concat([Buffer.of(0), digits]));
}

/** Bits from whole bytes; `unused` of the last byte do not count. */
export function derBits(content: Uint8Array, unused = 0): Buffer {
  return derValue(0x03, Buffer.concat([Buffer.of(unused), content]));
}

/** An object identifier such as `2.5.4.3`. */
export function derOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return derValue(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(number: number): number[] {
  const digits = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift(128 | (rest % 128));
  return digits;
}

/** A moment to the second, as certificates want it: UTCTime until 2049, GeneralizedTime after (RFC 5280, 4.1.2.5). */
export function derTime(at: number): Buffer {
  const digits = `${new Date(at).toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
  return Number(digits.slice(0, 4)) < 2050
    ? derValue(0x17, Buffer.from(digits.slice(2)))
    : derValue(0x18, Buffer.from(digits));
}
