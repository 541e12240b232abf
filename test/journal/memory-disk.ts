import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { JournalFile, JournalFiles } from '../../src/journal/files.ts';

export type Operation = 'open' | 'write' | 'read' | 'datasync' | 'truncate' | 'syncFolder';
/** What happens instead: an error, or only so many bytes taken, (for `torn`) so many bytes written and then an error, or (for `late`) all of it done and then an error. */
export type Fault =
  | { error: string }
  | { short: number }
  | { torn: number }
  | { wait: Promise<unknown> }
  | { late: string }
  | null;

interface Inode {
  current: Buffer;
  durable: Buffer;
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** A file system in memory that knows what a power cut would leave. */
export class MemoryDisk implements JournalFiles {
  names = new Map<string, Inode>();
  durableNames = new Map<string, Inode>();
  readonly locked = new Set<string>();
  readonly counts: Record<Operation, number> = { open: 0, write: 0, read: 0, datasync: 0, truncate: 0, syncFolder: 0 };
  /** Asked before every operation. */
  fault: (operation: Operation, path: string) => Fault = () => null;

  async #before(operation: Operation, path: string): Promise<Fault> {
    this.counts[operation]++;
    const fault = this.fault(operation, path);
    if (fault !== null && 'wait' in fault) await fault.wait;
    // Real operations return in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    if (fault !== null && 'error' in fault) throw systemError(fault.error);
    return fault;
  }

  async open(path: string, how: 'existing' | 'fresh'): Promise<JournalFile> {
    await this.#before('open', path);
    let inode = this.names.get(path);
    if (inode === undefined) {
      if (how === 'existing') throw systemError('ENOENT');
      inode = { current: Buffer.alloc(0), durable: Buffer.alloc(0) };
      this.names.set(path, inode);
    } else if (how === 'fresh') inode.current = Buffer.alloc(0);
    return this.#file(path, inode);
  }

  #file(path: string, inode: Inode): JournalFile {
    return {
      write: async (bytes, position) => {
        const fault = await this.#before('write', path);
        const limit =
          fault === null ? bytes.length : 'short' in fault ? fault.short : 'torn' in fault ? fault.torn : bytes.length;
        const part = bytes.subarray(
          0,
          Math.max(fault !== null && 'short' in fault ? 1 : 0, Math.min(limit, bytes.length)),
        );
        const grown = Buffer.alloc(Math.max(inode.current.length, position + part.length));
        inode.current.copy(grown);
        grown.set(part, position);
        inode.current = grown;
        if (fault !== null && 'torn' in fault) throw systemError('ENOSPC');
        return part.length;
      },
      read: async (target, position) => {
        await this.#before('read', path);
        return inode.current.copy(target, 0, position);
      },
      datasync: async () => {
        const fault = await this.#before('datasync', path);
        inode.durable = Buffer.from(inode.current);
        if (fault !== null && 'late' in fault) throw systemError(fault.late);
      },
      truncate: async (length) => {
        await this.#before('truncate', path);
        inode.current = Buffer.concat([inode.current.subarray(0, length)], length);
      },
      size: async () => inode.current.length,
      close: async () => undefined,
    };
  }

  async syncFolder(path: string): Promise<void> {
    await this.#before('syncFolder', path);
    for (const [name, inode] of this.names) if (dirname(name) === path) this.durableNames.set(name, inode);
  }

  async makeFolder(): Promise<void> {}

  async list(path: string): Promise<string[]> {
    return [...this.names.keys()].filter((name) => dirname(name) === path).map((name) => basename(name));
  }

  async lock(path: string): Promise<() => void> {
    if (this.locked.has(path)) throw new Error('in use');
    this.locked.add(path);
    return () => this.locked.delete(path);
  }

  /** The disk as a killed process leaves it: everything written is there. */
  afterKill(): MemoryDisk {
    const next = new MemoryDisk();
    for (const [name, inode] of this.names) {
      const copy = { current: Buffer.from(inode.current), durable: inode.durable };
      next.names.set(name, copy);
      if (this.durableNames.get(name) === inode) next.durableNames.set(name, copy);
    }
    return next;
  }

  /**
   * The disk as a power cut leaves it: what was synced, and of the rest whatever `choose` (0 ≤ x < 1) says: nothing, or some prefix
   * of what was appended. A name that was not synced may be gone.
   */
  afterPowerCut(choose: () => number): MemoryDisk {
    const next = new MemoryDisk();
    for (const [name, inode] of this.names) {
      if (this.durableNames.get(name) !== inode && choose() < 0.5) continue;
      const { current, durable } = inode;
      const grew = current.length > durable.length && current.subarray(0, durable.length).equals(durable);
      const kept = grew ? durable.length + Math.floor(choose() * (current.length - durable.length + 1)) : 0;
      const content = grew ? current.subarray(0, kept) : choose() < 0.5 ? current : durable;
      next.names.set(name, { current: Buffer.from(content), durable: Buffer.from(content) });
    }
    next.durableNames = new Map(next.names);
    return next;
  }

  /** The lines of all segments, in order. */
  lines(): string[] {
    const names = [...this.names.keys()].filter((name) => name.endsWith('.jsonl')).sort();
    return names.flatMap((name) => (this.names.get(name)?.current.toString() ?? '').split('\n').slice(0, -1));
  }

  /** Copies everything to a real folder, for the verifier. */
  async dump(dir: string): Promise<void> {
    for (const [name, { current }] of this.names) {
      const path = join(dir, basename(dirname(name)), basename(name));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, current);
    }
  }
}
