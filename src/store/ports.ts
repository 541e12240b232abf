/**
 * What Gatehouse asks of a database. Every port is asynchronous and portable; `sqlite/` implements them now and `postgres/`
 * will with the same file names. Times are milliseconds since the epoch, money is integer micro-dollars, ids are opaque.
 * Both drivers pass `test/store/suite.ts`.
 */
import type { AssignedRole, KeyKind } from '../identity/principal.ts';
import type { JsonObject } from '../journal/records.ts';

export interface PartyRow {
  /** `per_…` or `svc_…`. */
  readonly id: string;
  readonly kind: 'person' | 'service';
  /** E-mail address of a person, name of a service; null once erased. Unique among the living. */
  readonly name: string | null;
  readonly team: string | null;
  /** At most one living party is `primary_owner`. */
  readonly role: AssignedRole;
  readonly createdAt: number;
  readonly disabledAt: number | null;
  readonly erasedAt: number | null;
  /** Of a guest: who answers for them (`per_…`), and from when on nothing of theirs works any more (not included). Null for all others. */
  readonly sponsor: string | null;
  readonly endsAt: number | null;
}

export interface TeamRow {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

export interface CredentialRow {
  /** `key_…` or `adm_…`. */
  readonly id: string;
  readonly kind: KeyKind;
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

/**
 * Somebody as one identity provider knows them. (provider, subject) is who a person is: an e-mail address never is (it changes hands).
 */
export interface IdentityRow {
  /** Name of the provider in the policy. Unique with `subject`. */
  readonly provider: string;
  /** As the provider says it, compared byte for byte. */
  readonly subject: string;
  /** Issuer or entity id that proved it first. Whoever may point a provider elsewhere must not become its people by that. */
  readonly issuer: string;
  readonly person: string;
  /** As the provider gave it last, in lower case; null for none. */
  readonly email: string | null;
  /** The provider's own groups at the last sign-in, as it writes them. */
  readonly groups: readonly string[];
  /** `sign-in` where the person was made by it, else the id of who linked it. */
  readonly linkedBy: string;
  readonly createdAt: number;
  readonly lastSignInAt: number | null;
}

/** Somebody who proved an identity that belongs to nobody yet, while a person with the same address exists: waits for an admin to link. */
export interface WaitingIdentityRow {
  /** `wai_…`. */
  readonly id: string;
  /** Unique with `subject`. */
  readonly provider: string;
  readonly subject: string;
  /** Issuer or entity id that proved it. */
  readonly issuer: string;
  readonly email: string;
  /** The person who has this address. */
  readonly person: string;
  readonly firstSeenAt: number;
  readonly lastSeenAt: number;
}

/** Lets an address enter that no provider's domains cover. */
export interface InvitationRow {
  /** `inv_…`. */
  readonly id: string;
  /** In lower case. One open invitation for each. */
  readonly email: string;
  /** Provider the guest signs in with. */
  readonly provider: string;
  /** `per_…` who answers for the guest. */
  readonly sponsor: string;
  readonly actor: string;
  readonly createdAt: number;
  /** Milliseconds since the epoch, not included: sessions and keys of the guest end then too. */
  readonly endsAt: number;
  /** `per_…` it became; null while nobody has come. */
  readonly person: string | null;
  readonly revokedAt: number | null;
}

/** A browser that is signed in. The secret in its cookie is never stored. */
export interface SessionRow {
  /** `ses_…`. */
  readonly id: string;
  readonly person: string;
  /** Null for the break-glass owner. */
  readonly provider: string | null;
  /** SHA-256 of the secret in the cookie, lower-case hex. */
  readonly digest: string;
  /** Of the secret before the last rotation: works for a moment longer, then its use ends the session. Null before the first. */
  readonly previous: string | null;
  readonly rotatedAt: number;
  /** What the session is bound to: SHA-256 of what the browser says of itself, without its version numbers. */
  readonly client: string;
  /** For people to recognise it by: `Firefox on Linux`. */
  readonly label: string;
  /** The token that changes must carry beside the cookie. */
  readonly csrf: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  /** The latest end, whatever is done with it. */
  readonly expiresAt: number;
  readonly revokedAt: number | null;
}

/** A change of the policy that waits for a second person. */
export interface ProposalRow {
  /** `chg_…`. */
  readonly id: string;
  /** Revision in force when it was proposed; 0 for none. It can be approved only while that is in force. */
  readonly base: number;
  readonly text: string;
  /** Of the text, lower-case hex. */
  readonly sha256: string;
  readonly author: string;
  readonly reason: string | null;
  /** The revision that it goes back to, of a rollback. */
  readonly restores: number | null;
  /** Why it needs a second person: kinds of `two_people` in the policy. */
  readonly kinds: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly decision: 'approved' | 'rejected' | 'withdrawn' | null;
  readonly decidedBy: string | null;
  readonly decidedAt: number | null;
}

/** The answer to a request with an idempotency key, kept for its repetition. */
export interface KeptAnswerRow {
  /** SHA-256 of caller, operation and key, lower-case hex. */
  readonly key: string;
  /** SHA-256 of path and body, lower-case hex. */
  readonly request: string;
  /** Null while the first is still being answered. */
  readonly status: number | null;
  /** Sealed under the master key: an answer may hold a secret. */
  readonly body: Uint8Array | null;
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
  readonly identities: readonly IdentityRow[];
  /** Those not revoked. */
  readonly sessions: readonly SessionRow[];
}

/** Reads and writes inside one transaction. Nothing else may be used while it is open. */
export interface StoreTransaction {
  party(id: string): Promise<PartyRow | undefined>;
  partyByName(kind: PartyRow['kind'], name: string): Promise<PartyRow | undefined>;
  insertParty(row: PartyRow): Promise<void>;
  updateParty(
    id: string,
    change: Partial<Pick<PartyRow, 'name' | 'team' | 'role' | 'disabledAt' | 'erasedAt' | 'sponsor' | 'endsAt'>>,
  ): Promise<void>;
  /** The living person who is `primary_owner`, disabled or not. */
  primaryOwner(): Promise<PartyRow | undefined>;
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
  identity(provider: string, subject: string): Promise<IdentityRow | undefined>;
  identitiesOf(person: string): Promise<IdentityRow[]>;
  insertIdentity(row: IdentityRow): Promise<void>;
  updateIdentity(
    provider: string,
    subject: string,
    change: Partial<Pick<IdentityRow, 'email' | 'groups' | 'lastSignInAt'>>,
  ): Promise<void>;
  deleteIdentity(provider: string, subject: string): Promise<void>;
  waitingIdentity(id: string): Promise<WaitingIdentityRow | undefined>;
  waitingIdentityOf(provider: string, subject: string): Promise<WaitingIdentityRow | undefined>;
  /** The one with this provider and subject is replaced, keeping its id and when it was first seen. */
  saveWaitingIdentity(row: WaitingIdentityRow): Promise<void>;
  deleteWaitingIdentity(id: string): Promise<void>;
  /** Every one that waits for this person: of an erased person nothing may stay. */
  deleteWaitingIdentitiesOf(person: string): Promise<void>;
  invitation(id: string): Promise<InvitationRow | undefined>;
  /** The one not revoked, over or not. */
  openInvitation(email: string): Promise<InvitationRow | undefined>;
  insertInvitation(row: InvitationRow): Promise<void>;
  updateInvitation(id: string, change: Partial<Pick<InvitationRow, 'endsAt' | 'person' | 'revokedAt'>>): Promise<void>;
  /** Those of an erased person, and those that were for the address. */
  deleteInvitationsOf(person: string, email: string | null): Promise<void>;
  session(id: string): Promise<SessionRow | undefined>;
  /** Those of this person that are not revoked. */
  sessionsOf(person: string): Promise<SessionRow[]>;
  insertSession(row: SessionRow): Promise<void>;
  /** Every one of an erased person, revoked ones included. */
  deleteSessionsOf(person: string): Promise<void>;
  updateSession(
    id: string,
    change: Partial<Pick<SessionRow, 'digest' | 'previous' | 'rotatedAt' | 'lastSeenAt' | 'revokedAt'>>,
  ): Promise<void>;
  /** False when this assertion was used before. Entries that are over are dropped. */
  useAssertion(digest: string, until: number, now: number): Promise<boolean>;
  proposal(id: string): Promise<ProposalRow | undefined>;
  insertProposal(row: ProposalRow): Promise<void>;
  decideProposal(
    id: string,
    decision: { readonly [K in 'decision' | 'decidedBy' | 'decidedAt']: NonNullable<ProposalRow[K]> },
  ): Promise<void>;
  keptAnswer(key: string): Promise<KeptAnswerRow | undefined>;
  /** Replaces the one with this key. */
  saveKeptAnswer(row: KeptAnswerRow): Promise<void>;
  deleteKeptAnswer(key: string): Promise<void>;
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
  /** Newest first, revoked ones included. */
  invitations(limit: number): Promise<InvitationRow[]>;
  /** Newest first. */
  waitingIdentities(limit: number): Promise<WaitingIdentityRow[]>;
  /** Newest first, decided ones included; without the text. */
  proposals(limit: number): Promise<Omit<ProposalRow, 'text'>[]>;
  proposal(id: string): Promise<ProposalRow | undefined>;
  /** Of one person where given, else all; newest first, revoked and ended ones included. */
  sessions(limit: number, person?: string): Promise<SessionRow[]>;
  /** Saves [session id, milliseconds] pairs as `saveLastUse` does. */
  saveSessionsSeen(entries: ReadonlyArray<readonly [string, number]>): Promise<void>;
  /** Drops what nobody needs any more: sessions and kept answers that ended before `before`, identities that waited since then. */
  purge(before: { readonly sessions: number; readonly answers: number; readonly waiting: number }): Promise<void>;
  /** Writes a consistent copy of the whole store to this path, which must not exist. */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}
