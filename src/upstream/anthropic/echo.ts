import { Refusal } from '../../kernel/errors.ts';

/** A shorter key could stand in any text by chance; real ones are several times as long. */
const LEAST = 16;

/**
 * Keeps the provider's key from a caller even when the provider, or a proxy on the way to it, repeats the request in its answer,
 * as debugging proxies do (P5). Passes all other bytes as they are; what could be the beginning of the key waits for its rest.
 *
 * @throws Refusal `upstream_broken` instead of the piece that would complete the key
 */
export function withoutEcho(body: AsyncIterable<Uint8Array>, key: string): AsyncIterable<Uint8Array> {
  const secret = Buffer.from(key);
  return secret.length < LEAST ? body : watched(body, secret);
}

/** @throws Refusal `upstream_broken` when a header repeats the key */
export function refuseEcho(rawHeaders: readonly string[], key: string): void {
  if (key.length >= LEAST && rawHeaders.some((text) => text.includes(key))) throw repeated();
}

async function* watched(body: AsyncIterable<Uint8Array>, secret: Buffer): AsyncGenerator<Uint8Array> {
  let held = Buffer.alloc(0);
  for await (const piece of body) {
    const bytes = Buffer.from(piece.buffer as ArrayBuffer, piece.byteOffset, piece.byteLength);
    const chunk = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (chunk.includes(secret)) throw repeated();
    const end = chunk.length - beginningAtEnd(chunk, secret);
    held = chunk.subarray(end);
    if (end > 0) yield chunk.subarray(0, end);
  }
  if (held.length > 0) yield held;
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
