import { JsonScanError } from './error.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const table = (has: (byte: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, b) => (has(b) ? 1 : 0));
const SHORT_ESCAPES = table((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));
const HEX = table((byte) => /[\da-f]/i.test(String.fromCharCode(byte)));

/** 1 for the bytes a string may hold as they stand: everything but control characters, the quote and the backslash. */
const PLAIN = table((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);

/** A byte in all four of a word. */
const four = (byte: number): number => byte * 0x01010101;
const ONES = four(1);
const HIGH = four(0x80) | 0;
const SPACES = four(0x20);
const QUOTES = four(QUOTE);
const BACKSLASHES = four(BACKSLASH);

const WORDS = {
  true: Buffer.from('true'),
  false: Buffer.from('false'),
  null: Buffer.from('null'),
};

/**
 * Walks over JSON tokens by position (RFC 8259, sections 2 to 7) and keeps nothing of them. Every method starts at `pos`,
 * leaves `pos` behind the token, and throws JsonScanError where the grammar is broken. The bytes must be valid UTF-8:
 * bytes from 0x80 up are taken as they come inside strings and refused anywhere else.
 */
export class JsonLexer {
  readonly bytes: Buffer;
  pos = 0;
  /** Whether the last string held an escape, and whether it held a `\u` escape. */
  escaped = false;
  unicode = false;
  /** The bytes again, four at a time, from the first that stands on a boundary of four. */
  readonly #words: Int32Array;
  readonly #aligned: number;

  constructor(body: Uint8Array) {
    this.bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#aligned = -body.byteOffset & 3;
    const whole = Math.max(0, body.byteLength - this.#aligned) >> 2;
    this.#words = new Int32Array(body.buffer, whole === 0 ? 0 : body.byteOffset + this.#aligned, whole);
  }

  fail(reason: string, offset = this.pos): never {
    throw new JsonScanError(offset < this.bytes.length ? reason : 'the JSON ends too early', offset);
  }

  /** The byte at `offset`, or -1 behind the end. */
  at(offset: number): number {
    return this.bytes[offset] ?? -1;
  }

  /** Skips white space and gives the byte that follows, or -1 at the end. RFC 8259 section 2 knows four kinds only. */
  next(): number {
    const { bytes } = this;
    while (this.pos < bytes.length) {
      const byte = bytes[this.pos] as number;
      if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) return byte;
      this.pos++;
    }
    return -1;
  }

  string(): void {
    const { bytes } = this;
    const end = bytes.length;
    this.escaped = false;
    this.unicode = false;
    let i = this.pos + 1;
    for (;;) {
      while (i < end && PLAIN[bytes[i] as number] === 1) {
        i++;
        if (((i - this.#aligned) & 3) === 0) i = this.#plainWords(i);
      }
      if (i >= end) this.fail('a string is not closed', end);
      const byte = bytes[i] as number;
      if (byte === QUOTE) break;
      if (byte !== BACKSLASH) this.fail('a string holds a raw control character', i);
      this.escaped = true;
      i += i + 1 < end && SHORT_ESCAPES[bytes[i + 1] as number] === 1 ? 2 : this.#unicodeEscape(i);
    }
    this.pos = i + 1;
  }

  /** From a boundary of four, skips words of plain bytes alone: most of a body is text. */
  #plainWords(from: number): number {
    const words = this.#words;
    let at = (from - this.#aligned) >> 2;
    while (at < words.length) {
      const word = words[at] as number;
      const quote = word ^ QUOTES;
      const backslash = word ^ BACKSLASHES;
      // A byte is zero, or under a space, where subtracting borrows from its highest bit and that bit was not set. A borrow that
      // goes on may mark the byte above it too, never one in a word without such a byte.
      const odd = ((quote - ONES) & ~quote) | ((backslash - ONES) & ~backslash) | ((word - SPACES) & ~word);
      if ((odd & HIGH) !== 0) break;
      at++;
    }
    return (at << 2) + this.#aligned;
  }

  /** Checks a `\u` escape and gives its length. */
  #unicodeEscape(start: number): number {
    if (this.at(start + 1) !== 0x75) this.fail('a string holds an escape that JSON does not have', start + 1);
    for (let i = start + 2; i < start + 6; i++) {
      if (HEX[this.at(i)] !== 1) this.fail('a \\u escape lacks its four hexadecimal digits', i);
    }
    this.unicode = true;
    return 6;
  }

  number(): void {
    if (this.at(this.pos) === 0x2d) this.pos++;
    // A leading zero stands alone: where 010 is allowed at all, some read eight and some read ten.
    if (this.at(this.pos) === 0x30) this.pos++;
    else this.#digits();
    if (this.at(this.pos) === 0x2e) {
      this.pos++;
      this.#digits();
    }
    if ((this.at(this.pos) | 0x20) === 0x65) {
      this.pos++;
      const sign = this.at(this.pos);
      if (sign === 0x2b || sign === 0x2d) this.pos++;
      this.#digits();
    }
  }

  #digits(): void {
    const start = this.pos;
    let i = start;
    for (let byte = this.at(i); byte >= 0x30 && byte <= 0x39; byte = this.at(i)) i++;
    if (i === start) this.fail('a number is malformed');
    this.pos = i;
  }

  word(word: keyof typeof WORDS): void {
    const expected = WORDS[word];
    for (let i = 0; i < expected.length; i++) {
      if (this.at(this.pos + i) !== expected[i]) this.fail('a word is not true, false or null', this.pos + i);
    }
    this.pos += expected.length;
  }
}
