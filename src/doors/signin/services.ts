/** What the sign-in door asks of the rest of the house; main/ builds it. */
import type { Role } from '../../identity/principal.ts';
import type { Clock } from '../../kernel/clock.ts';

/** A browser, as it shows itself. */
export interface Browser {
  readonly userAgent: string | undefined;
  /** Address of the peer, as trusted proxies give it. */
  readonly peer: string;
}

/** A session for a cookie. */
export interface OpenedSession {
  readonly id: string;
  /** The value of the cookie: 256 random bits. */
  readonly secret: string;
  /** Milliseconds since the epoch: the latest end. */
  readonly expiresAt: number;
}

export interface SignedIn {
  readonly session: OpenedSession;
  /** Where the browser goes on: a path of ours. */
  readonly returnTo: string;
}

/** Who is signed in, for the account page. */
export interface Account {
  readonly person: string;
  readonly email: string | null;
  readonly role: Role;
  /** Why: `group okta/platform-admins, by the policy`. */
  readonly roleReason: string;
  readonly teams: readonly string[];
  /** `okta`, or null for the break-glass owner. */
  readonly provider: string | null;
  readonly groups: readonly string[];
  /** `ses_…` of this browser. */
  readonly session: string;
  readonly csrf: string;
  readonly sessions: readonly {
    readonly id: string;
    readonly label: string;
    readonly createdAt: number;
    readonly lastSeenAt: number;
    readonly expiresAt: number;
  }[];
  /** Whether the cookie must be replaced by this one: secrets rotate. */
  readonly renewed: OpenedSession | null;
}

export interface OfferedProvider {
  readonly name: string;
  /** For the button. */
  readonly label: string;
  readonly protocol: 'oidc' | 'saml';
}

export interface SignInServices {
  readonly clock: Clock;
  /** Where browsers reach this gateway, such as `https://gatehouse.acme.com`; null while it is only known from each request. */
  readonly publicUrl: URL | null;
  readonly organization: () => string | null;
  /** In the order of the policy. */
  readonly providers: () => readonly OfferedProvider[];
  /** The provider whose domains cover this address; null for none. */
  readonly providerOf: (email: string) => string | null;
  /** `flow` is sealed: for a cookie of this browser. Rejects with a SignInFailure. */
  readonly begin: (input: {
    readonly provider: string;
    readonly base: URL;
    readonly returnTo: string;
    readonly loginHint: string | null;
    readonly browser: Browser;
  }) => Promise<{ readonly location: string; readonly state: string; readonly flow: string; readonly endsAt: number }>;
  /** `flow` null where the browser brought no cookie for this state. Rejects with a SignInFailure, which is recorded already. */
  readonly finish: (input: {
    readonly provider: string;
    readonly base: URL;
    readonly parameters: URLSearchParams;
    readonly flow: string | null;
    readonly browser: Browser;
  }) => Promise<SignedIn>;
  /** Opens the sealed way in of the primary owner, and raises an alarm. Rejects with a SignInFailure. */
  readonly breakGlass: (input: { readonly secret: string; readonly browser: Browser }) => Promise<SignedIn>;
  /** Whether a break-glass secret is sealed at all. */
  readonly hasBreakGlass: () => Promise<boolean>;
  /** Null for no valid session in this cookie and browser. */
  readonly account: (secret: string, browser: Browser) => Promise<Account | null>;
  /** Ends one of the caller's own sessions, that of this cookie where none is named. False where the CSRF token is not the session's. */
  readonly signOut: (input: {
    readonly secret: string;
    readonly csrf: string;
    readonly session: string | null;
    readonly browser: Browser;
  }) => Promise<boolean>;
  /** Metadata of the service provider for this SAML provider, XML; null for a name that is no SAML provider. */
  readonly metadata: (provider: string, base: URL) => Promise<string | null>;
  /** Counts somebody whom the door itself turned away, nobody knows who: P1. `code` such as `too_many`. */
  readonly turnedAway: (code: string, browser: Browser) => void;
  /** For what nobody foresaw; never given credentials. */
  readonly log: { error(fields: object, message: string): void };
}
