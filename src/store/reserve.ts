import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Room on the disk kept for changes that take something away. A full disk stops every call, but it must not keep anybody from
 * being revoked (P3): the change that finds no room is tried once more after the reserve was given up.
 */
export class DiskReserve {
  readonly #path: string;
  readonly #bytes: number;

  /** `path` of the file that holds the room; `bytes` of it. */
  constructor(path: string, bytes = 1024 * 1024) {
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Takes the room where it is not held and the disk has much more than that. Never rejects: it is a precaution. */
  async hold(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(dirname(this.#path));
      if ((await this.#held()) || bavail * bsize < 4 * this.#bytes) return;
      const file = await open(this.#path, 'w', 0o600);
      try {
        // Written, not only sized: a hole takes no room. (On a file system that compresses, zeros take none either.)
        await file.writeFile(Buffer.alloc(this.#bytes));
        await file.sync();
      } finally {
        await file.close();
      }
    } catch {
      await rm(this.#path, { force: true }).catch(() => undefined);
    }
  }

  /** Gives the room up. True when there was some. */
  async release(): Promise<boolean> {
    const held = await this.#held();
    await rm(this.#path, { force: true });
    return held;
  }

  async #held(): Promise<boolean> {
    return stat(this.#path).then(
      ({ size }) => size === this.#bytes,
      () => false,
    );
  }
}
