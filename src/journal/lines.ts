import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { JournalFile } from './files.ts';
import { MAX_LINE_BYTES } from './line.ts';

const CHUNK_BYTES = 256 * 1024;
const NEWLINE = 10;

export interface Line {
  /** Without the newline; null for a line longer than a record may be, which is skipped without being held. */
  readonly bytes: Buffer | null;
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset of the first byte after it and its newline. */
  readonly end: number;
  /** False for what stands after the last newline. */
  readonly finished: boolean;
}

/** Cuts chunks into lines; `offset` is where the first chunk stands. Holds one line at most. */
export async function* linesOf(chunks: AsyncIterable<Buffer>, offset = 0): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let start = offset;
  const keep = (part: Buffer): void => {
    length += part.length;
    if (length > MAX_LINE_BYTES) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const finish = (finished: boolean): Line => {
    const bytes = length > MAX_LINE_BYTES ? null : parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    const line = { bytes, start, end: start + length + (finished ? 1 : 0), finished };
    start = line.end;
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, to));
      yield finish(true);
      from = to + 1;
    }
    keep(chunk.subarray(from));
  }
  if (length > 0) yield finish(false);
}

/** The bytes of an open file from `offset` to its present end. */
export async function* chunksOfFile(file: Pick<JournalFile, 'read'>, offset = 0): AsyncGenerator<Buffer> {
  for (let position = offset; ; ) {
    const target = Buffer.allocUnsafe(CHUNK_BYTES);
    const got = await file.read(target, position);
    if (got === 0) return;
    position += got;
    yield target.subarray(0, got);
  }
}

/** The bytes of a plain file on disk from `offset` on. */
export async function* chunksOfPlain(path: string, offset = 0): AsyncGenerator<Buffer> {
  const handle = await open(path, 'r');
  try {
    const read = async (target: Uint8Array, position: number): Promise<number> =>
      (await handle.read(target, 0, target.length, position)).bytesRead;
    yield* chunksOfFile({ read }, offset);
  } finally {
    await handle.close();
  }
}

/** The unpacked bytes of a gzip file from the unpacked `offset` on. */
export async function* chunksOfGzip(path: string, offset = 0): AsyncGenerator<Buffer> {
  const unpacked = pipeline(createReadStream(path), createGunzip({ chunkSize: CHUNK_BYTES }), () => {
    // The reader below sees the same error; pipeline only needs somebody to take it.
  });
  let skip = offset;
  for await (const chunk of unpacked as AsyncIterable<Buffer>) {
    if (skip < chunk.length) yield chunk.subarray(skip);
    skip = Math.max(0, skip - chunk.length);
  }
}
