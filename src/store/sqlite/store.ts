import { AsyncLocalStorage } from 'node:async_hooks';
import { type Kysely, sql } from 'kysely';
import type { Clock } from '../../kernel/clock.ts';
import { failpoint } from '../../kernel/failpoints.ts';
import { StoreMisuse } from '../errors.ts';
import type {
  CredentialListing,
  DirectoryState,
  GrantRow,
  InvitationRow,
  OutboxRow,
  PolicyRevisionRow,
  ProposalRow,
  SessionRow,
  StopRow,
  Store,
  StoreTransaction,
  WaitingIdentityRow,
} from '../ports.ts';
import type { DiskReserve } from '../reserve.ts';
import { connect } from './connection.ts';
import { copyDatabase } from './copy.ts';
import { allCredentials, listCredentials, saveLastUse } from './credentials.ts';
import { inWords, isFull } from './errors.ts';
import { newestGrants, openGrants } from './grants.ts';
import { allIdentities } from './identities.ts';
import { newestInvitations } from './invitations.ts';
import { purgeKeptAnswers } from './kept-answers.ts';
import { migrate } from './migrate.ts';
import * as outbox from './outbox.ts';
import { allParties } from './parties.ts';
import { patiently } from './patience.ts';
import { findPolicy, newestPolicy, policyHistory } from './policies.ts';
import { findProposal, newestProposals } from './proposals.ts';
import type { Tables } from './schema.ts';
import { type Db, Scope } from './scope.ts';
import { livingSessions, newestSessions, purgeSessions, saveSessionsSeen } from './sessions.ts';
import { activeStops, newestStops } from './stops.ts';
import { allTeams } from './teams.ts';
import { transactionOf } from './transaction.ts';
import { newestWaiting, purgeWaiting } from './waiting-identities.ts';

/**
 * Opens the embedded store: creates the file at `path` where there is none and brings its schema up to date. The folder
 * must exist; `:memory:` keeps everything in memory. Every commit is synced to disk before it resolves.
 * Rejects with StoreTooNew when a newer version wrote it, StoreDamaged when it is no whole database, StoreUnavailable when it cannot
 * be used now, else with the system's error.
 */
export async function openSqliteStore({ path, clock, reserve }: SqliteOptions): Promise<Store> {
  const db = await connect(path);
  try {
    await migrate(db, clock);
  } catch (error) {
    await db.destroy();
    throw inWords(error);
  }
  return new SqliteStore(db, clock, reserve ?? null);
}

export interface SqliteOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Given up when a change finds no room on the disk; the change is then tried once more. */
  readonly reserve?: Pick<DiskReserve, 'release'>;
}

/** SQLite is one connection behind Kysely's mutex: whatever is called here waits for its turn, in order. */
class SqliteStore implements Store {
  readonly #db: Kysely<Tables>;
  readonly #clock: Clock;
  readonly #reserve: Pick<DiskReserve, 'release'> | null;
  readonly #current = new AsyncLocalStorage<Scope>();
  #owesRewrite = false;
  #owesCheckpoint = false;
  #closing: Promise<void> | null = null;

  constructor(db: Kysely<Tables>, clock: Clock, reserve: Pick<DiskReserve, 'release'> | null) {
    this.#db = db;
    this.#clock = clock;
    this.#reserve = reserve;
  }

