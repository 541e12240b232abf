import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  type TransactionSettings,
} from 'kysely';
import { patiently } from './patience.ts';

/** Enough for every query of the store; bounded all the same, because `in (…)` lists vary with their length. */
const CACHED_STATEMENTS = 200;

/** What node:sqlite accepts for this value. Throws for numbers that SQLite could not give back exactly. */
export function bindable(value: unknown): SQLInputValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'number') {
    // Times and money are integers; reading one above 2^53 back would throw, long after the mistake.
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
    return value;
  }
  if (typeof value === 'string' || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  throw new TypeError(`a ${typeof value} cannot be stored`);
}

class Statement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: StatementSync;

  constructor(statement: StatementSync) {
    this.#statement = statement;
    this.reader = statement.columns().length > 0;
    // As objects its rows have no prototype, and copying ten thousand of them takes longer than reading them.
    statement.setReturnArrays(true);
  }

  all(parameters: readonly unknown[]): unknown[] {
    const rows = this.#statement.all(...parameters.map(bindable)) as unknown as SQLOutputValue[][];
    const names = this.#statement.columns().map(({ name }) => name);
    return rows.map((row) => objectOf(names, row));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement.run(...parameters.map(bindable));
  }

  *iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    const names = this.#statement.columns().map(({ name }) => name);
    for (const row of this.#statement.iterate(...parameters.map(bindable))) {
      yield objectOf(names, row as unknown as SQLOutputValue[]);
    }
  }
}

function objectOf(names: readonly string[], row: readonly SQLOutputValue[]): Record<string, SQLOutputValue> {
  const object: Record<string, SQLOutputValue> = {};
  for (const [at, name] of names.entries()) object[name] = row[at] ?? null;
  return object;
}

class CachingDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, Statement>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  prepare(text: string): SqliteStatement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = new Statement(this.#database.prepare(text));
    if (this.#statements.size >= CACHED_STATEMENTS) {
      const oldest = this.#statements.keys().next();
      if (!oldest.done) this.#statements.delete(oldest.value);
    }
    this.#statements.set(text, statement);
    return statement;
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}

class NodeSqliteDriver extends SqliteDriver {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: new CachingDatabase(database) });
    this.#database = database;
  }

  override async beginTransaction(connection: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    // A deferred transaction that reads first and then writes fails at once, without waiting, when another process wrote
    // in between. Taking the write lock first makes it wait for its turn instead.
    const reads = settings?.accessMode === 'read only';
    await patiently(async () => {
      try {
        await connection.executeQuery(CompiledQuery.raw(reads ? 'begin' : 'begin immediate'));
        // A deferred transaction meets another process's lock at its first look, and from there on no more.
        if (reads) await connection.executeQuery(CompiledQuery.raw('select count(*) from sqlite_schema'));
      } catch (error) {
        await this.rollbackTransaction(connection);
        throw error;
      }
    });
  }

  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // After a full disk or an I/O error SQLite has rolled back by itself; a second rollback would hide the first error.
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** Kysely's SQLite dialect over an open `node:sqlite` database. */
export class NodeSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    super({ database: new CachingDatabase(database) });
    this.#database = database;
  }

  override createDriver(): Driver {
    return new NodeSqliteDriver(this.#database);
  }
}
