import { Refusal } from '../../kernel/errors.ts';
import type { Screen } from '../answering.ts';

/** A shorter key could stand in any text by chance; real ones are several times as long. */
const LEAST = 16;

/**
 * Keeps the provider's key from a caller even when the provider, or a proxy on the way to it, repeats the request in its answer,
 * as debugging proxies do (P5). Passes all other bytes as they are; what could be the beginning of the key waits for its rest.
 * `push` throws Refusal `upstream_broken` instead of passing the piece that would complete the key.
 */
export class EchoScreen implements Screen {
  readonly #secret: Buffer;
  #held: Buffer | null = null;

  constructor(key: string) {
    this.#secret = Buffer.from(key);
  }

  push(piece: Buffer): Buffer | null {
    const secret = this.#secret;
    if (secret.length < LEAST) return piece;
    const chunk = this.#held === null ? piece : Buffer.concat([this.#held, piece]);
    if (chunk.includes(secret)) throw repeated();
    const end = chunk.length - beginningAtEnd(chunk, secret);
    this.#held = end === chunk.length ? null : chunk.subarray(end);
    if (end === 0) return null;
    return end === chunk.length ? chunk : chunk.subarray(0, end);
  }

  end(): Buffer | null {
    return this.#held;
  }
}

/** @throws Refusal `upstream_broken` when a header repeats the key */
export function refuseEcho(rawHeaders: readonly string[], key: string): void {
  if (key.length >= LEAST && rawHeaders.some((text) => text.includes(key))) throw repeated();
}

/** How many bytes at the end of `chunk` are a beginning of `secret`; at most all but one of it. */
function beginningAtEnd(chunk: Buffer, secret: Buffer): number {
  const first = secret[0] ?? 0;
  let at = chunk.indexOf(first, Math.max(0, chunk.length - secret.length + 1));
  while (at !== -1 && !secret.subarray(0, chunk.length - at).equals(chunk.subarray(at))) {
    at = chunk.indexOf(first, at + 1);
  }
  return at === -1 ? 0 : chunk.length - at;
}

function repeated(): Refusal {
  const reason = 'it repeats the credential it was sent';
  return new Refusal('upstream_broken', { fields: { reason }, detail: reason });
}
