import type { QueryExecutorProvider } from 'kysely';
import * as directory from './001-directory.ts';
import * as outbox from './002-outbox.ts';
import * as policies from './003-policies.ts';
import * as identities from './004-identities.ts';

/** One step forward of the schema. A step that has been released never changes, so it is
 * plain SQL and knows nothing of today's table types. */
export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly number: number;
  /** The file's name without its ending. */
  readonly name: string;
  readonly up: (db: QueryExecutorProvider) => Promise<void>;
}

/** Every step, in order. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: '001-directory', up: directory.up },
  { number: 2, name: '002-outbox', up: outbox.up },
  { number: 3, name: '003-policies', up: policies.up },
  { number: 4, name: '004-identities', up: identities.up },
];
