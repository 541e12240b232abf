import type { SessionRow } from '../store/ports.ts';
import type { Directory } from './directory.ts';
import { parseSessionSecret } from './key-format.ts';
import { LastUse } from './last-use.ts';
import type { Principal } from './principal.ts';
import { hasEnded, type SessionEntry } from './session-index.ts';

export { clientOf } from './browser.ts';

/** How long the secret before the last rotation works on, for requests that were under way, milliseconds. */
const GRACE_MS = 60_000;

/** Who is behind a cookie. */
export interface LiveSession {
  readonly session: SessionRow;
  readonly principal: Principal;
  /** It is time to turn the secret: `renewSession` with the digest presented. */
  readonly due: boolean;
  /** SHA-256 of the secret presented, lower-case hex. */
  readonly presented: string;
}

/**
 * Why a cookie is no session: `unknown` (or revoked), `ended` by time or with its person, `stolen`: the secret was turned long ago, so
 * two hold it, `other_client`: another browser than it was given to. The last two must end the session, with an alarm.
 */
export interface RefusedSession {
  readonly refused: 'unknown' | 'ended' | 'stolen' | 'other_client';
  /** Null for `unknown`. */
  readonly session: SessionRow | null;
}

export type SessionVerdict = { readonly ok: LiveSession } | RefusedSession;

export interface SessionsParts {
  readonly directory: Pick<Directory, 'current'>;
  /** A session that was not used for so long has ended, milliseconds. */
  readonly idleMs: number;
  /** How old a secret becomes before it is turned, milliseconds. */
  readonly rotateMs: number;
}

/** Tells who a cookie belongs to, from the snapshot in memory alone, and remembers when each session was last seen. */
export class Sessions {
  readonly #parts: SessionsParts;
  /** By session, milliseconds since the epoch; also of those saved already, because the snapshot does not follow. */
  readonly #seen = new Map<string, number>();
  readonly #unsaved = new LastUse();
  /** Sessions that were copied. */
  readonly #condemned = new Set<string>();

  constructor(parts: SessionsParts) {
    this.#parts = parts;
  }

  /**
   * Who is behind this cookie at `now` (milliseconds since the epoch). `secret` is its value, whatever a stranger sent; `client` as
   * `clientOf` makes it of this request. Counts as a use when it is one.
   */
  verify(secret: string, client: string, now: number): SessionVerdict {
    const presented = parseSessionSecret(secret)?.digest;
    const { current } = this.#parts.directory;
    const entry = presented === undefined ? undefined : current.sessionsByDigest.get(presented);
    if (presented === undefined || entry === undefined) return { refused: 'unknown', session: null };
    const { session } = entry;
    const refused = this.#refusalOf(entry, { presented, client, now });
    // At once and for everybody: until its end is committed, or while it cannot be, the copy must not work.
    if (refused === 'stolen' || refused === 'other_client') this.#condemned.add(session.id);
    if (refused !== null) return { refused, session };
    this.#seen.set(session.id, now);
    this.#unsaved.touch(session.id, now);
    const due = presented === session.digest && now - session.rotatedAt >= this.#parts.rotateMs;
    return { ok: { session, principal: principalOf(entry, current.version), due, presented } };
  }

  /** When this session was last used, milliseconds since the epoch. */
  lastSeen({ id, lastSeenAt }: Pick<SessionRow, 'id' | 'lastSeenAt'>): number {
    return Math.max(lastSeenAt, this.#seen.get(id) ?? 0);
  }

  /** Whether it has ended at `now`, by time, by disuse or with its person: for lists of those that are open. */
  isOpen(session: SessionRow, now: number): boolean {
    const entry = this.#parts.directory.current.sessions.get(session.id);
    return entry !== undefined && !this.#isOver(entry, now);
  }

  /** What was not saved yet, as [session id, milliseconds]; forgets sessions that are gone. */
  snapshot(): Array<readonly [string, number]> {
    const { sessions } = this.#parts.directory.current;
    for (const id of this.#seen.keys()) if (!sessions.has(id)) this.#seen.delete(id);
    for (const id of this.#condemned) if (!sessions.has(id)) this.#condemned.delete(id);
    return this.#unsaved.snapshot();
  }

  /** Forgets entries that reached the store (`saveSessionsSeen`), unless a newer use came in between. */
  saved(entries: ReadonlyArray<readonly [string, number]>): void {
    this.#unsaved.saved(entries);
  }

  #refusalOf(
    entry: SessionEntry,
    { presented, client, now }: { presented: string; client: string; now: number },
  ): RefusedSession['refused'] | null {
    const { session } = entry;
    if (this.#isOver(entry, now)) return 'ended';
    // Whoever turned it has the new one. So late only a copy comes.
    if (presented !== session.digest && now - session.rotatedAt >= GRACE_MS) return 'stolen';
    return client === session.client ? null : 'other_client';
  }

  #isOver(entry: SessionEntry, now: number): boolean {
    return (
      this.#condemned.has(entry.session.id) ||
      hasEnded(entry, now) ||
      now - this.lastSeen(entry.session) >= this.#parts.idleMs
    );
  }
}

function principalOf({ session, owner }: SessionEntry, snapshot: string): Principal {
  return {
    kind: owner.kind,
    id: owner.id,
    team: owner.team,
    keyTeam: null,
    role: owner.role,
    credential: { id: session.id, kind: 'session', expires: session.expiresAt },
    snapshot,
  };
}
