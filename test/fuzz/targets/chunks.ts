import { crc32 } from 'node:zlib';
import { randomOf } from '../engine/random.ts';

/** Ways to cut bytes into chunks, the same for the same bytes: whole, byte by byte where that is short, and two at random. */
export function chunkings(bytes: Buffer): Buffer[][] {
  const random = randomOf(crc32(bytes));
  const cut = (most: number): Buffer[] => {
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random.below(most);
      chunks.push(bytes.subarray(at, at + size));
      at += size;
    }
    return chunks;
  };
  return [[bytes], cut(1 + Math.floor(bytes.length / 3)), bytes.length <= 600 ? cut(1) : cut(40), cut(7)];
}
