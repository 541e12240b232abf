/** What a policy document compiles to, and what is asked of it. Pure data: no clock, no directory, no I/O. */

/** Who asks, in the words a policy uses. Built from the verified principal, never from what a client claims. */
export interface Subject {
  readonly kind: 'person' | 'service';
  /** `per_…` or `svc_…`. */
  readonly id: string;
  /** E-mail address (lower case) of a person, name of a service; null once erased. */
  readonly name: string | null;
  /** `key_…`. */
  readonly key: string;
  /** Names of every team it belongs to, verified. */
  readonly teams: readonly string[];
  /** Name of the team this call is charged to: one of `teams`, or null while it is in none. */
  readonly team: string | null;
  /** `okta/eng-payments`: groups of the person at each provider, at the last sign-in there. */
  readonly groups: readonly string[];
}

/** What is asked for: a model by the name in the request, or a capability of the provider's side such as `web_search`. */
export interface Resource {
  readonly kind: 'model' | 'capability';
  readonly name: string;
}

export interface Question {
  readonly subject: Subject;
  readonly resource: Resource;
  /** Milliseconds since the epoch: rules may end. */
  readonly now: number;
}

export type Effect = 'allow' | 'ask' | 'deny';
export type Mode = 'enforce' | 'observe';

/** Where in the document something stands. */
export interface Place {
  /** `access[2]`, `models.allowed`, `budgets[0]`. */
  readonly path: string;
  /** From 1; 0 for what no line says. */
  readonly line: number;
  /** The entry as a sentence: `allow claude-opus-* to team research until 2026-12-31`. */
  readonly text: string;
}

/** What a rule, rate or budget in observe mode would have done: recorded, not enforced. */
export interface Observation {
  readonly code: string;
  /** `Place.path` of what would have refused. */
  readonly rule: string;
}

export interface Decision {
  readonly effect: Effect;
  /** What decided; null when nothing allows (closed by default). */
  readonly place: Place | null;
  /** For the person who is refused, and for the record: which rule decided, without a full stop. */
  readonly reason: string;
  /** The `because` of the rule that decided. */
  readonly because: string | null;
  /** Would-be refusals of rules that only observe, and of the whole policy in observe mode. */
  readonly observed: readonly Observation[];
  /** Of an allowed capability: the most uses the rules permit in one call; null for no bound. */
  readonly maxUses: number | null;
}

/** One entry of `access` or `server_side`. */
export interface AccessRule {
  readonly place: Place;
  readonly effect: Effect;
  readonly resource: Resource['kind'];
  /** Patterns as written, aliases resolved: a name, or one with `*`. */
  readonly patterns: readonly string[];
  readonly to: readonly SubjectPattern[];
  /** Milliseconds since the epoch; the rule does not apply from then on. Null for no end. */
  readonly until: number | null;
  readonly because: string | null;
  readonly mode: Mode;
  readonly maxUses: number | null;
}

export type SubjectPattern =
  | { readonly kind: 'everyone' }
  /** `id` is a name in lower case or an id: a team's name, an address or `per_…`, a service's name or `svc_…`, `key_…`. */
  | { readonly kind: 'team' | 'person' | 'service' | 'key'; readonly id: string }
  /** A group of one provider: `id` is `okta/eng-payments`, the provider in lower case, the group exactly as the provider writes it. */
  | { readonly kind: 'group'; readonly id: string };

export type Scope = 'organization' | 'team' | 'person' | 'service' | 'key' | 'model';

/** Whom a rate or budget counts, one counter for each. */
export interface Counted {
  readonly scope: Scope;
  /** Names or ids the line is for; null for each of that scope. Of scope `model`: patterns. */
  readonly only: readonly string[] | null;
  /** Calls to other models do not count; null for all. Aliases resolved. */
  readonly models: readonly string[] | null;
}

export interface RateLine extends Counted {
  readonly place: Place;
  readonly mode: Mode;
  /** Most in any 60 seconds; null for no limit. */
  readonly requests: number | null;
  readonly countTokens: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Most calls open at once; null for no limit. */
  readonly concurrent: number | null;
}

