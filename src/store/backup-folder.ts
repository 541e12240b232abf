/** File work that backups and restores share. */
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Makes a file's content, or a folder's names, durable. Windows cannot open a folder and needs no such step. */
export async function syncPath(path: string, what: 'file' | 'folder'): Promise<void> {
  if (what === 'folder' && process.platform === 'win32') return;
  const handle = await open(path, what === 'file' ? 'r+' : 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

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
  for (const name of await namesBelow(dir)) if (name.endsWith('/')) await syncPath(join(dir, name), 'folder');
  await syncPath(dir, 'folder');
}

/** `20260301T120000Z`, for names of files. */
export function stamp(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d+/g, '');
}
