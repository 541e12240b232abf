import type { Transaction } from 'kysely';
import { StoreMisuse } from '../errors.ts';
import { translate } from './errors.ts';
import type { Tables } from './schema.ts';

export type Db = Transaction<Tables>;

/**
 * The life of one transaction: who may still use its handle, and what happened in it. It turns three mistakes into errors
 * that would otherwise be silent: writing in a read, using the handle after the end (it would write outside any transaction),
 * and forgetting to await it.
 */
export class Scope {
  readonly #db: Db;
  readonly #writable: boolean;
  #open = true;
  #pending = 0;
  #failure: { error: unknown } | null = null;
  /** Set when something was enqueued: the change counts. */
  enqueued = false;
  /** Set when something was erased: its bytes must leave the write-ahead log too. */
  erased = false;

  constructor(db: Db, writable: boolean) {
    this.#db = db;
    this.#writable = writable;
  }

  get open(): boolean {
    return this.#open;
  }

  async read<T>(query: (db: Db) => Promise<T>): Promise<T> {
    if (!this.#open) throw new StoreMisuse('The transaction is over; its handle was used after its end.');
    this.#pending += 1;
    try {
      return await query(this.#db);
    } catch (error) {
      const translated = translate(error);
      this.#failure ??= { error: translated };
      throw translated;
    } finally {
      this.#pending -= 1;
    }
  }

  async write<T>(query: (db: Db) => Promise<T>): Promise<T> {
    if (!this.#writable) throw new StoreMisuse('This transaction only reads.');
    return this.read(query);
  }

  /** Ends the use of the handle before the commit. Throws what must keep it from being committed. */
  finish(): void {
    this.#open = false;
    if (this.#pending > 0) throw new StoreMisuse('A use of the transaction handle was not awaited.');
    // PostgreSQL refuses to go on after a failed statement; the embedded driver must not be more lenient.
    if (this.#failure !== null) throw this.#failure.error;
  }

  abandon(): void {
    this.#open = false;
  }
}
