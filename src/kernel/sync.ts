import { open } from 'node:fs/promises';

/** Resolves when the content of a file is on the disk. */
export async function syncFile(path: string): Promise<void> {
  // Windows syncs only what was opened for writing.
  await sync(path, 'r+');
}

/** Resolves when the names in a folder are on the disk. Windows cannot open a folder and needs no such step. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform !== 'win32') await sync(path, 'r');
}

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
