import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises';
import { syncFolder } from '../kernel/sync.ts';
import { lockFolder } from './lock.ts';

/** One open file, as the journal uses it. Every method may fail with an error that carries `code`, such as ENOSPC. */
export interface JournalFile {
  /** Writes at `position`; returns how many bytes were taken, which may be fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Fills `target` from `position`; returns how many bytes came, 0 at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** Returns when the content is on the disk. */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** The file system, as the writer and its recovery use it. Tests inject faults here. */
export interface JournalFiles {
  /** Opens for reading and writing; `fresh` creates the file, or empties it when it is there. */
  open(path: string, how: 'existing' | 'fresh'): Promise<JournalFile>;
  /** Makes the names in this folder durable. */
  syncFolder(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** Claims the folder for this process alone; returns the release. */
  lock(path: string): Promise<() => void>;
}

function wrap(handle: FileHandle): JournalFile {
  return {
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
    read: async (target, position) => (await handle.read(target, 0, target.length, position)).bytesRead,
    datasync: () => handle.datasync(),
    truncate: (length) => handle.truncate(length),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

/** The real file system. Files are readable by their owner only: the trail says who did what. */
export const realFiles: JournalFiles = {
  open: async (path, how) => wrap(await open(path, how === 'fresh' ? 'w+' : 'r+', 0o600)),
  syncFolder,
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  list: (path) => readdir(path),
  lock: async (path) => lockFolder(path),
};
