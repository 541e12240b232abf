/**
 * The closed table of refusals. A code is what policies, records, metrics and the docs call it; the sentence is what the
 * person reads. `docs/errors.md` is checked against this table by a test.
 *
 * Statuses are chosen by what the real Claude Code shows a developer: 402, 423 and 451 are shown whole after one request;
 * 403 and 401 are prefixed with a sign-in hint; 404, 413 and 529 lose our sentence; 400 and 422 are sent again up to eight times.
 */
export interface ErrorEntry {
  /** HTTP status. */
  readonly status: number;
  /** `error.type` in Anthropic's envelope. */
  readonly type: string;
  /** False adds `x-should-retry: false`: sending the same call again cannot help. */
  readonly retry: boolean;
  /** One sentence for the caller; `{name}` is filled from the refusal's fields. */
  readonly sentence: string;
  /** What the caller can do, one sentence; filled like the sentence. */
  readonly remedy: string;
}

const entry = (status: number, type: string, retry: boolean, sentence: string, remedy: string): ErrorEntry => ({
  status,
  type,
  retry,
  sentence,
  remedy,
});

export const ERRORS = {
  credential_missing: entry(
    401,
    'authentication_error',
    false,
    'This call carries no Gatehouse key.',
    'Set ANTHROPIC_AUTH_TOKEN to the key your platform team gave you.',
  ),
  credential_malformed: entry(
    401,
    'authentication_error',
    false,
    'The key in this call is not a Gatehouse key, or it was cut or mistyped.',
    'Copy the whole key again; it starts with ghk_.',
  ),
  credential_unknown: entry(
    401,
    'authentication_error',
    false,
    'Gatehouse does not know this key.',
    'Ask your platform team for a new one.',
  ),
  credential_conflict: entry(
    401,
    'authentication_error',
    false,
    'The Authorization and x-api-key headers carry two different credentials.',
    'Send one of them, or the same key in both.',
  ),
  credential_revoked: entry(
    401,
    'authentication_error',
    false,
    'This key was revoked.',
    'Ask your platform team for a new one.',
  ),
  credential_expired: entry(
    401,
    'authentication_error',
    false,
    'This key expired on {expired}.',
    'Ask your platform team for a new one, or rotate it.',
  ),
  owner_disabled: entry(
    401,
    'authentication_error',
    false,
    'The owner of this key is disabled.',
    'Ask your platform team.',
  ),
  sso_required: entry(
    401,
    'authentication_error',
    false,
    'The owner of this credential has not signed in with the company’s provider, and no other way in is open.',
    'Sign in once at /signin, or ask your platform team to link your account.',
  ),
  session_ended: entry(401, 'authentication_error', false, 'This session has ended.', 'Sign in again at /signin.'),
  session_elsewhere: entry(
    401,
    'authentication_error',
    false,
    'This session appeared in another browser or was used twice, and was ended.',
    'Sign in again at /signin; if you did nothing unusual, tell your platform team.',
  ),
  wrong_door: entry(
    401,
    'authentication_error',
    false,
    'This credential does not open this door.',
    'Use a virtual key (ghk_) for models and an admin token (gha_) for /api.',
  ),
  no_policy: entry(
    451,
    'permission_error',
    false,
    'No policy is in force, so nothing is allowed.',
    'Ask your platform team to apply one.',
  ),
  not_permitted: entry(
    451,
    'permission_error',
    false,
    'Policy does not allow {resource}: {reason}.',
    'Ask your platform team for access.',
  ),
  approval_required: entry(
    451,
    'permission_error',
    false,
    '{resource} needs an approval: {reason}.',
    'Ask your platform team for one.',
  ),
  team_not_yours: entry(
    451,
    'permission_error',
    false,
    'The team named in x-gatehouse-team is none of yours.',
    'Leave the header out, or name one of your teams.',
  ),
  stopped: entry(423, 'permission_error', false, '{what} was stopped: {reason}.', 'Ask your platform team.'),
  price_unknown: entry(
    451,
    'permission_error',
    false,
    'No price is known for {model}, and the policy refuses such models.',
    'Ask your platform team to add a price, or use another model.',
  ),
  rate_limited: entry(
    429,
    'rate_limit_error',
    true,
    'The limit of {limit} for {whom} is reached.',
    'Wait; the client tries again by itself.',
  ),
  count_limited: entry(
    429,
    'rate_limit_error',
    // Counting is a courtesy: the client goes on with estimates of its own rather than wait for a minute.
    false,
    'The limit of {limit} for {whom} is reached.',
    'Wait a moment; calls to models are not affected.',
  ),
  rate_never: entry(
    429,
    'rate_limit_error',
    false,
    'This call alone is larger than the limit of {limit} for {whom}.',
    'Send less in one call.',
  ),
  budget_spent: entry(429, 'billing_error', false, 'The budget of {limit} for {whom} is spent{resets}.', '{remedy}'),
  budget_short: entry(
    429,
    'billing_error',
    false,
    'This call {could} cost {amount}, and of the budget of {limit} for {whom} only {left} is left{resets}.',
    'Ask for less output (max_tokens), or send less. {remedy}',
  ),
  budget_held: entry(
    429,
    'rate_limit_error',
    true,
    'What is left of the budget of {limit} for {whom} is held by calls that are running.',
    'Wait for them to end.',
  ),
  budget_unbounded: entry(
    451,
    'permission_error',
    false,
    'The cost of this call cannot be bounded, and the budget of {limit} for {whom} is strict.',
    'Set max_tokens, set max_uses on tools the provider runs, and leave out compaction on the server.',
  ),
  budget_ended: entry(
    429,
    'billing_error',
    false,
    'The budget of {limit} for {whom} was spent while this answer was running{resets}.',
    '{remedy}',
  ),
  budgets_unavailable: entry(
    503,
    'api_error',
    true,
    'Gatehouse cannot say now what is spent of the budgets for this call, so it was not sent.',
    'Try again in a moment.',
  ),
  request_malformed: entry(
    400,
    'invalid_request_error',
    false,
    'The request was refused: {reason}.',
    'Correct the request and send it again.',
  ),
  request_ambiguous: entry(
    400,
    'invalid_request_error',
    false,
    'The request could be read in two ways: {reason}.',
    'Send each deciding field once, in its exact spelling, as valid UTF-8.',
  ),
  request_too_large: entry(
    413,
    'request_too_large',
    false,
    'The request is larger than {limit} bytes.',
    'Send less in one call.',
  ),
  media_type_unsupported: entry(
    415,
    'invalid_request_error',
    false,
    'Only application/json without content encoding is accepted here.',
    'Send plain JSON.',
  ),
  too_many_open_calls: entry(
    429,
    'rate_limit_error',
    true,
    'You have {open} calls open; the limit is {limit}.',
    'Wait for one to finish.',
  ),
  too_many_bytes_in_flight: entry(
    429,
    'rate_limit_error',
    true,
    'Your open calls hold {bytes} bytes of request bodies; the limit is {limit}.',
    'Wait for one to finish.',
  ),
  overloaded: entry(
    503,
    'overloaded_error',
    true,
    'Gatehouse is at its limit of open calls.',
    'Try again in a moment.',
  ),
  draining: entry(503, 'overloaded_error', true, 'Gatehouse is shutting down.', 'Try again in a moment.'),
  journal_unavailable: entry(
    503,
    'api_error',
    true,
    'Gatehouse cannot record this call now, so it was not sent.',
    'Your platform team has been alerted; try again in a moment.',
  ),
  upstream_unconfigured: entry(
    503,
    'api_error',
    false,
    'Gatehouse has no provider key.',
    'Start it with ANTHROPIC_API_KEY set, or name a key in its configuration.',
  ),
  upstream_unreachable: entry(
    502,
    'api_error',
    true,
    'The model provider could not be reached.',
    'Try again in a moment.',
  ),
  upstream_timeout: entry(
    504,
    'api_error',
    true,
    'The model provider did not answer in time.',
    'Try again in a moment.',
  ),
  upstream_broken: entry(
    502,
    'api_error',
    true,
    'The answer of the model provider broke off or was not usable: {reason}.',
    'Try again.',
  ),
  relay_lost: entry(502, 'api_error', true, 'The part of Gatehouse that held this connection died.', 'Try again.'),
  revoked_while_running: entry(
    401,
    'authentication_error',
    false,
    'This key was revoked while the answer was running.',
    'Ask your platform team.',
  ),
  permission_ended: entry(
    451,
    'permission_error',
    false,
    'This answer was ended: it was stopped, or policy no longer allows it.',
    'Ask your platform team.',
  ),
  not_found: entry(
    404,
    'not_found_error',
    false,
    'There is nothing at {path}.',
    'The model door serves /v1/messages, /v1/messages/count_tokens and /v1/models.',
  ),
  host_unexpected: entry(
    421,
    'invalid_request_error',
    false,
    'This request names a host that Gatehouse does not serve.',
    'Add the host name to listen.hosts in the configuration.',
  ),
  internal: entry(
    500,
    'api_error',
    true,
    'Gatehouse failed while handling this call.',
    'Give the record id to your platform team.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

/** Values for the `{name}` places of a sentence. Shown to callers: never put a secret or another person's data here. */
export type RefusalFields = Readonly<Record<string, string | number>>;

interface RefusalOptions {
  readonly fields?: RefusalFields;
  readonly detail?: string;
  readonly retryAfter?: number;
  readonly rule?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/**
 * A call that is refused. `fields` reach the caller; `detail` is for the log and the journal only.
 * Anything else that is thrown on the path of a call is answered as `internal`.
 */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly fields: RefusalFields;
  readonly detail: string | undefined;
  /** Seconds for `retry-after`, when waiting helps. */
  readonly retryAfter: number | undefined;
  /** Place in the policy document of what refused, such as `access[2]`; for the record and whoever looks it up. */
  readonly rule: string | undefined;
  /** Headers of the answer, such as those by which a client shows its limits. */
  readonly headers: readonly (readonly [string, string])[];

  constructor(code: ErrorCode, options: RefusalOptions = {}) {
    super(filled(ERRORS[code].sentence, options.fields ?? {}));
    this.name = 'Refusal';
    this.code = code;
    this.fields = options.fields ?? {};
    this.detail = options.detail;
    this.retryAfter = options.retryAfter;
    this.rule = options.rule;
    this.headers = options.headers ?? [];
  }

  /** What the caller can do, filled in. */
  get remedy(): string {
    return filled(this.entry.remedy, this.fields).trim();
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

function filled(text: string, fields: RefusalFields): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(fields[name] ?? '?'));
}
