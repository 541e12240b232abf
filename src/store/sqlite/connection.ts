import { chmod, open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { CamelCasePlugin, Kysely } from 'kysely';
import { StoreDamaged } from '../errors.ts';
import { NodeSqliteDialect } from './dialect.ts';
import { inWords, isDamage } from './errors.ts';
import { patiently } from './patience.ts';
import type { Tables } from './schema.ts';

/**
 * Opens (or creates, mode 0600) the database file at `path`; its folder must exist. `:memory:` is allowed. Rejects with
 * StoreDamaged when it is no whole database, StoreUnavailable when it cannot be used now, or the system's error.
 */
export async function connect(path: string): Promise<Kysely<Tables>> {
  if (path !== ':memory:') await makePrivate(path);
  const database = new DatabaseSync(path, {
    // Waiting is ours, see `patiently`.
    timeout: 0,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
  });
  try {
    await patiently(() => {
      configure(database);
      inspect(database, path);
    });
  } catch (error) {
    database.close();
    throw isDamage(error) ? new StoreDamaged(path, (error as Error).message, { cause: error }) : inWords(error);
  }
  return new Kysely<Tables>({ dialect: new NodeSqliteDialect(database), plugins: [new CamelCasePlugin()] });
}

/** SQLite gives its -wal and -shm files the mode of the main file, so that one has to be right before it opens. */
async function makePrivate(path: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  await file.close();
  await chmod(path, 0o600);
}

function configure(database: DatabaseSync): void {
  // Needs the file alone for a moment: two processes that start at once get in each other's way.
  const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
  if (mode !== 'wal' && mode !== 'memory') throw new Error(`this file system offers no WAL mode (got ${mode})`);
  database.exec('PRAGMA synchronous = FULL');
  // Zeros over whatever is deleted: an erased person's name or key must not survive in a free page.
  database.exec('PRAGMA secure_delete = ON');
  // Neither may it lie in a temporary file; a container may have no place for one either.
  database.exec('PRAGMA temp_store = MEMORY');
}

/** A page that is damaged may lie where no query of the start looks, and take keys and rules away without a word. */
function inspect(database: DatabaseSync, path: string): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (found !== 'ok') throw new StoreDamaged(path, String(found).replaceAll(/\s+/g, ' '));
}