export type Period = 'day' | 'week' | 'month' | 'lifetime';

export interface BudgetLine extends Counted {
  readonly place: Place;
  readonly mode: Mode;
  /**
   * The same for the same scope, models and period in every revision of the document, whatever the limit and order: spending
   * is found again by it. For example `team/month` or `person/day/claude-opus-*`.
   */
  readonly id: string;
  readonly period: Period;
  /** Micro-dollars; 0 blocks. */
  readonly limit: number;
  /** Other limits of named ones, by lower-case name or id. */
  readonly except: ReadonlyMap<string, number>;
  readonly hold: 'strict' | 'estimate';
  /** Fractions of the limit at which people are told, ascending. */
  readonly warn: readonly number[];
  /** What to do when it is spent, in the operator's words; null for none. */
  readonly whenSpent: string | null;
  /** What becomes of a running stream when the budget is spent under it. */
  readonly atCap: 'finish' | 'end';
}

export interface PolicyTeam {
  readonly name: string;
  readonly costCenter: string | null;
  /** E-mail address in lower case of whoever leads the team; null where none is named. */
  readonly lead: string | null;
  /** Everybody who leads it: `lead` and the `leads` of the document, people and groups. */
  readonly leads: readonly SubjectPattern[];
  /** Groups whose people belong to it. */
  readonly groups: readonly SubjectPattern[];
}

/** What of the policy two people must agree on: an author proposes, somebody else approves. */
export type TwoPeopleKind =
  /** Identity providers and their references to secrets; roles. */
  | 'credentials'
  /** More content is kept, of more people, or for longer. */
  | 'content'
  /** A deny, a ceiling, a strict budget, a rate, `require_sso`, or the rule of two people itself becomes weaker. */
  | 'controls'
  /** Prices and budgets of the whole organization. */
  | 'billing';

/** How a provider is asked for a token. The references name secrets; they are resolved only where the operator allows it. */
export type ClientAuthentication =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: string }
  /** RFC 7523: signed with a private key (PEM, PKCS #8). `alg` null takes what fits the key; `keyId` null sends none. */
  | {
      readonly method: 'private_key_jwt';
      readonly key: string;
      readonly keyId: string | null;
      readonly alg: string | null;
    }
  /** A public client: PKCE alone. */
  | { readonly method: 'none' };

export interface ProviderBase {
  readonly place: Place;
  /** As written, compared in lower case; stands in addresses: letters, digits, `-`, at most 32. */
  readonly name: string;
  /** For the button of the sign-in page; null shows the name. */
  readonly label: string | null;
  /** Domains of e-mail addresses that enter only here, in lower case. */
  readonly domains: readonly string[];
}

/** An OpenID Connect provider. */
export interface OidcProvider extends ProviderBase {
  readonly kind: 'oidc';
  /** Compared byte for byte with `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly authentication: ClientAuthentication;
  /** `openid` among them. */
  readonly scopes: readonly string[];
  /**
   * Where groups stand in the claims: the name of one claim (which may contain dots, as `https://acme.com/groups` does), or the names
   * from the outside in, as `["realm_access", "roles"]`. Null for a provider without groups.
   */
  readonly groupsClaim: readonly string[] | null;
  /** Who is asked when the token does not say them all. `entra`: Microsoft Graph, on overage. `google`: Cloud Identity. */
  readonly groupsFrom: 'claims' | 'entra' | 'google';
  /** How far the clocks may differ, milliseconds. */
  readonly skewMs: number;
  /** The provider vouches for addresses without `email_verified` (Entra ID sends none). */
  readonly trustsEmail: boolean;
}

