/** What the tests and the process of a provider say to each other. */

/** Claims of somebody who can sign in, by the name they type at the provider, which is their subject. */
export type Accounts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** How one provider is set up. */
export interface ProviderSetup {
  /** Where it listens; the issuer is the origin. */
  readonly host: 'localhost' | '127.0.0.1';
  readonly port: number;
  /** Addresses at the gateway. */
  readonly redirectUris: readonly string[];
  readonly accounts: Accounts;
  /** The client that proves itself by this secret (`client_secret_basic`)… */
  readonly secret?: string;
  /** …or by this public key (`private_key_jwt`, RFC 7523). */
  readonly clientKey?: object;
  /** Of ID tokens. */
  readonly alg: 'RS256' | 'ES256' | 'PS256';
  /** Whether groups and address stand in the ID token too, or only in the userinfo answer, as the standard has it. */
  readonly claimsInIdToken: boolean;
}

/** How the next ID tokens are falsified. */
export interface Forgery {
  /**
   * `honest`: with the key that is published. `stranger`: with another one under the same key id. `none`: not at all (RFC 7518 §3.6).
   * `public`: HS256 with the text of the public key as the secret. `embedded`: by a stranger whose key stands in the header.
   */
  readonly sign: 'honest' | 'stranger' | 'none' | 'public' | 'embedded';
  /** Claims to put in; null takes one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Orders to the provider. */
export interface Orders {
  /** New keys; the old ones are published no longer. */
  rotate: null;
  /** Falsify ID tokens like this; null for honest ones. */
  forge: Forgery | null;
  /** How far its clock is wrong, milliseconds. */
  clock: number;
  /** Take requests whose path begins like this and never answer them; null for none. */
  hang: string | null;
  /** Take connections or refuse them. */
  listen: boolean;
  /** People as they are from now on. */
  accounts: Accounts;
  /** Paths that were asked for since it was asked last. */
  asked: null;
}
