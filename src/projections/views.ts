/** The database of the views. Nothing in it is precious: it is dropped and replayed whenever it does not fit the journal. */
import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { ZERO_HASH } from '../journal/line.ts';
import type { JournalRecord } from '../journal/records.ts';
import {
  extensionOf,
  KEY_COLUMNS,
  type OpenIntent,
  openIntentOf,
  outcomeEntry,
  refusalEntry,
  SUMS,
  type UsageKey,
  UsageSheet,
  type UsageSums,
} from './tally.ts';

/** The last record the views contain. */
export interface Cursor {
  readonly seq: number;
  /** SHA-256 of its line; 64 zeros before the first record. */
  readonly hash: string;
  /** Records applied since the views were last empty or opened with balances. */
  readonly records: number;
}

/** Raised with the schema; a database of another version is dropped and built again. */
const VERSION = 2;

const INTENT_COLUMNS = [
  'id',
  'who',
  'key',
  'team',
  'model',
  'action',
  'day',
  'cost_center',
] as const satisfies readonly (keyof OpenIntent)[];

/** The largest whole number that JavaScript holds exactly: a sum beyond it is refused, never rounded. */
const MOST = Number.MAX_SAFE_INTEGER;

const SCHEMA = `
  CREATE TABLE cursor (only INTEGER PRIMARY KEY CHECK (only = 1), seq INTEGER NOT NULL, hash TEXT NOT NULL, records INTEGER NOT NULL) STRICT;
  CREATE TABLE intents (${INTENT_COLUMNS.map((name) => `${name} TEXT NOT NULL`).join(', ')}, reserved INTEGER NOT NULL,
    PRIMARY KEY (id)) STRICT, WITHOUT ROWID;
  CREATE TABLE usage_daily (${KEY_COLUMNS.map((name) => `${name} TEXT NOT NULL`).join(', ')},
    ${SUMS.map((name) => `${name} INTEGER NOT NULL CHECK (${name} BETWEEN 0 AND ${MOST})`).join(', ')},
    PRIMARY KEY (${KEY_COLUMNS.join(', ')})) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${VERSION};
`;

export class Views {
  readonly database: DatabaseSync;
  readonly #addUsage: StatementSync;
  readonly #addIntent: StatementSync;
  readonly #takeIntent: StatementSync;
  readonly #extend: StatementSync;
  readonly #setCursor: StatementSync;

  constructor(database: DatabaseSync) {
    this.database = database;
    this.#addUsage = database.prepare(
      `INSERT INTO usage_daily VALUES (${[...KEY_COLUMNS, ...SUMS].map(() => '?').join(', ')})
       ON CONFLICT DO UPDATE SET ${SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`,
    );
    this.#addIntent = database.prepare('INSERT OR REPLACE INTO intents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#extend = database.prepare('UPDATE intents SET reserved = ? WHERE id = ?');
    this.#takeIntent = database.prepare('DELETE FROM intents WHERE id = ? RETURNING *');
    this.#setCursor = database.prepare('INSERT OR REPLACE INTO cursor VALUES (1, ?, ?, ?)');
  }

  get cursor(): Cursor {
    const row = this.database.prepare('SELECT seq, hash, records FROM cursor').get();
    return row === undefined ? { seq: 0, hash: ZERO_HASH, records: 0 } : (row as unknown as Cursor);
  }

  setCursor(cursor: Cursor): void {
    this.#setCursor.run(cursor.seq, cursor.hash, cursor.records);
  }

  /** Runs `work` in one transaction: the views and the cursor move together or not at all. */
  transaction<T>(work: () => T): T {
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.database.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Books records in their order. The first outcome of an intent counts and closes it; a second one, left by a retried append, does
   * not. What opens and ends among these records, and what they add to the same row, is put together before the database sees it.
   */
  apply(records: readonly JournalRecord[]): void {
    const opened = new Map<string, OpenIntent>();
    const usage = new UsageSheet();
    for (const record of records) {
      if (record.kind === 'intent') {
        opened.set(record.id, openIntentOf(record));
      } else if (record.kind === 'extension') {
        const { intent, reserved } = extensionOf(record);
        const open = opened.get(intent);
        if (open === undefined) this.#extend.run(reserved, intent);
        else opened.set(intent, { ...open, reserved });
      } else if (record.kind === 'outcome') {
        const id = String(record.intent);
        const intent = opened.get(id) ?? (this.#takeIntent.get(id) as OpenIntent | undefined);
        opened.delete(id);
        if (intent !== undefined) usage.add(outcomeEntry(record, intent));
      } else if (record.kind === 'refusal') {
        const entry = refusalEntry(record);
        if (entry !== null) usage.add(entry);
      }
    }
    for (const intent of opened.values()) this.addIntent(intent);
    for (const { key, sums } of usage.rows()) this.addUsage(key, sums);
  }

  addIntent(intent: OpenIntent): void {
    this.#addIntent.run(...INTENT_COLUMNS.map((name) => intent[name]), intent.reserved);
  }

  addUsage(key: UsageKey, sums: UsageSums): void {
    this.#addUsage.run(...KEY_COLUMNS.map((name) => key[name]), ...SUMS.map((name) => sums[name]));
  }

  clear(): void {
    this.database.exec('DELETE FROM cursor; DELETE FROM intents; DELETE FROM usage_daily');
  }

  close(): void {
    this.database.close();
  }
}

/**
 * Opens the views at `path`, creating them where there are none. A file that is damaged or of another version is removed
 * first: `onDropped` hears why.
 */
export function openViews(path: string, onDropped: (reason: string) => void): Views {
  try {
    return new Views(openDatabase(path));
  } catch (error) {
    if (!existsSync(path) || !isDamage(error)) throw error;
    onDropped(error instanceof Error ? error.message : String(error));
    removeViews(path);
    return new Views(openDatabase(path));
  }
}

/** Another process that holds the file, or a disk that fails, is no reason to remove it: SQLITE_CORRUPT and SQLITE_NOTADB are. */
function isDamage(error: unknown): boolean {
  const code = (error as { errcode?: unknown }).errcode;
  return code === undefined || code === 11 || code === 26;
}

/** Removes the database with its side files. */
export function removeViews(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true });
}

function openDatabase(path: string): DatabaseSync {
  // Who used what is nobody else's business; SQLite gives its side files the same mode.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600));
  const database = new DatabaseSync(path);
  try {
    // NORMAL: after a loss of power the last batches may be missing; the cursor is missing with them, and they are replayed.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000');
    const version = database.prepare('PRAGMA user_version').get()?.user_version;
    if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT`);
    else if (version !== VERSION) throw new Error(`the views are of version ${version}, this is ${VERSION}`);
    const check = database.prepare('PRAGMA quick_check(1)').get()?.quick_check;
    if (check !== 'ok') throw new Error(`the views are damaged: ${check}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
