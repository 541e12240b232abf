import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { failpoint } from '../kernel/failpoints.ts';
import { syncFile, syncFolder } from '../kernel/sync.ts';
import { listSegments } from './read.ts';
import type { Head } from './records.ts';

/**
 * Packs every segment before the one being written. The packed copy is read back and compared before the plain one goes, and takes
 * its final name only when it is whole. Streams; runs in the thread pool.
 *
 * @param head the running writer's head; its segment is left alone
 * @returns names of the segments packed
 * @throws Error when a copy does not read back as it was; the plain segment then stays
 */
export async function compressSealed(dir: string, head: Head): Promise<string[]> {
  const done: string[] = [];
  await removeAsides(join(dir, head.writer));
  for (const segment of await listSegments(dir, head.writer)) {
    if (segment.compressed || segment.name >= head.segment) continue;
    await compressFile(segment.path);
    done.push(segment.name);
  }
  return done;
}

async function compressFile(path: string): Promise<void> {
  const aside = `${path}.gz.part`;
  const original = createHash('sha256');
  await pipeline(
    createReadStream(path),
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        original.update(chunk);
        yield chunk;
      }
    },
    createGzip(),
    createWriteStream(aside, { mode: 0o600 }),
  );
  await syncFile(aside);
  const copy = createHash('sha256');
  await pipeline(createReadStream(aside), createGunzip(), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) copy.update(chunk);
  });
  if (copy.digest('hex') !== original.digest('hex')) {
    await rm(aside, { force: true });
    throw new Error(`${path} does not unpack to what was packed`);
  }
  failpoint('pack.copied');
  await rename(aside, `${path}.gz`);
  await syncFolder(dirname(path));
  failpoint('pack.renamed');
  await rm(path);
  await syncFolder(dirname(path));
}

/** What a crash left half packed. */
async function removeAsides(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith('.jsonl.gz.part')) await rm(join(folder, name), { force: true });
  }
}
