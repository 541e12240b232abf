import type { Clock } from '../kernel/clock.ts';
import type { StopRow, Store } from '../store/ports.ts';
import { hasEnded, type Turned, withTurned } from './session-index.ts';
import { compileDirectory, type DirectorySnapshot, refusalOf } from './snapshot.ts';
import { isActiveAt } from './validity.ts';

/** What no longer may go on: its running streams are to be cut (P3). */
export interface Invalidated {
  /** Ids that were valid until now: `key_…`, `adm_…`, `ses_…`. */
  readonly credentials: ReadonlySet<string>;
  readonly parties: ReadonlySet<string>;
  /** Stops that are new. */
  readonly stops: readonly StopRow[];
}

export type DirectoryListener = (invalidated: Invalidated) => void;

interface Valid {
  readonly credentials: ReadonlySet<string>;
  readonly parties: ReadonlySet<string>;
  readonly nextExpiry: number | null;
}

/** Holds the current snapshot, replaces it whole, and tells what stopped being valid. */
export class Directory {
  readonly #store: Pick<Store, 'directory'>;
  readonly #clock: Clock;
  readonly #listeners = new Set<DirectoryListener>();
  /** By session; kept until a load shows them, because one that is under way may have read before they were committed. */
  readonly #turned = new Map<string, Turned>();
  #snapshot: DirectorySnapshot;
  #valid: Valid;
  #running: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | null = null;

  private constructor(parts: DirectoryParts, snapshot: DirectorySnapshot) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#snapshot = snapshot;
    this.#valid = validAt(snapshot, parts.clock.now());
  }

  /** Loads the first snapshot. Rejects with the store's error. */
  static async load(parts: DirectoryParts): Promise<Directory> {
    return new Directory(parts, compileDirectory(await parts.store.directory()));
  }

  get current(): DirectorySnapshot {
    return this.#snapshot;
  }

  /**
   * Resolves when the current snapshot holds everything committed before the call and every listener was told. Rejects with
   * the store's error (the old snapshot stays) or with an AggregateError of what listeners threw (the new one is in force).
   */
  refresh(): Promise<void> {
    // A load that already runs may have read before this caller's change was committed: only one that has not begun will do.
    if (this.#waiting === null) {
      const next = this.#running
        .catch(() => {})
        .then(() => {
          this.#waiting = null;
          return this.#reload();
        });
      this.#waiting = next;
      this.#running = next;
    }
    return this.#waiting;
  }

  /**
   * Puts the new secret of a session in force, after it was committed. Without a load: every browser turns its own every quarter of an
   * hour. It never brings a session back, nor an older secret.
   */
  turn(session: Turned): void {
    const known = this.#snapshot.sessions.get(session.id)?.session;
    if (known === undefined || known.rotatedAt > session.rotatedAt) return;
    this.#turned.set(session.id, session);
    this.#snapshot = { ...this.#snapshot, ...withTurned(this.#snapshot, [session]) };
  }

  /** Called with every new snapshot, and by `sweep` when something expired. Returns what ends it. Must not be slow. */
  onChange(listener: DirectoryListener): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** When the next valid credential, session or guest ends, milliseconds since the epoch; null for never. Call `sweep` then. */
  nextExpiry(): number | null {
    return this.#valid.nextExpiry;
  }

  /** Tells the listeners what expired since the last look; nothing happens when nothing did. Throws as `refresh` does. */
  sweep(): void {
    const invalidated = this.#lookAgain([]);
    if (invalidated.credentials.size > 0 || invalidated.parties.size > 0) this.#tell(invalidated);
  }

  async #reload(): Promise<void> {
    const state = await this.#store.directory();
    // Never an older state over a newer one. An equal number is taken: a restore repairs rows without counting.
    if (state.sequence < this.#snapshot.sequence) return;
    const known = new Set(this.#snapshot.stops.all.map((row) => row.id));
    this.#snapshot = this.#withTurned(compileDirectory(state));
    this.#tell(this.#lookAgain(this.#snapshot.stops.all.filter((row) => !known.has(row.id))));
  }

  #withTurned(snapshot: DirectorySnapshot): DirectorySnapshot {
    for (const [id, { rotatedAt }] of this.#turned) {
      const loaded = snapshot.sessions.get(id)?.session;
      if (loaded === undefined || loaded.rotatedAt >= rotatedAt) this.#turned.delete(id);
    }
    return this.#turned.size === 0 ? snapshot : { ...snapshot, ...withTurned(snapshot, this.#turned.values()) };
  }

  #lookAgain(stops: readonly StopRow[]): Invalidated {
    const before = this.#valid;
    this.#valid = validAt(this.#snapshot, this.#clock.now());
    return {
      credentials: missing(before.credentials, this.#valid.credentials),
      parties: missing(before.parties, this.#valid.parties),
      stops,
    };
  }

  #tell(invalidated: Invalidated): void {
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      // One that fails must not keep the others from cutting their streams.
      try {
        listener(invalidated);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'A change of the directory was not spread everywhere.');
  }
}

export interface DirectoryParts {
  readonly store: Pick<Store, 'directory'>;
  readonly clock: Clock;
}

/** What was in `before` and is not in `after`. */
function missing(before: ReadonlySet<string>, after: ReadonlySet<string>): Set<string> {
  return new Set([...before].filter((id) => !after.has(id)));
}

function validAt(snapshot: DirectorySnapshot, now: number): Valid {
  const credentials = new Set<string>();
  const parties = new Set<string>();
  let nextExpiry: number | null = null;
  const endsAt = (end: number | null): void => {
    if (end !== null && (nextExpiry === null || end < nextExpiry)) nextExpiry = end;
  };
  for (const party of snapshot.parties.values()) {
    if (!isActiveAt(party, now)) continue;
    parties.add(party.id);
    endsAt(party.endsAt);
  }
  for (const [id, entry] of snapshot.credentials) {
    if (refusalOf(entry, now) !== null) continue;
    credentials.add(id);
    endsAt(entry.credential.expiresAt);
  }
  for (const [id, entry] of snapshot.sessions) {
    if (hasEnded(entry, now)) continue;
    credentials.add(id);
    endsAt(entry.session.expiresAt);
  }
  return { credentials, parties, nextExpiry };
}
