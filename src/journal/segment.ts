import { join } from 'node:path';
import { failpoint } from '../kernel/failpoints.ts';
import type { JournalFile, JournalFiles } from './files.ts';
import { hashOf } from './line.ts';
import { segmentName } from './names.ts';

/** Written past the end and cut off again, to learn whether the disk takes bytes before promising anything. */
const PROBE = new Uint8Array(64 * 1024);

/** Writes all of `bytes` at `position`, however few the system takes at a time. */
export async function writeAll(file: JournalFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const taken = await file.write(bytes.subarray(done), position + done);
    if (taken <= 0) throw new Error('the file system took no bytes');
    done += taken;
  }
}

/** The segment that is being written. `size` is how much of it holds records that were acknowledged. */
export class SegmentFile {
  readonly name: string;
  readonly path: string;
  /** Milliseconds since the epoch at which it was opened. */
  readonly openedAt: number;
  size: number;
  sealed = false;
  #file: JournalFile;
  #lastLine: number;
  readonly #files: JournalFiles;

  constructor(place: Place, file: JournalFile, state: { size: number; lastLine: number; openedAt: number }) {
    this.name = segmentName(place.first);
    this.path = segmentPath(place.folder, place.first);
    this.openedAt = state.openedAt;
    this.size = state.size;
    this.#lastLine = state.lastLine;
    this.#file = file;
    this.#files = place.files;
  }

  /** Writes behind the acknowledged part, and syncs when asked; counts as part of the segment only after `commit`. */
  async write(bytes: Uint8Array, sync: boolean): Promise<void> {
    failpoint('journal.before-write');
    await writeAll(this.#file, bytes, this.size);
    failpoint('journal.before-sync');
    if (sync) await this.#file.datasync();
    failpoint('journal.after-sync');
  }

  commit(bytes: number, lastLine: number): void {
    this.size += bytes;
    this.#lastLine = lastLine;
  }

  /** Cuts off what was written without being acknowledged, durably. Behind a seal there is nothing. */
  async cutBack(): Promise<void> {
    if (this.sealed) return;
    await this.#file.truncate(this.size);
    await this.#file.datasync();
  }

  /**
   * Makes the file trustworthy after an error. A descriptor whose sync failed may report success from then on without having
   * written anything, so the file is opened afresh, its acknowledged end compared, the rest cut off, and the disk tried.
   *
   * @param hash what the last acknowledged line must hash to
   */
  async repair(hash: string): Promise<void> {
    await this.#file.close().catch(() => undefined);
    this.#file = await this.#files.open(this.path, 'existing');
    const line = Buffer.alloc(this.#lastLine);
    const start = this.size - this.#lastLine - 1;
    for (let done = 0; done < line.length; ) {
      const got = await this.#file.read(line.subarray(done), start + done);
      if (got === 0) throw new Error(`${this.path} is shorter than what was acknowledged`);
      done += got;
    }
    if (hashOf(line) !== hash) throw new Error(`the last acknowledged record of ${this.path} reads back differently`);
    await this.cutBack();
    await writeAll(this.#file, PROBE, this.size);
    await this.#file.datasync();
    await this.cutBack();
  }

  /** Syncs whatever the durability mode left to the system. */
  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export interface Place {
  readonly files: JournalFiles;
  readonly folder: string;
  /** Sequence number of the segment's first record. */
  readonly first: number;
}

/** Path of a segment that is not compressed. */
function segmentPath(folder: string, first: number): string {
  return join(folder, `${segmentName(first)}.jsonl`);
}

/**
 * Creates a segment with its first line, durably, name included. A file of that name can only be what an earlier attempt left:
 * nothing in it was acknowledged.
 *
 * @param line the `segment.open` line with its newline
 */
export async function createSegment(place: Place, line: Uint8Array, openedAt: number): Promise<SegmentFile> {
  const file = await place.files.open(segmentPath(place.folder, place.first), 'fresh');
  try {
    await writeAll(file, line, 0);
    await file.datasync();
    failpoint('journal.segment-written');
    await place.files.syncFolder(place.folder);
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  return new SegmentFile(place, file, { size: line.length, lastLine: line.length - 1, openedAt });
}
