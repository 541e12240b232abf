/**
 * What Gatehouse asks of a database. Every port is asynchronous and portable; `sqlite/` implements them now and `postgres/`
 * will with the same file names. Times are milliseconds since the epoch, money is integer micro-dollars, ids are opaque.
 * Both drivers pass `test/store/suite.ts`.
 */
import type { CredentialKind, Role } from '../identity/principal.ts';
import type { JsonObject } from '../journal/records.ts';

export interface PartyRow {
  /** `per_…` or `svc_…`. */
  readonly id: string;
  readonly kind: 'person' | 'service';
  /** E-mail address of a person, name of a service; null once erased. Unique among the living. */
  readonly name: string | null;
  readonly team: string | null;
  readonly role: Role;
  readonly createdAt: number;
  readonly disabledAt: number | null;
  readonly erasedAt: number | null;
}

export interface TeamRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

export interface CredentialRow {
  /** `key_…` or `adm_…`. */
  readonly id: string;
  readonly kind: CredentialKind;
  /** SHA-256 of the whole credential, lower-case hex. The credential itself is never stored. */
  readonly digest: string;
  /** First characters of the credential, to recognise it by. */
  readonly hint: string;
  readonly owner: string;
  readonly label: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  /** The credential that replaces this one, while both are valid. */
  readonly rotatedTo: string | null;
  /** `tea_…` its calls are charged to instead of the owner's first team, where the owner belongs to it; null for none. */
  readonly team: string | null;
}

/** Something that is stopped at once, over every policy, until somebody lifts it (P3). */
export interface StopRow {
  /** `stp_…`. */
  readonly id: string;
  readonly target: 'party' | 'key' | 'session' | 'model' | 'upstream' | 'everything';
  /** `per_…` or `svc_…`, `key_…`, the session id that a client names, a model pattern, an upstream's name; null for everything. */
  readonly subject: string | null;
  /** Shown to who is stopped. */
  readonly reason: string;
  readonly actor: string;
  readonly createdAt: number;
  readonly liftedAt: number | null;
}

/** More than the policy gives, for a time: money on top of a budget, or the approval that an `ask` rule waits for. */
export interface GrantRow {
  /** `gra_…`. */
  readonly id: string;
  readonly kind: 'budget' | 'approval';
  readonly scope: 'organization' | 'team' | 'person' | 'service' | 'key';
  /** The id of whom it is for; null for the organisation. */
  readonly subject: string | null;
  /** Model pattern of an approval; null of a budget. */
  readonly models: string | null;
  /** Micro-dollars on top of every budget of this scope and subject; null of an approval. */
  readonly micros: number | null;
  readonly startsAt: number;
  /** Not included. */
  readonly endsAt: number;
  readonly reason: string;
  readonly actor: string;
  readonly createdAt: number;
  readonly revokedAt: number | null;
}

/** One version of the policy document. The newest is in force. */
export interface PolicyRevisionRow {
  /** 1, 2, 3 … */
  readonly number: number;
  /** The document as it was given; empty where it was lost with a newer store: then nothing is allowed. */
  readonly text: string;
  /** SHA-256 of the text as first given, lower-case hex. */
  readonly sha256: string;
  /** `per_…`, or `file` for one that was read from the watched file, or `system`. */
  readonly author: string;
  readonly reason: string | null;
  /** The revision a rollback went back to; null otherwise. */
  readonly restores: number | null;
  readonly createdAt: number;
}

/** A credential as listings show it. */
export interface CredentialListing extends CredentialRow {
  /** When it was last seen on an accepted call, as last saved; null for never. */
  readonly lastUsedAt: number | null;
}

/** A change waiting for its journal record; written in the same transaction as the change itself. */
export interface OutboxRow {
  /** Strictly increasing, never used twice. */
  readonly number: number;
  readonly record: JsonObject;
}

/** Everything the in-memory directory is compiled from. */
export interface DirectoryState {
  /** Grows with every committed change. */
  readonly sequence: number;
  readonly parties: readonly PartyRow[];
  readonly teams: readonly TeamRow[];
  readonly credentials: readonly CredentialRow[];
  /** Those not lifted. */
  readonly stops: readonly StopRow[];
  /** Those not revoked and not over. */
  readonly grants: readonly GrantRow[];
  /** The newest revision; null before the first. */
  readonly policy: PolicyRevisionRow | null;
}

