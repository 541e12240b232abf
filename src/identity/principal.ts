/** Who is calling, as verified: what policy decides on and records name. Never built from anything a client merely claims. */
export interface Principal {
  readonly kind: 'person' | 'service';
  /** `per_…` or `svc_…`. */
  readonly id: string;
  /** `tea_…`, or null while the owner is in no team. */
  readonly team: string | null;
  /** `tea_…` that the credential names for its charges, which counts only where the owner belongs to it; null for none. */
  readonly keyTeam: string | null;
  /** The highest that the directory, the policy and the groups of the provider give. */
  readonly role: Role;
  readonly credential: {
    /** `key_…` for virtual keys, `adm_…` for admin tokens, `ses_…` for browser sessions. */
    readonly id: string;
    readonly kind: CredentialKind;
    /** Milliseconds since the epoch, or null for none. */
    readonly expires: number | null;
  };
  /** Version of the directory snapshot that said so. */
  readonly snapshot: string;
}

/**
 * What somebody may do with Gatehouse itself, highest first; the highest wins. `primary_owner`: everything, billing included; exactly
 * one. `admin`: people, policies, audit. `auditor`: reads everything but content, changes nothing. `team_lead`: usage, keys and exceptions of the
 * own teams. `member`: the own account.
 */
export const ROLES = ['primary_owner', 'admin', 'auditor', 'team_lead', 'member'] as const;
export type Role = (typeof ROLES)[number];
/** What the directory may say of a party by itself; a team lead is one by the policy. */
export type AssignedRole = Exclude<Role, 'team_lead'>;

/** `key` opens the model door only; `admin` (for machines) and `session` (for browsers) open /api only. */
export type CredentialKind = 'key' | 'admin' | 'session';
/** Credentials that are handed out as text. */
export type KeyKind = Exclude<CredentialKind, 'session'>;
