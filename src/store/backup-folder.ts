/** File work that backups and restores share. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../kernel/sync.ts';

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Every name below a folder, relative, with `/`; folders end in `/`. Links are named, not followed. */
export async function namesBelow(dir: string, prefix = ''): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await readdir(join(dir, prefix), { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) names.push(`${name}/`, ...(await namesBelow(dir, `${name}/`)));
    else names.push(name);
  }
  return names;
}

/** Syncs every folder below and including `dir`. */
export async function syncFolders(dir: string): Promise<void> {
  for (const name of await namesBelow(dir)) if (name.endsWith('/')) await syncFolder(join(dir, name));
  await syncFolder(dir);
}

/** `20260301T120000Z`, for names of files. */
export function stamp(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
}
