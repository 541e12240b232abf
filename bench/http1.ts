/**
 * A reader of HTTP/1.1 messages that knows just enough for both ends of the benchmark: a head, then a body by Content-Length
 * or in chunks. A full HTTP client or server would cost more than the gateways that are measured.
 */

export interface MessageHandlers {
  /** The head without its closing empty line, as Latin-1. */
  head(text: string): void;
  /** A piece of the body, without the framing of chunks. */
  body(piece: Buffer): void;
  end(): void;
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const CR = 13;
const LF = 10;

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailer';

export class MessageReader {
  readonly #to: MessageHandlers;
  #state: State = 'head';
  #held: Buffer | null = null;
  /** Bytes of the body, or of this chunk, that have not come yet. */
  #left = 0;
  #line = '';

  constructor(to: MessageHandlers) {
    this.#to = to;
  }

  /** Whether a message has begun and not ended. */
  get inside(): boolean {
    return this.#state !== 'head' || this.#held !== null;
  }

  /** @throws Error when a chunk's size is not a number */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'head') at = this.#head(bytes, at);
      else if (this.#state === 'length' || this.#state === 'data') at = this.#data(bytes, at);
      else at = this.#framing(bytes, at);
    }
  }

  #head(bytes: Buffer, from: number): number {
    const fresh = from === 0 ? bytes : bytes.subarray(from);
    const all = this.#held === null ? fresh : Buffer.concat([this.#held, fresh]);
    const end = all.indexOf(HEAD_END, 0, 'latin1');
    if (end === -1) {
      this.#held = all;
      return bytes.length;
    }
    const held = this.#held?.length ?? 0;
    this.#held = null;
    const text = all.toString('latin1', 0, end);
    this.#to.head(text);
    if (CHUNKED.test(text)) this.#state = 'size';
    else {
      this.#left = Number(LENGTH.exec(text)?.[1] ?? 0);
      this.#state = 'length';
      if (this.#left === 0) this.#finish();
    }
    return from + end + HEAD_END.length - held;
  }

  #data(bytes: Buffer, from: number): number {
    const end = Math.min(bytes.length, from + this.#left);
    this.#to.body(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end));
    this.#left -= end - from;
    if (this.#left === 0) {
      if (this.#state === 'length') this.#finish();
      else this.#state = 'data-end';
    }
    return end;
  }

  #framing(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const byte = bytes[at++];
      if (byte === CR) continue;
      if (byte !== LF) {
        this.#line += String.fromCharCode(byte ?? 0);
        continue;
      }
      const line = this.#line;
      this.#line = '';
      if (this.#state === 'data-end') this.#state = 'size';
      else if (this.#state === 'size') {
        this.#left = Number.parseInt(line, 16);
        if (Number.isNaN(this.#left)) throw new Error(`not the size of a chunk: ${JSON.stringify(line.slice(0, 40))}`);
        this.#state = this.#left === 0 ? 'trailer' : 'data';
        if (this.#left > 0) return at;
      } else if (line === '') {
        this.#finish();
        return at;
      }
    }
    return at;
  }

  #finish(): void {
    this.#state = 'head';
    this.#to.end();
  }
}
