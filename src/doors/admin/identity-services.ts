/** What the admin door asks about people, roles, sessions and identity providers. */
import type { CheckedPoint } from '../../identity/ports.ts';
import type { AssignedRole, Role } from '../../identity/principal.ts';
import type { InvitationRow, SessionRow, WaitingIdentityRow } from '../../store/ports.ts';

/** What somebody may do with Gatehouse, and why. */
export interface Standing {
  readonly role: Role;
  /** For people to read; names no person. */
  readonly reason: string;
  /** `tea_…`: teams that they lead, whatever the role is. */
  readonly leads: ReadonlySet<string>;
}

/** A session as lists show it: nothing that opens it. */
export interface SessionListing
  extends Pick<
    SessionRow,
    'id' | 'person' | 'provider' | 'label' | 'createdAt' | 'lastSeenAt' | 'expiresAt' | 'revokedAt'
  > {
  /** Whether it works now: neither revoked nor over, by time, by disuse or with its person. */
  readonly open: boolean;
}

/** An identity provider of the policy in force. */
export interface ProviderReport {
  readonly name: string;
  readonly label: string | null;
  readonly protocol: 'oidc' | 'saml';
  readonly domains: readonly string[];
  /** Issuer, or entity id where the policy says it; null where only the metadata does. */
  readonly issuer: string | null;
  /** Where it sends browsers back to; null while it is not known how browsers reach this gateway. */
  readonly callback: string | null;
  /** `untried` since the start, or since its settings changed. */
  readonly state: 'ok' | 'failing' | 'untried';
  /** Why it fails; null while it does not. Without secrets. */
  readonly trouble: string | null;
}

interface Asked {
  readonly actor: string;
  readonly reason: string | null;
}

/** More verbs of identity/changes.ts. */
export interface IdentityChanges {
  linkIdentity(input: Asked & { readonly waiting: string }): Promise<{ person: string }>;
  unlinkIdentity(input: Asked & { readonly provider: string; readonly subject: string }): Promise<void>;
  discardWaiting(input: Asked & { readonly waiting: string }): Promise<void>;
  invite(input: Asked & Pick<InvitationRow, 'email' | 'provider' | 'sponsor' | 'endsAt'>): Promise<{ id: string }>;
  extendInvitation(input: Asked & { readonly invitation: string; readonly endsAt: number }): Promise<void>;
  revokeInvitation(input: Asked & { readonly invitation: string }): Promise<void>;
  revokeSession(input: Asked & { readonly session: string }): Promise<void>;
  revokeSessionsOf(input: Asked & { readonly person: string }): Promise<void>;
  setRole(
    input: Asked & { readonly person: string; readonly role: Exclude<AssignedRole, 'primary_owner'> },
  ): Promise<void>;
  transferOwner(input: Asked & { readonly to: string }): Promise<void>;
  sealBreakGlass(input: { readonly actor: string }): Promise<{ secret: string }>;
}

export interface IdentityServices {
  /** Where browsers reach this gateway; null while it is only known from each request on this machine. */
  readonly publicUrl: URL | null;
  /** The role of a person at this moment; `member` for an id that nobody has. */
  readonly standing: (person: string) => Standing;
  /** `tea_…`: every team that this person or service belongs to by directory, policy and groups, the one charged by itself first. */
  readonly teamsOf: (party: string) => readonly string[];
  /**
   * What is left of a team's own limits now, micro-dollars: the least over the enforced budgets of scope team that count it for all
   * models, of limit and grants less what is spent and held; never negative. Null where no such budget is known.
   */
  readonly teamHeadroom: (team: string) => number | null;
  /**
   * Whether a lead of this team may approve these models for it: the policy in force answers `ask` or `allow` to the team, as such and
   * not to one of its people, for every model that the name or pattern can mean, and denies none.
   */
  readonly teamMayAsk: (team: string, models: string) => boolean;
  /** Newest first, ended and revoked ones included; of one person where given. */
  readonly sessions: (limit: number, person?: string) => Promise<readonly SessionListing[]>;
  /** Newest first. */
  readonly waitingIdentities: (limit: number) => Promise<readonly WaitingIdentityRow[]>;
  /** Newest first, revoked and ended ones included. */
  readonly invitations: (limit: number) => Promise<readonly InvitationRow[]>;
  /** In the order of the policy. `base`: where the caller's browser reaches this gateway, null where that is not known. */
  readonly providers: (base: URL | null) => readonly ProviderReport[];
  /** Looks at everything that can be looked at without a person. Null for a name that the policy in force does not have. */
  readonly testProvider: (name: string, base: URL) => Promise<readonly CheckedPoint[] | null>;
  /** Whether an envelope of the primary owner is sealed. */
  readonly breakGlassSealed: () => Promise<boolean>;
}