/** A SAML 2.0 identity provider. Nothing of it is secret. */
export interface SamlProvider extends ProviderBase {
  readonly kind: 'saml';
  /** Its metadata: where it is fetched, or as text. Null where the next three say everything. */
  readonly metadata: { readonly url: string } | { readonly xml: string } | null;
  /** Entity id of the provider; null takes the one of the metadata, which must then name one provider. */
  readonly entityId: string | null;
  readonly signInUrl: string | null;
  /** Signing certificates, PEM. Used beside those of the metadata. */
  readonly certificates: readonly string[];
  /** Attributes by their names; null takes the NameID for the subject and the usual names for the rest. */
  readonly attributes: {
    readonly subject: string | null;
    readonly email: string | null;
    readonly name: string | null;
    readonly groups: string | null;
  };
  /** Assertions must come encrypted. */
  readonly encrypted: boolean;
  /** Responses that nobody asked for are taken. Default false: such a link signs its victim in as somebody else. */
  readonly unsolicited: boolean;
  readonly skewMs: number;
}

export type IdentityProvider = OidcProvider | SamlProvider;

/** `identity`: who people are. */
export interface IdentityPolicy {
  /** No way in but a provider (and the sealed break-glass owner). */
  readonly requireSso: boolean;
  /** By name in lower case, in the order of the document. */
  readonly providers: ReadonlyMap<string, IdentityProvider>;
  /** Who is admin and auditor by the policy. The primary owner stands in the directory: an admin who writes policy must not become it. */
  readonly roles: { readonly [role in 'admin' | 'auditor']: readonly SubjectPattern[] };
}

/** `retention`: whose content is kept. The nearest line decides: a key's, its owner's, groups', the charged team's. */
export interface RetentionPolicy {
  /** What holds where no line does. */
  readonly fallback: boolean;
  readonly lines: readonly { readonly pattern: SubjectPattern; readonly keep: boolean }[];
}

/** A contract price: instead of the list price of the models it names, or a discount on it. */
export interface PriceOverride {
  readonly place: Place;
  readonly models: readonly string[];
  /** Milliseconds since the epoch; null for open ends. `until` is not included. */
  readonly from: number | null;
  readonly until: number | null;
  /** Fraction off the list price, as written (`"0.12"`), or null. */
  readonly discount: string | null;
  /** USD per million tokens as decimal text, by class; absent classes keep the list price. */
  readonly usd: Readonly<
    Partial<Record<'input' | 'cache_write_5m' | 'cache_write_1h' | 'cache_read' | 'output', string>>
  >;
}

/** A problem that does not keep the policy from being used, or a remark: rules that never apply, contradictions, callers without a cap. */
export interface Finding {
  readonly severity: 'warning' | 'note';
  readonly code:
    | 'never_applies'
    | 'contradiction'
    | 'uncapped'
    | 'expired'
    | 'unknown_name'
    | 'observes'
    | 'duplicate'
    | 'sign_in';
  readonly place: Place;
  readonly message: string;
}

/** A document, compiled. Immutable. */
export interface CompiledPolicy {
  readonly organization: string | null;
  /** IANA name; `UTC` unless the document says otherwise. */
  readonly timeZone: string;
  readonly mode: Mode;
  readonly teams: ReadonlyMap<string, PolicyTeam>;
  /** Teams of a person or service by lower-case name, from `teams.*.members`, in the order of the document. */
  readonly memberships: ReadonlyMap<string, readonly string[]>;
  readonly rules: readonly AccessRule[];
  /** The ceiling `models.allowed`; null where the document has none. */
  readonly ceiling: { readonly place: Place; readonly patterns: readonly string[] } | null;
  readonly rates: readonly RateLine[];
  readonly budgets: readonly BudgetLine[];
  readonly prices: readonly PriceOverride[];
  readonly unknownPrice: 'pessimistic' | 'refuse';
  readonly identity: IdentityPolicy;
  /** What needs a second person. */
  readonly twoPeople: ReadonlySet<TwoPeopleKind>;
  readonly retention: RetentionPolicy;
  /** Whether the content of this subject's calls is kept. */
  keepsContent(subject: Subject): boolean;
  decide(question: Question): Decision;
}
