import { StoreConflict, StoreUnavailable } from '../errors.ts';

/** https://www.sqlite.org/rescode.html */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555;
const SQLITE_CONSTRAINT_UNIQUE = 2067;

/** What an operator can look at, by primary code. */
const TROUBLES: Readonly<Record<number, string>> = {
  [SQLITE_BUSY]: 'another process holds it',
  [SQLITE_LOCKED]: 'another process holds it',
  [SQLITE_READONLY]: 'it cannot be written, its file or disk is read-only',
  [SQLITE_IOERR]: 'its disk fails',
  [SQLITE_CORRUPT]: 'its file is damaged',
  [SQLITE_FULL]: 'its disk is full',
  [SQLITE_CANTOPEN]: 'its file cannot be opened',
  [SQLITE_NOTADB]: 'its file is damaged',
};

/** In words, what each unique constraint guards; SQLite's message ends with the columns. */
const SUBJECTS: Readonly<Record<string, string>> = {
  'parties.kind, parties.name': 'e-mail address or name',
  'teams.name': 'team name',
  'credentials.digest': 'credential',
  'content_keys.person': 'content key',
  'policy_revisions.number': 'policy revision',
  'parties.role': 'place of the primary owner',
  'identities.provider, identities.subject': 'sign-in',
  'invitations.email': 'invited address',
  'sessions.digest': 'session',
  'proposals.id': 'proposal',
  // What SQLite says of an index on an expression.
  "index 'stops_active'": 'stop',
};

function errorCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** The code without what extends it; 0 where the error is not SQLite's. */
function primaryCode(error: unknown): number {
  return (errorCode(error) ?? 0) & 0xff;
}

/** True when another connection holds the lock, extended codes included. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** True when the disk could not take what was written: no room, or an error of the file system, which a quota may cause. */
export function isFull(error: unknown): boolean {
  const code = primaryCode(causeOf(error));
  return code === SQLITE_FULL || code === SQLITE_IOERR;
}

function causeOf(error: unknown): unknown {
  return error instanceof StoreUnavailable ? error.cause : error;
}

/** True when what is in the file is no whole database. */
export function isDamage(error: unknown): boolean {
  const code = primaryCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

/** An error of the file or its disk as StoreUnavailable; everything else as it is. */
export function inWords(error: unknown): unknown {
  const why = TROUBLES[primaryCode(error)];
  return why === undefined ? error : new StoreUnavailable(why, { cause: error });
}

/** A unique violation as StoreConflict; everything else as it is. */
export function translate(error: unknown): unknown {
  const code = errorCode(error);
  if (code !== SQLITE_CONSTRAINT_UNIQUE && code !== SQLITE_CONSTRAINT_PRIMARYKEY) return error;
  const columns = (error as Error).message.split('constraint failed: ')[1] ?? '';
  return new StoreConflict(SUBJECTS[columns] ?? columns, { cause: error });
}
