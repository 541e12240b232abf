import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Kysely, sql } from 'kysely';
import type { Tables } from './schema.ts';

/**
 * Writes a consistent copy to `path` (mode 0600) while the store stays open, and syncs it: VACUUM INTO does not.
 * Rejects with EEXIST when there is a file; a copy that failed is removed.
 */
export async function copyDatabase(db: Kysely<Tables>, path: string): Promise<void> {
  const placeholder = await open(path, 'wx', 0o600);
  await placeholder.close();
  try {
    await sql`vacuum into ${path}`.execute(db);
    await syncPath(path, 'r+');
  } catch (error) {
    await unlink(path);
    throw error;
  }
  // A folder cannot be opened on Windows; elsewhere the new name itself must survive a power cut.
  if (process.platform !== 'win32') await syncPath(dirname(path), 'r');
}

async function syncPath(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
