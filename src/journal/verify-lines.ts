import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';

/** Part of the offline verifier, which shares no code with the writer. */

/** A line longer than this is no record; it is skipped without being held. */
const LONGEST_LINE = 16 * 1024 * 1024;
/** A packed segment that unpacks to more than this is not one of ours. */
export const LONGEST_SEGMENT = 1024 * 1024 * 1024;

export interface RawLine {
  /** Counted from 1. */
  readonly number: number;
  /** Null when it is longer than any record. */
  readonly bytes: Buffer | null;
  readonly length: number;
  /** False for bytes behind the last newline. */
  readonly finished: boolean;
}

/** The lines of a segment file, plain or gzip. Holds one line. Throws an Error with a plain sentence for what cannot be read. */
export async function* rawLines(path: string, longest = LONGEST_SEGMENT): AsyncGenerator<RawLine> {
  let held: Buffer[] = [];
  let length = 0;
  let number = 0;
  const cut = (finished: boolean): RawLine => {
    const bytes = length > LONGEST_LINE ? null : Buffer.concat(held);
    const line = { number: ++number, bytes, length, finished };
    held = [];
    length = 0;
    return line;
  };
  for await (const chunk of path.endsWith('.gz') ? unpack(path, longest) : createReadStream(path)) {
    const bytes = chunk as Buffer;
    let from = 0;
    while (from <= bytes.length) {
      const newline = bytes.indexOf(0x0a, from);
      const part = bytes.subarray(from, newline < 0 ? bytes.length : newline);
      length += part.length;
      if (length > LONGEST_LINE) held = [];
      else if (part.length > 0) held.push(part);
      if (newline < 0) break;
      yield cut(true);
      from = newline + 1;
    }
  }
  if (length > 0) yield cut(false);
}

/** Unpacks a gzip file: bounded, and without accepting anything behind it or in its header that does not belong there. */
async function* unpack(path: string, longest: number): AsyncGenerator<Buffer> {
  const { size } = await lstat(path);
  const source = createReadStream(path);
  const gunzip = createGunzip();
  const unpacked = pipeline(source, gunzip, () => {
    // Whoever reads gets the error too.
  });
  let total = 0;
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > longest) throw new Error(`the file unpacks to more than ${longest} bytes`);
      yield chunk;
    }
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  if (gunzip.bytesWritten !== size) throw new Error('there are bytes behind the packed segment');
}

/** Null for a regular file, else why it cannot be a segment. Opening a pipe would wait for ever; a link may lead anywhere. */
export async function notAFile(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => null);
  if (stats === null) return 'the file cannot be found any more';
  return stats.isFile() ? null : 'this is not a regular file';
}
