/** What the admin door asks of the rest of the house; main.ts builds it. No store, no upstream: only verbs and views. */
import type { IncomingHttpHeaders } from 'node:http';
import type { AssignedRole, Principal, Role } from '../../identity/principal.ts';
import type { Caller } from '../../journal/bodies.ts';
import type { Head, JournalRecord, RecordKind } from '../../journal/records.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Projections } from '../../projections/ports.ts';
import type { CredentialListing, DirectoryState, GrantRow, StopRow } from '../../store/ports.ts';
import type { IdentityChanges, IdentityServices } from './identity-services.ts';
import type { PolicyServices } from './policy-services.ts';

/** A request as it came to this door, before anybody is known. */
export interface AdminRequest {
  readonly headers: IncomingHttpHeaders;
  /** What the cookie of the session holds; null for none: then the credential stands in the headers. Never both. */
  readonly session: string | null;
  /** Address of the peer of the connection. */
  readonly peer: string;
}

/** Who is calling. */
export interface AdminCaller {
  /** Its role is the highest that the directory, the policy and the groups of the provider give. */
  readonly principal: Principal;
  /** `tea_…`: teams that the caller leads, whatever the role is. */
  readonly teams: readonly string[];
  /** Why the caller has this role, for people to read. */
  readonly roleReason: string;
  /** The token that changes by this session must carry; null for an admin token. */
  readonly csrf: string | null;
  /** The secret to put into the cookie in place of the one that came; null where it stays. Milliseconds since the epoch: the latest end. */
  readonly renewed: { readonly secret: string; readonly expiresAt: number } | null;
}

/** A record that goes to whoever follows the events. */
export interface Following {
  /** Records after this position of the chain; null for those from now on. */
  readonly afterSeq: number | null;
  /** Only these kinds; null for all. */
  readonly kinds: readonly RecordKind[] | null;
  /** Ends it: the iterator is done soon after, also while it waits. */
  readonly signal: AbortSignal;
}

/** What became of a request with an idempotency key. */
export type BegunAnswer =
  /** It is the first: answer it, then `keep` or `drop`. */
  | { readonly state: 'begun' }
  | { readonly state: 'kept'; readonly status: number; readonly body: string }
  /** The first is being answered, or broke off with the process: nobody knows whether it was done. */
  | { readonly state: 'busy' }
  /** The key came with another request. */
  | { readonly state: 'other' };

/**
 * Answers to requests with idempotency keys, for 24 hours and sealed: they may hold secrets. `key` and `request` are SHA-256, lower-case
 * hex, of caller, operation and key, and of address, body and precondition.
 */
export interface AnswerKeeper {
  /** Atomic: of two at the same time one begins and the other is busy. */
  begin(key: string, request: string): Promise<BegunAnswer>;
  keep(
    key: string,
    answer: { readonly request: string; readonly status: number; readonly body: string },
  ): Promise<void>;
  /** Forgets that it was begun: it may be tried again. */
  drop(key: string): Promise<void>;
}

/** A credential as it is made: the secret is in nobody's hands but the caller's. */
export interface Issued {
  readonly id: string;
  /** The whole credential. Shown once. */
  readonly secret: string;
}

/** A key or admin token as it is asked for. */
export interface NewKey {
  readonly actor: string;
  readonly owner: string;
  readonly kind: 'key' | 'admin';
  readonly label: string;
  readonly expiresAt: number | null;
  /** `tea_…` its calls are charged to; one of the owner's own. */
  readonly team: string | null;
}

/** A grant as it is asked for; it begins at once. */
export type NewGrant = Pick<GrantRow, 'kind' | 'scope' | 'subject' | 'models' | 'micros' | 'endsAt' | 'reason'> & {
  readonly actor: string;
};

/**
 * The verbs of identity/changes.ts. Each is one transaction of the change and its outbox row, resolves when the change is
 * in force in this process (P3), and throws a ChangeError when it cannot be done. `actor` is the id of who asks.
 */
export interface AdminChanges extends IdentityChanges {
  claimOwner(input: { secret: string; email: string }): Promise<{ person: string; token: string }>;
  addPerson(input: {
    actor: string;
    email: string;
    team: string | null;
    role: Exclude<AssignedRole, 'primary_owner'>;
  }): Promise<{ id: string }>;
  setPersonTeam(input: { actor: string; person: string; team: string | null; reason: string | null }): Promise<void>;
  disableParty(input: { actor: string; party: string; reason: string | null }): Promise<void>;
  enableParty(input: { actor: string; party: string; reason: string | null }): Promise<void>;
  erasePerson(input: { actor: string; person: string; reason: string | null }): Promise<void>;
  addTeam(input: { actor: string; name: string }): Promise<{ id: string }>;
  ensureService(input: { actor: string; name: string; team: string | null }): Promise<{ id: string }>;
  createKey(input: NewKey): Promise<Issued>;
  rotateKey(input: { actor: string; key: string; overlapMs: number }): Promise<Issued>;
  revokeCredential(input: { actor: string; credential: string; reason: string | null }): Promise<void>;
  /** The id of the stop in force; that of the first when the same was stopped already. */
  stop(input: {
    actor: string;
    target: StopRow['target'];
    subject: string | null;
    reason: string;
  }): Promise<{ id: string }>;
  liftStop(input: { actor: string; stop: string; reason: string | null }): Promise<void>;
  grant(input: NewGrant): Promise<{ id: string }>;
  revokeGrant(input: { actor: string; grant: string; reason: string | null }): Promise<void>;
}

