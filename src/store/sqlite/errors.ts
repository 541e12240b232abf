import { StoreConflict } from '../errors.ts';

/** https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** In words, what each unique constraint guards; SQLite's message ends with the columns. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'parties.kind, parties.name': 'e-mail address or name',
  'teams.name': 'team name',
  'credentials.digest': 'credential',
  'content_keys.person': 'content key',
  'policy_revisions.number': 'policy revision',
  // What SQLite says of an index on an expression.
  "index 'stops_active'": 'stop',
};

function errorCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** True when another connection holds the lock, extended codes included. */
export function isBusy(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && (code & 0xff) === SQLITE_BUSY;
}

/** True when the disk could not take what was written: no room, or an error of the file system, which a quota may cause. */
export function isFull(error: unknown): boolean {
  const code = (errorCode(error) ?? 0) & 0xff;
  return code === SQLITE_FULL || code === SQLITE_IOERR;
}

/** A unique violation as StoreConflict; everything else as it is. */
export function translate(error: unknown): unknown {
  const code = errorCode(error);
  if (code !== SQLITE_CONSTRAINT_UNIQUE && code !== SQLITE_CONSTRAINT_PRIMARYKEY) return error;
  const columns = (error as Error).message.split('constraint failed: ')[1] ?? '';
  return new StoreConflict(SUBJECTS[columns] ?? columns, { cause: error });
}