  async change<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    try {
      return await this.#change(work);
    } catch (error) {
      if (!isFull(error) || !(await this.#reserve?.release())) throw error;
      return this.#change(work);
    }
  }

  async #change<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    const scoped = await this.#within(true, async (scope, db) => {
      const result = await work(transactionOf(scope));
      scope.finish();
      if (scope.enqueued) await outbox.growSequence(db);
      failpoint('change.before-commit');
      return { result, erased: scope.erased };
    });
    failpoint('change.committed');
    if (scoped.erased) this.#owesRewrite = true;
    if (this.#owesRewrite) await this.#rewrite();
    if (this.#owesCheckpoint) await this.#checkpoint();
    return scoped.result;
  }

  async read<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T> {
    return this.#within(false, async (scope) => {
      const result = await work(transactionOf(scope));
      scope.finish();
      return result;
    });
  }

  async directory(): Promise<DirectoryState> {
    return this.#within(false, async (_, db) => ({
      sequence: await outbox.currentSequence(db),
      parties: await allParties(db),
      teams: await allTeams(db),
      credentials: await allCredentials(db),
      stops: await activeStops(db),
      grants: await openGrants(db, this.#clock.now()),
      policy: (await newestPolicy(db)) ?? null,
      identities: await allIdentities(db),
      sessions: await livingSessions(db),
    }));
  }

  async outbox(limit: number): Promise<OutboxRow[]> {
    return this.#within(false, (_, db) => outbox.waiting(db, limit));
  }

  async acknowledge(number: number): Promise<void> {
    await this.#within(true, (_, db) => outbox.dropUpTo(db, number));
  }

  async outboxHead(): Promise<number> {
    return this.#within(false, (_, db) => outbox.head(db));
  }

  async raiseOutboxFloor(floor: number): Promise<void> {
    await this.#within(true, async (_, db) => {
      await outbox.raiseFloor(db, floor);
      await outbox.raiseSequence(db, floor);
    });
  }

  async credentials(owner?: string): Promise<CredentialListing[]> {
    return this.#within(false, (_, db) => listCredentials(db, owner));
  }

  async saveLastUse(entries: ReadonlyArray<readonly [string, number]>): Promise<void> {
    if (entries.length > 0) await this.#within(true, (_, db) => saveLastUse(db, entries));
  }

  async policyHistory(limit: number): Promise<Omit<PolicyRevisionRow, 'text'>[]> {
    return this.#within(false, (_, db) => policyHistory(db, limit));
  }

  async policyRevision(number: number): Promise<PolicyRevisionRow | undefined> {
    return this.#within(false, (_, db) => findPolicy(db, number));
  }

  async stops(limit: number): Promise<StopRow[]> {
    return this.#within(false, (_, db) => newestStops(db, limit));
  }

  async grants(limit: number): Promise<GrantRow[]> {
    return this.#within(false, (_, db) => newestGrants(db, limit));
  }

  async invitations(limit: number): Promise<InvitationRow[]> {
    return this.#within(false, (_, db) => newestInvitations(db, limit));
  }

  async waitingIdentities(limit: number): Promise<WaitingIdentityRow[]> {
    return this.#within(false, (_, db) => newestWaiting(db, limit));
  }

  async proposals(limit: number): Promise<Omit<ProposalRow, 'text'>[]> {
    return this.#within(false, (_, db) => newestProposals(db, limit));
  }

  async proposal(id: string): Promise<ProposalRow | undefined> {
    return this.#within(false, (_, db) => findProposal(db, id));
  }

  async sessions(limit: number, person?: string): Promise<SessionRow[]> {
    return this.#within(false, (_, db) => newestSessions(db, limit, person));
  }

  async saveSessionsSeen(entries: ReadonlyArray<readonly [string, number]>): Promise<void> {
    if (entries.length > 0) await this.#within(true, (_, db) => saveSessionsSeen(db, entries));
  }

  async purge(before: {
    readonly sessions: number;
    readonly answers: number;
    readonly waiting: number;
  }): Promise<void> {
    await this.#within(true, async (_, db) => {
      await purgeSessions(db, before.sessions);
      await purgeKeptAnswers(db, before.answers);
      await purgeWaiting(db, before.waiting);
    });
    await this.#checkpoint();
  }

  async copyTo(path: string): Promise<void> {
    this.#refuseInside();
    await copyDatabase(this.#db, path);
  }

  async close(): Promise<void> {
    this.#refuseInside();
    this.#closing ??= this.#db.destroy();
    await this.#closing;
  }

  async #within<T>(writable: boolean, work: (scope: Scope, db: Db) => Promise<T>): Promise<T> {
    this.#refuseInside();
    const transaction = this.#db.transaction().setAccessMode(writable ? 'read write' : 'read only');
    const within = async (db: Db): Promise<T> => {
      const scope = new Scope(db, writable);
      try {
        return await this.#current.run(scope, () => work(scope, db));
      } finally {
        scope.abandon();
      }
    };
    return transaction.execute(within).catch((error) => {
      throw inWords(error);
    });
  }

  /** The one connection is busy with the caller's own transaction: waiting for it would be waiting for ever. */
  #refuseInside(): void {
    if (this.#current.getStore()?.open === true) {
      throw new StoreMisuse('The store was used inside its own transaction; use the handle that was given to it.');
    }
  }

  /**
   * Writes the file anew from what is in it (P7). SQLite clears what it deletes, but where it once moved a row to make room its old copy
   * stays in the page. The change itself stands: where there is no room, or another process writes, the next change tries again.
   */
  async #rewrite(): Promise<void> {
    this.#owesCheckpoint = true;
    try {
      await patiently(() => sql`vacuum`.execute(this.#db));
      this.#owesRewrite = false;
    } catch (error) {
      if (inWords(error) === error) throw error;
    }
  }

  /**
   * Moves everything out of the write-ahead log and empties it, so that what was erased is gone from that file as well (P7).
   * While another process reads it cannot: then the next change tries again, and the last close does it in any case.
   */
  async #checkpoint(): Promise<void> {
    const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(this.#db);
    this.#owesCheckpoint = rows[0]?.busy === 1;
  }
}
