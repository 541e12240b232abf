import { hash } from 'node:crypto';
import type { JournalRecord, JsonObject, RecordKind } from './records.ts';

/** What the very first record names as its predecessor. */
export const ZERO_HASH = '0'.repeat(64);
/** The longest line, newline not counted. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Room for `{"seq":…,"prev":"…",` in front of a line's rest. */
const PREFIX_BYTES = 128;
const RESERVED = ['seq', 'prev', 'id', 'at', 'kind'] as const;

/** SHA-256 of a line's bytes without the newline, lower-case hex. */
export function hashOf(line: Uint8Array): string {
  return hash('sha256', line, 'hex');
}

/**
 * Everything of a line after seq and prev. Made when the record is handed over, so that a later change of the body by its author
 * changes nothing.
 *
 * @throws TypeError for a body that sets one of the writer's own fields, RangeError for one that is too large
 */
export function restOfLine(head: { id: string; at: string; kind: RecordKind }, body: JsonObject): string {
  for (const name of RESERVED) {
    if (Object.hasOwn(body, name)) throw new TypeError(`a record's body must not set "${name}": the journal does`);
  }
  // JavaScript moves such keys to the front of an object: the line would no longer be what parsing and printing it gives.
  if (Object.keys(body).some((name) => /^\d+$/.test(name)))
    throw new TypeError("a record's fields must not be numbers");
  const inner = JSON.stringify(body);
  if (typeof inner !== 'string' || !inner.startsWith('{')) throw new TypeError("a record's body must be an object");
  const own = JSON.stringify({ id: head.id, at: head.at, kind: head.kind });
  const rest = inner === '{}' ? own.slice(1) : `${own.slice(1, -1)},${inner.slice(1)}`;
  const bytes = Buffer.byteLength(rest) + PREFIX_BYTES;
  if (bytes > MAX_LINE_BYTES) throw new RangeError(`a record of ${bytes} bytes is larger than ${MAX_LINE_BYTES}`);
  return rest;
}

/** The line without its newline: what JSON.stringify gives for the whole record. */
export function lineOf(seq: number, prev: string, rest: string): Buffer {
  return Buffer.from(`{"seq":${seq},"prev":"${prev}",${rest}`);
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The sequence number a line starts with, without parsing the line; NaN when it starts with something else. */
export function seqOfLine(line: Buffer): number {
  const match = /^\{"seq":(\d{1,15}),/.exec(line.toString('latin1', 0, 32));
  return match ? Number(match[1]) : Number.NaN;
}

/**
 * Reads a line back.
 *
 * @throws Error with a plain sentence for anything that is not a record
 */
export function parseLine(line: Buffer): JournalRecord {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(line));
  } catch {
    throw new Error('the line is not JSON in UTF-8');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('the line is not an object');
  const { seq, prev, id, at, kind } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(seq) || seqOfLine(line) !== seq)
    throw new Error('the line does not start with its sequence number');
  if (typeof prev !== 'string' || typeof id !== 'string' || typeof at !== 'string' || typeof kind !== 'string') {
    throw new Error('the line lacks one of prev, id, at, kind');
  }
  return value as JournalRecord;
}
