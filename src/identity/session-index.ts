import type { PartyRow, SessionRow } from '../store/ports.ts';
import { isActiveAt } from './validity.ts';

/** A browser session with whose it is. */
export interface SessionEntry {
  readonly session: SessionRow;
  readonly owner: PartyRow;
}

/** The sessions of a snapshot, those not revoked. */
export interface SessionIndex {
  /** By `ses_…`. */
  readonly sessions: ReadonlyMap<string, SessionEntry>;
  /** By SHA-256 of the secret in the cookie, and by that of the secret before the last rotation. */
  readonly sessionsByDigest: ReadonlyMap<string, SessionEntry>;
}

/** A secret that was turned: what changed of the row. */
export type Turned = Pick<SessionRow, 'id' | 'digest' | 'previous' | 'rotatedAt'>;

/** A session whose owner is missing is left out: it can only be unknown. */
export function compileSessions(rows: readonly SessionRow[], parties: ReadonlyMap<string, PartyRow>): SessionIndex {
  const sessions = new Map<string, SessionEntry>();
  const sessionsByDigest = new Map<string, SessionEntry>();
  for (const session of rows) {
    const owner = parties.get(session.person);
    if (owner === undefined) continue;
    put({ sessions, sessionsByDigest }, { session, owner });
  }
  return { sessions, sessionsByDigest };
}

/**
 * The index with these secrets turned. A session that is not in it stays out of it: it has ended meanwhile. One that was turned later
 * stays as it is.
 */
export function withTurned(index: SessionIndex, turned: Iterable<Turned>): SessionIndex {
  const sessions = new Map(index.sessions);
  const sessionsByDigest = new Map(index.sessionsByDigest);
  for (const { id, digest, previous, rotatedAt } of turned) {
    const entry = sessions.get(id);
    if (entry === undefined || entry.session.rotatedAt > rotatedAt) continue;
    sessionsByDigest.delete(entry.session.digest);
    if (entry.session.previous !== null) sessionsByDigest.delete(entry.session.previous);
    const session = { ...entry.session, digest, previous, rotatedAt };
    put({ sessions, sessionsByDigest }, { session, owner: entry.owner });
  }
  return { sessions, sessionsByDigest };
}

/** True when nothing of this session works any more at `now`, however lately it was used. */
export function hasEnded({ session, owner }: SessionEntry, now: number): boolean {
  return session.revokedAt !== null || now >= session.expiresAt || !isActiveAt(owner, now);
}

function put(
  maps: { sessions: Map<string, SessionEntry>; sessionsByDigest: Map<string, SessionEntry> },
  entry: SessionEntry,
): void {
  const { id, digest, previous } = entry.session;
  maps.sessions.set(id, entry);
  maps.sessionsByDigest.set(digest, entry);
  if (previous !== null) maps.sessionsByDigest.set(previous, entry);
}
