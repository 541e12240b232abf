import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing, each with mode 0700. Rejects with the system's error where one cannot be
 * made. Node's own `recursive` tries for ever where the system says of a new folder that its parent is missing, as /proc does.
 *
 * @param path absolute
 */
export async function makeFolders(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = path; at !== dirname(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) {
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      // Also where it exists but may not be written, or lies on a disk that is read-only: the next step will say so.
      if (!['EEXIST', 'EISDIR', 'EROFS', 'EACCES', 'EPERM'].includes(error.code ?? '')) throw error;
    });
  }
}
