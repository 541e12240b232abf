/** What every identity provider can do, whichever protocol it speaks. `oidc/` and `saml/` implement it. */
import type { JsonObject } from '../journal/records.ts';

/** Where the browser is sent, and what must come back with it. */
export interface Begun {
  /** Address at the provider, to redirect the browser to. */
  readonly location: string;
  /** What `finish` needs; sealed into a cookie of this browser, so at most 2 KB as JSON. */
  readonly remember: JsonObject;
}

/** What the browser brought back. */
export interface Returned {
  /** Address of ours that the provider was told to send the browser to, without the query. */
  readonly callback: string;
  /** OIDC: the query. SAML: the form. Bounded by the door to 256 KiB. */
  readonly parameters: URLSearchParams;
  /** From `begin`; null where the browser brought no such cookie (an unsolicited response). */
  readonly remembered: JsonObject | null;
}

/** Somebody, as the provider proved it. */
export interface ProvenIdentity {
  readonly provider: string;
  /** Issuer or entity id that proved it: a subject means nobody at another one. */
  readonly issuer: string;
  /** Never empty; at most 255 characters. */
  readonly subject: string;
  /** In lower case; null where the provider gave none. */
  readonly email: string | null;
  /** The provider has checked that the address is theirs; null where it does not say. */
  readonly emailVerified: boolean | null;
  /** For showing; null for none. Never decided on. */
  readonly name: string | null;
  /** As the provider writes them; at most 2,000 of at most 256 characters. */
  readonly groups: readonly string[];
  /** The session may not last longer, milliseconds since the epoch; null where the provider does not say. */
  readonly until: number | null;
  /** SAML: SHA-256 of issuer and assertion id, which may be used once, and until when to remember it. */
  readonly once: { readonly digest: string; readonly until: number } | null;
}

/** One thing that `test` looked at. */
export interface CheckedPoint {
  /** `discovery`, `keys`, `clock`, `secret`, `certificate`, `groups`, … */
  readonly point: string;
  readonly state: 'ok' | 'warning' | 'failed';
  /** In plain words: what was found, and what to do about it. */
  readonly message: string;
}

export interface ProviderClient {
  readonly name: string;
  readonly protocol: 'oidc' | 'saml';
  /** `state` is a fresh random text, to come back as `state` (OIDC) or `RelayState` (SAML). Rejects with a SignInFailure. */
  begin(input: {
    readonly callback: string;
    readonly state: string;
    readonly loginHint: string | null;
  }): Promise<Begun>;
  /** The door has compared the state. Rejects with a SignInFailure; whatever is in doubt is a failure (P8). */
  finish(returned: Returned): Promise<ProvenIdentity>;
  /** Looks at everything that can be looked at without a person. Never rejects. */
  test(input: { readonly callback: string }): Promise<readonly CheckedPoint[]>;
}
