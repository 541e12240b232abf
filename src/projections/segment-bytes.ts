/**
 * Reads segment files of the journal by position: from an offset onwards, from the end backwards, or at a sequence number.
 * Synchronous on purpose: it runs in a worker of its own, and one message at a time keeps the views simple.
 */
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { seqOfLine } from '../journal/line.ts';
import { type SegmentName, segmentsAmong } from '../journal/names.ts';

/** The bytes of a segment, plain or inflated. */
export interface SegmentBytes {
  readonly size: number;
  /** Up to `length` bytes from `offset`; shorter at the end. */
  read(offset: number, length: number): Buffer;
  close(): void;
}

/** One line without its newline; `end` is the offset after the newline. */
export interface Line {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
}

const CHUNK = 256 * 1024;
const NEWLINE = 10;
/** A sealed segment that inflates to more than this was not written by Gatehouse. */
const MAX_INFLATED = 2 ** 30;

/** The segments of a writer, oldest first. Empty when the folder does not exist yet. */
export function segmentsOf(journalDir: string, writer: string): SegmentName[] {
  const folder = join(journalDir, writer);
  return segmentsAmong(folder, namesIn(folder));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Opens a segment; throws `ENOENT` when it was compressed or retired since it was listed. */
export function openSegment({ path, compressed }: Pick<SegmentName, 'path' | 'compressed'>): SegmentBytes {
  if (compressed) {
    const whole = inflated(path);
    return { size: whole.length, read: (offset, length) => whole.subarray(offset, offset + length), close: () => {} };
  }
  const fd = openSync(path, 'r');
  return {
    size: fstatSync(fd).size,
    read(offset, length) {
      const buffer = Buffer.allocUnsafe(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
    },
    close: () => closeSync(fd),
  };
}

/** Opens a segment that may have been compressed since it was listed; null when it was retired. */
export function openIfKept(segment: SegmentName): SegmentBytes | null {
  for (const compressed of segment.compressed ? [true] : [false, true]) {
    const path = compressed && !segment.compressed ? `${segment.path}.gz` : segment.path;
    try {
      return openSegment({ path, compressed });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return null;
}

/** The segment inflated last: a reader pages through one segment many times. */
let last: { readonly path: string; readonly changed: number; readonly whole: Buffer } | null = null;

function inflated(path: string): Buffer {
  const changed = statSync(path).mtimeMs;
  if (last?.path !== path || last.changed !== changed) {
    last = null;
    last = { path, changed, whole: gunzipSync(readFileSync(path), { maxOutputLength: MAX_INFLATED }) };
  }
  return last.whole;
}

/** The first whole line of a segment without inflating the rest; undefined while there is none. */
export function firstLine(segment: SegmentName): Buffer | undefined {
  const bytes = openSegment({ path: segment.path, compressed: false });
  try {
    if (!segment.compressed) return linesFrom(bytes, 0).next().value?.bytes;
    const start = gunzipSync(bytes.read(0, CHUNK), { finishFlush: constants.Z_SYNC_FLUSH });
    const end = start.indexOf(NEWLINE);
    return end === -1 ? undefined : start.subarray(0, end);
  } finally {
    bytes.close();
  }
}

/** Whole lines from `offset` (the start of a line) on. What has no newline yet is still being written and is left out. */
export function* linesFrom(bytes: SegmentBytes, offset: number): Generator<Line, undefined> {
  let start = offset;
  let position = offset;
  let rest: Buffer[] = [];
  while (position < bytes.size) {
    const chunk = bytes.read(position, Math.min(CHUNK, bytes.size - position));
    if (chunk.length === 0) return;
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const tail = chunk.subarray(from, at);
      const line = rest.length === 0 ? tail : Buffer.concat([...rest, tail]);
      rest = [];
      from = at + 1;
      const end = position + from;
      yield { bytes: line, start, end };
      start = end;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    position += chunk.length;
  }
}

/** Whole lines that end at or before `limit` (the start of a line, or the size of the segment), last one first. */
export function* linesBefore(bytes: SegmentBytes, limit: number): Generator<Line, undefined> {
  let position = limit;
  let end: number | null = null;
  let rest: Buffer[] = [];
  while (position > 0) {
    const length = Math.min(CHUNK, position);
    position -= length;
    const chunk = bytes.read(position, length);
    let to = chunk.length;
    for (let at = chunk.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : chunk.lastIndexOf(NEWLINE, at - 1)) {
      if (end !== null) {
        const start = position + at + 1;
        yield { bytes: Buffer.concat([chunk.subarray(at + 1, to), ...rest]), start, end };
      }
      end = position + at + 1;
      rest = [];
      to = at;
    }
    // Nothing is kept of what follows the last newline: that line is not whole.
    if (end !== null) rest = [chunk.subarray(0, to), ...rest];
  }
  if (end !== null) yield { bytes: Buffer.concat(rest), start: 0, end };
}

/** The sequence number at the head of a line. Throws for a line that is none of the journal's. */
export function seqOf(line: Buffer): number {
  const seq = seqOfLine(line);
  if (Number.isNaN(seq)) throw new Error('a line of the journal does not start with its sequence number');
  return seq;
}

/** Offset of the first line whose sequence number is `seq` or more; the end of the whole lines when there is none. */
export function offsetOf(bytes: SegmentBytes, seq: number): number {
  return offsetWhere(bytes, (line) => seqOf(line) >= seq);
}

/**
 * Offset of the first line for which `reached` holds, given that it holds for every line after that one; the end of the whole
 * lines when there is none. Halves the file until the rest is small enough to walk through.
 */
export function offsetWhere(bytes: SegmentBytes, reached: (line: Buffer) => boolean): number {
  let low = 0;
  let high = bytes.size;
  while (high - low > CHUNK) {
    const middle = Math.floor((low + high) / 2);
    const start = lineStartAfter(bytes, middle);
    const line = start === null || start >= high ? undefined : linesFrom(bytes, start).next().value;
    if (line === undefined || reached(line.bytes)) high = middle;
    else low = line.start;
  }
  let end = low;
  for (const line of linesFrom(bytes, low)) {
    if (reached(line.bytes)) return line.start;
    end = line.end;
  }
  return end;
}

function lineStartAfter(bytes: SegmentBytes, offset: number): number | null {
  for (let position = offset; position < bytes.size; position += CHUNK) {
    const at = bytes.read(position, CHUNK).indexOf(NEWLINE);
    if (at !== -1) return position + at + 1;
  }
  return null;
}