/** A refused request, to be recorded for known callers and counted for strangers (P1). */
export interface RefusedRequest {
  /** Null for a stranger. A revoked key or a disabled owner is still known. */
  readonly caller: Caller | null;
  readonly code: string;
  readonly status: number;
  /** Never shown to the caller. */
  readonly detail: string | null;
  /** What was asked for, such as `POST /api/keys`; the pattern, not the values. */
  readonly operation: string;
  readonly headers: IncomingHttpHeaders;
  /** Address of the peer of the connection. */
  readonly peer: string;
}

export interface DiskReport {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** When the disk is full at the present speed of writing, milliseconds since the epoch; null when not in sight. */
  readonly fullAt: number | null;
  readonly state: 'ok' | 'low' | 'stopped';
}

export interface BackupReport {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
  /** Position of the journal that the backup reaches. */
  readonly seq: number;
}

/** A body of a call: kept, unreadable since its person was erased, or not kept. */
export interface ContentPart {
  readonly state: 'kept' | 'erased' | 'none';
  readonly text: string | null;
}

export interface CallContent {
  readonly request: ContentPart;
  readonly response: ContentPart;
}

export interface AdminServices extends IdentityServices {
  readonly clock: Clock;
  /** Today in the policy's time zone, `YYYY-MM-DD`, which is what calls are booked on. Absent: the day in UTC. */
  readonly today?: () => string;
  /** Version of Gatehouse. */
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /**
   * Verified caller of a request to this door. Rejects with an IdentityRefusal: `wrong_door` for a virtual key, `session_ended` and
   * `session_elsewhere` for a cookie.
   */
  readonly identify: (request: AdminRequest) => Promise<AdminCaller>;
  /**
   * The role that this caller has at this moment; null once the credential, its owner or the session has ended. From memory: it is
   * asked every second while somebody follows the events (P3).
   */
  readonly roleNow: (principal: Principal) => Role | null;
  /** The directory as of now, the newest committed change included. */
  readonly directory: () => Promise<DirectoryState>;
  /** Credentials with their last use, those of one owner where given. */
  readonly credentials: (owner?: string) => Promise<readonly CredentialListing[]>;
  /** Newest first, lifted ones included. */
  readonly stops: (limit: number) => Promise<readonly StopRow[]>;
  /** Newest first, those that are over included. */
  readonly grants: (limit: number) => Promise<readonly GrantRow[]>;
  readonly changes: AdminChanges;
  readonly policy: PolicyServices;
  readonly answers: AnswerKeeper;
  /** Records of the journal as they become durable, oldest first, each once. */
  readonly follow: (following: Following) => AsyncIterable<JournalRecord>;
  readonly projections: Pick<Projections, 'usage' | 'forecast' | 'unusual' | 'audit' | 'show' | 'rebuild' | 'status'>;
  readonly journal: { readonly head: Head; readonly trouble: string | null };
  /** What was said in the call of this intent; null when there is no such call. */
  readonly content: (intent: string) => Promise<CallContent | null>;
  /** How durable an appended record is. */
  readonly durability: 'synced' | 'written';
  /** Resolves with the id of the record (null for a stranger) once it is durable. */
  readonly recordRefusal: (refused: RefusedRequest) => Promise<string | null>;
  /** Records something done that changes no state of the store: one outbox row, durable before it resolves. */
  readonly recordAction: (action: {
    readonly actor: string;
    readonly action: string;
    readonly subject: string;
    readonly after: { readonly [key: string]: string | number | null };
  }) => Promise<void>;
  readonly disk: () => Promise<DiskReport>;
  readonly upstream: () => { readonly name: string; readonly configured: boolean; readonly simulated: boolean };
  readonly snapshot: () => { readonly policy: string; readonly directory: string };
  /** Sentences an operator should read, such as a durability weaker than the default. */
  readonly warnings: () => readonly string[];
  /** Writes a backup into a new folder of this plain name in the configured backup folder. */
  readonly backup: (name: string) => Promise<BackupReport>;
  /** For what nobody foresaw; never given credentials. */
  readonly log: { error(fields: object, message: string): void };
}
