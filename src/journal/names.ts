import { join } from 'node:path';

/** A segment on disk. */
export interface SegmentName {
  /** First sequence number in twelve digits. */
  readonly name: string;
  readonly first: number;
  readonly path: string;
  readonly compressed: boolean;
}

/** Name of a segment: its first sequence number in twelve digits. */
export function segmentName(first: number): string {
  return String(first).padStart(12, '0');
}

const SEGMENT = /^(\d{12})\.jsonl(\.gz)?$/;

/** The segments among a folder's files, oldest first. Where a plain and a packed file stand side by side, the plain one counts. */
export function segmentsAmong(folder: string, files: readonly string[]): SegmentName[] {
  const found = new Map<string, SegmentName>();
  for (const file of files) {
    const match = SEGMENT.exec(file);
    const name = match?.[1];
    if (name === undefined) continue;
    const compressed = match?.[2] !== undefined;
    if (compressed && found.has(name)) continue;
    found.set(name, { name, first: Number(name), path: join(folder, file), compressed });
  }
  return [...found.values()].sort((a, b) => a.first - b.first);
}

/** Checks a writer's name: it becomes a folder. */
export function writerName(writer: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/i.test(writer)) throw new TypeError(`"${writer}" cannot name a journal's writer`);
  return writer;
}
