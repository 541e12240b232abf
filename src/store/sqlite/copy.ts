import { open, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Kysely, sql } from 'kysely';
import { syncFile, syncFolder } from '../../kernel/sync.ts';
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
    await syncFile(path);
  } catch (error) {
    await unlink(path);
    throw error;
  }
  // The new name itself must survive a power cut.
  await syncFolder(dirname(path));
}
