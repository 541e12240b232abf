import { randomFillSync } from 'node:crypto';

/** Drawn at once: asking the system for ten bytes costs as much as for thousands. */
const PAGE = 4096;

const page = Buffer.alloc(PAGE);
let used = PAGE;

/**
 * `count` random bytes (at most 4096) of the system's generator, for ids. The view is good until the next call. Not for secrets: they
 * would lie in memory before they are needed.
 */
export function someRandomBytes(count: number): Uint8Array {
  if (used + count > PAGE) {
    randomFillSync(page);
    used = 0;
  }
  used += count;
  return page.subarray(used - count, used);
}

/** The same as lower-case hex digits, two a byte. */
export function someRandomHex(count: number): string {
  someRandomBytes(count);
  return page.toString('hex', used - count, used);
}
