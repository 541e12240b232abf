/** The directory compiled for the path of a call: immutable, in memory, found by digest. */
import type { Caller } from '../journal/bodies.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type {
  CredentialRow,
  DirectoryState,
  GrantRow,
  IdentityRow,
  PartyRow,
  PolicyRevisionRow,
  StopRow,
  TeamRow,
} from '../store/ports.ts';
import type { Principal } from './principal.ts';
import { compileSessions, type SessionIndex } from './session-index.ts';
import { isActiveAt } from './validity.ts';

/** A credential with its owner. */
export interface Entry {
  readonly credential: CredentialRow;
  readonly owner: PartyRow;
}

/** What is stopped, compiled for lookup. */
export interface Stops {
  /** In order of their ids. */
  readonly all: readonly StopRow[];
  /** By `per_…` or `svc_…`. */
  readonly byParty: ReadonlyMap<string, StopRow>;
  /** By `key_…`. */
  readonly byKey: ReadonlyMap<string, StopRow>;
  /** By the session id that a client names. */
  readonly bySession: ReadonlyMap<string, StopRow>;
  /** Their subjects are patterns. */
  readonly models: readonly StopRow[];
  /** By the upstream's name. */
  readonly byUpstream: ReadonlyMap<string, StopRow>;
  readonly everything: StopRow | null;
}

export interface DirectorySnapshot extends SessionIndex {
  /** `dir-<sequence>`; records name it. */
  readonly version: string;
  readonly sequence: number;
  /**
   * By SHA-256 of the credential. A Map lookup takes time that depends on the digest, which teaches an attacker nothing: to
   * steer a digest towards a stored one takes as long as finding a preimage, and the secret behind it has 202 random bits.
   */
  readonly byDigest: ReadonlyMap<string, Entry>;
  /** By credential id. */
  readonly credentials: ReadonlyMap<string, Entry>;
  readonly parties: ReadonlyMap<string, PartyRow>;
  /** By id. */
  readonly teams: ReadonlyMap<string, TeamRow>;
  /** By lower-case name, as policies compare; of two that differ in case alone the first made. */
  readonly teamsByName: ReadonlyMap<string, TeamRow>;
  readonly stops: Stops;
  /** Not revoked, and not over when the store was read; whether one is in force is asked of its times. */
  readonly grants: readonly GrantRow[];
  /** The revision in force; null before the first: then nothing is allowed. */
  readonly policy: PolicyRevisionRow | null;
  /** By `per_…`; people without one are not in it. */
  readonly identitiesOf: ReadonlyMap<string, readonly IdentityRow[]>;
  /** `okta/eng`: the groups of this person at every provider, at the last sign-in there. The same list each time it is asked for. */
  readonly groupsOf: (person: string) => readonly string[];
}

/** Why a digest is no principal. */
export interface RefusedCredential {
  readonly refused: Extract<
    ErrorCode,
    'credential_unknown' | 'credential_revoked' | 'credential_expired' | 'owner_disabled'
  >;
  /** Whom the credential belongs to, for the journal; null for an unknown digest. */
  readonly known: Caller | null;
  /** Milliseconds since the epoch; set with `credential_expired`. */
  readonly expired: number | null;
}

export type Resolution = Principal | RefusedCredential;

/** Compiles the store's rows. A credential or session whose owner is missing is left out: it can only be unknown. */
export function compileDirectory(state: DirectoryState): DirectorySnapshot {
  const parties = new Map(state.parties.map((row) => [row.id, row]));
  const byDigest = new Map<string, Entry>();
  const credentials = new Map<string, Entry>();
  for (const credential of state.credentials) {
    const owner = parties.get(credential.owner);
    if (owner === undefined) continue;
    const entry = { credential, owner };
    byDigest.set(credential.digest, entry);
    credentials.set(credential.id, entry);
  }
  const teams = new Map(state.teams.map((row) => [row.id, row]));
  const identitiesOf = Map.groupBy(state.identities, ({ person }) => person);
  return {
    version: `dir-${state.sequence}`,
    sequence: state.sequence,
    byDigest,
    credentials,
    parties,
    teams,
    teamsByName: byName(state.teams),
    stops: compileStops(state.stops),
    grants: state.grants,
    policy: state.policy,
    identitiesOf,
    groupsOf: groupsBy(identitiesOf),
    ...compileSessions(state.sessions, parties),
  };
}

const NO_GROUPS: readonly string[] = Object.freeze([]);

/** Put together when first asked for: most calls are of few people, and nobody's groups change within a snapshot. */
function groupsBy(identitiesOf: ReadonlyMap<string, readonly IdentityRow[]>): (person: string) => readonly string[] {
  const made = new Map<string, readonly string[]>();
  return (person) => {
    const identities = identitiesOf.get(person);
    if (identities === undefined) return NO_GROUPS;
    const known = made.get(person);
    if (known !== undefined) return known;
    const groups = identities.flatMap(({ provider, groups: own }) =>
      own.map((group) => `${provider.toLowerCase()}/${group}`),
    );
    made.set(person, groups);
    return groups;
  };
}

function byName(teams: readonly TeamRow[]): Map<string, TeamRow> {
  const found = new Map<string, TeamRow>();
  for (const row of teams) if (!found.has(row.name.toLowerCase())) found.set(row.name.toLowerCase(), row);
  return found;
}

function compileStops(all: readonly StopRow[]): Stops {
  const of = (target: StopRow['target']): StopRow[] => all.filter((row) => row.target === target);
  const bySubject = (target: StopRow['target']): Map<string, StopRow> =>
    new Map(of(target).flatMap((row) => (row.subject === null ? [] : [[row.subject, row] as const])));
  return {
    all,
    byParty: bySubject('party'),
    byKey: bySubject('key'),
    bySession: bySubject('session'),
    models: of('model'),
    byUpstream: bySubject('upstream'),
    everything: of('everything')[0] ?? null,
  };
}

/** Why this credential is not valid at `now`, or null. It is valid up to, not including, the millisecond it expires at. */
export function refusalOf({ credential, owner }: Entry, now: number): RefusedCredential['refused'] | null {
  if (credential.revokedAt !== null) return 'credential_revoked';
  const over = credential.expiresAt !== null && now >= credential.expiresAt;
  // Replaced and past its overlap: its owner has the new one, so this reads like a revocation.
  if (over) return credential.rotatedTo === null ? 'credential_expired' : 'credential_revoked';
  return isActiveAt(owner, now) ? null : 'owner_disabled';
}

/** Who holds the credential with this digest at `now` (milliseconds since the epoch), or why nobody does. */
export function resolve(snapshot: DirectorySnapshot, digest: string, now: number): Resolution {
  const entry = snapshot.byDigest.get(digest);
  if (entry === undefined) return { refused: 'credential_unknown', known: null, expired: null };
  const { credential, owner } = entry;
  const refused = refusalOf(entry, now);
  if (refused !== null) {
    const known = { who: owner.id, key: credential.id, team: owner.team };
    return { refused, known, expired: refused === 'credential_expired' ? credential.expiresAt : null };
  }
  return {
    kind: owner.kind,
    id: owner.id,
    team: owner.team,
    keyTeam: credential.team,
    role: owner.role,
    credential: { id: credential.id, kind: credential.kind, expires: credential.expiresAt },
    snapshot: snapshot.version,
  };
}
