/** Who is calling, as verified: what policy decides on and records name. Never built from anything a client merely claims. */
export interface Principal {
  readonly kind: 'person' | 'service';
  /** `per_…` or `svc_…`. */
  readonly id: string;
  /** `tea_…`, or null while the owner is in no team. */
  readonly team: string | null;
  /** `tea_…` that the credential names for its charges, which counts only where the owner belongs to it; null for none. */
  readonly keyTeam: string | null;
  readonly role: Role;
  readonly credential: {
    /** `key_…` for virtual keys, `adm_…` for admin tokens. */
    readonly id: string;
    readonly kind: CredentialKind;
    /** Milliseconds since the epoch, or null for none. */
    readonly expires: number | null;
  };
  /** Version of the directory snapshot that said so. */
  readonly snapshot: string;
}

export type Role = 'owner' | 'member';
/** `key` opens the model door only; `admin` opens /api only. */
export type CredentialKind = 'key' | 'admin';