/** Reads and writes inside one transaction. Nothing else may be used while it is open. */
export interface StoreTransaction {
  party(id: string): Promise<PartyRow | undefined>;
  partyByName(kind: PartyRow['kind'], name: string): Promise<PartyRow | undefined>;
  insertParty(row: PartyRow): Promise<void>;
  updateParty(
    id: string,
    change: Partial<Pick<PartyRow, 'name' | 'team' | 'role' | 'disabledAt' | 'erasedAt'>>,
  ): Promise<void>;
  /** The people with role `owner` who are not erased, disabled ones included. */
  owners(): Promise<PartyRow[]>;
  team(id: string): Promise<TeamRow | undefined>;
  teamByName(name: string): Promise<TeamRow | undefined>;
  insertTeam(row: TeamRow): Promise<void>;
  credential(id: string): Promise<CredentialRow | undefined>;
  credentialsOf(owner: string): Promise<CredentialRow[]>;
  insertCredential(row: CredentialRow): Promise<void>;
  updateCredential(
    id: string,
    change: Partial<Pick<CredentialRow, 'label' | 'expiresAt' | 'revokedAt' | 'rotatedTo'>>,
  ): Promise<void>;
  stop(id: string): Promise<StopRow | undefined>;
  insertStop(row: StopRow): Promise<void>;
  liftStop(id: string, at: number): Promise<void>;
  grant(id: string): Promise<GrantRow | undefined>;
  insertGrant(row: GrantRow): Promise<void>;
  revokeGrant(id: string, at: number): Promise<void>;
  newestPolicy(): Promise<PolicyRevisionRow | undefined>;
  policyRevision(number: number): Promise<PolicyRevisionRow | undefined>;
  insertPolicy(row: PolicyRevisionRow): Promise<void>;
  /** Replaces an address by an id in the text of every revision: policies name people, and an erased person's name vanishes (P7). */
  redactPolicies(address: string, id: string): Promise<void>;
  /** The person's wrapped content key, if one exists. */
  contentKey(person: string): Promise<Uint8Array | undefined>;
  insertContentKey(person: string, wrapped: Uint8Array): Promise<void>;
  /** Overwrites and removes it; what was encrypted under it is unreadable from then on. */
  deleteContentKey(person: string): Promise<void>;
  /** A named value of the installation, such as the digest of the owner's one-use secret. */
  setting(name: string): Promise<string | undefined>;
  setSetting(name: string, value: string | null): Promise<void>;
  /** Queues a change record for the journal; returns its number. */
  enqueue(record: JsonObject): Promise<number>;
}

export interface Store {
  /**
   * Runs `work` in one transaction; what it throws rolls everything back. Raises `sequence` when anything was enqueued.
   * Rejects with StoreConflict where a value must be unique and is taken, and with StoreMisuse where `work` used anything
   * but its handle or did not await it. A statement that failed fails the whole change, caught or not.
   */
  change<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /** The same without writing. */
  read<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  directory(): Promise<DirectoryState>;
  /** Waiting changes, oldest first. */
  outbox(limit: number): Promise<OutboxRow[]>;
  /** Drops rows up to and including this number: their records are durable. */
  acknowledge(number: number): Promise<void>;
  /** The highest number ever given out, 0 for none. */
  outboxHead(): Promise<number>;
  /**
   * After a restore: numbers up to `floor` count as used, and rows up to it are dropped. `sequence` becomes at least
   * `floor` (it never exceeds the outbox numbers), so that no version named by older records is used twice.
   */
  raiseOutboxFloor(floor: number): Promise<void>;
  /** Credentials with their last use, in order of creation; of one owner where given. */
  credentials(owner?: string): Promise<CredentialListing[]>;
  /** Saves [credential id, milliseconds] pairs; never moves one back, ignores unknown ids, leaves `sequence` alone. */
  saveLastUse(entries: ReadonlyArray<readonly [string, number]>): Promise<void>;
  /** Newest first; without the text of the document. */
  policyHistory(limit: number): Promise<Omit<PolicyRevisionRow, 'text'>[]>;
  policyRevision(number: number): Promise<PolicyRevisionRow | undefined>;
  /** Newest first, lifted ones included. */
  stops(limit: number): Promise<StopRow[]>;
  /** Newest first, those that are over included. */
  grants(limit: number): Promise<GrantRow[]>;
  /** Writes a consistent copy of the whole store to this path, which must not exist. */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}
