import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/**
 * Claims a writer's folder for this process: an exclusive transaction held open on a small database file, which the kernel
 * releases when the process ends, however it ends. Two writers in one folder would fork the chain.
 *
 * Nothing in this process may open and close `lock.db` by another way: POSIX drops a process's locks on a file when any of its
 * descriptors for it is closed.
 *
 * @returns the release
 * @throws Error when another process, or another journal of this one, holds it
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'lock.db');
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // In memory: nothing is ever written, so there is nothing to leave behind.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new Error(`the journal in ${folder} is in use by another running Gatehouse (it holds ${path})`, { cause });
  }
  return () => {
    if (database.isOpen) database.close();
  };
}
