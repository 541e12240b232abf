import { chmod, open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { CamelCasePlugin, Kysely } from 'kysely';
import { NodeSqliteDialect } from './dialect.ts';
import { isBusy } from './errors.ts';
import type { Tables } from './schema.ts';

/** How long a statement waits for another process's lock, milliseconds. */
export const BUSY_TIMEOUT = 5000;
const WAL_ATTEMPTS = 20;
const WAL_PAUSE = 100;

/**
 * Opens (or creates, mode 0600) the database file at `path`; its folder must exist. `:memory:` is allowed. Rejects with
 * the system's or SQLite's error.
 */
export async function connect(path: string): Promise<Kysely<Tables>> {
  if (path !== ':memory:') await makePrivate(path);
  const database = new DatabaseSync(path, {
    timeout: BUSY_TIMEOUT,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
  });
  try {
    await configure(database);
  } catch (error) {
    database.close();
    throw error;
  }
  return new Kysely<Tables>({ dialect: new NodeSqliteDialect(database), plugins: [new CamelCasePlugin()] });
}

/** SQLite gives its -wal and -shm files the mode of the main file, so that one has to be right before it opens. */
async function makePrivate(path: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  await file.close();
  await chmod(path, 0o600);
}

async function configure(database: DatabaseSync): Promise<void> {
  await enterWal(database);
  database.exec('PRAGMA synchronous = FULL');
  // Zeros over whatever is deleted: an erased person's name or key must not survive in a free page.
  database.exec('PRAGMA secure_delete = ON');
}

/** Entering WAL needs the file alone for a moment, and SQLite does not wait for that when two processes start at once. */
async function enterWal(database: DatabaseSync): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
      if (mode !== 'wal' && mode !== 'memory') throw new Error(`this file system offers no WAL mode (got ${mode})`);
      return;
    } catch (error) {
      if (!isBusy(error) || attempt === WAL_ATTEMPTS) throw error;
      await sleep(WAL_PAUSE);
    }
  }
}
