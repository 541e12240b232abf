import type { IncomingMessage } from 'node:http';
import { HungUp } from './outlet.ts';

/** Largest body taken, bytes. Above what the Claude API takes (32 MB), so that a gateway's own limit is what a test sees. */
export const LARGEST_BODY = 40 * 1024 * 1024;

/**
 * The whole body, or undefined when it is larger than LARGEST_BODY; the rest is then discarded as it comes.
 * Rejects with HungUp when the caller hangs up first.
 */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    // Refused on the declared length alone: the caller learns it before it has sent everything.
    if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) resolve(undefined);
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_BODY) {
        chunks.push(chunk);
        return;
      }
      chunks = [];
      resolve(undefined);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', () => reject(new HungUp()));
    request.once('close', () => reject(new HungUp()));
  });
}
