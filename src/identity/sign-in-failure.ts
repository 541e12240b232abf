/**
 * Why somebody did not get in. The closed table of sign-in: a code for records, a sentence for the person before the browser. The
 * sentence never says anything that a stranger could use; what exactly was wrong stands in `detail`, for the log and the trail.
 */
export const SIGN_IN_FAILURES = {
  provider_unknown: 'There is no such way to sign in here.',
  provider_unreachable: 'Your sign-in provider does not answer. Try again in a minute.',
  provider_misconfigured: 'This way to sign in is not set up correctly. Tell your platform team.',
  provider_refused: 'Your sign-in provider did not let you in.',
  response_invalid: 'The answer of your sign-in provider could not be verified.',
  response_late:
    'The answer of your sign-in provider is no longer, or not yet, valid. Try again; if it goes on, clocks differ.',
  response_used: 'This sign-in was used already. Start again.',
  browser_changed: 'This sign-in was not started in this browser, or it took too long. Start again.',
  email_missing: 'Your sign-in provider did not say your e-mail address.',
  email_unverified: 'Your sign-in provider has not verified your e-mail address.',
  domain_elsewhere: 'People with your e-mail address sign in another way.',
  not_invited: 'Your account is not known here. Ask your platform team for an invitation.',
  link_needed: 'A person with your e-mail address exists already. An admin must link this sign-in to them first.',
  disabled: 'Your access is switched off. Ask your platform team.',
  ended: 'Your invitation has ended. Ask whoever invited you.',
  groups_unavailable: 'Your sign-in provider did not say which groups you are in.',
  too_many: 'Too many failed attempts. Wait a minute and try again.',
  secret_wrong: 'This is not the sealed secret.',
} as const;

export type SignInFailureCode = keyof typeof SIGN_IN_FAILURES;

interface SignInFailureOptions {
  readonly person?: string | null;
  readonly record?: string | null;
  readonly cause?: unknown;
}

/** Nobody was signed in. */
export class SignInFailure extends Error {
  readonly code: SignInFailureCode;
  /** For the log and the audit trail: what was wrong, without secrets, tokens or personal data. */
  readonly detail: string;
  /** `per_…` whom it concerns, where that was proven; else null. */
  readonly person: string | null;
  /** Id of its record in the trail, to show to the person; null while, or where, there is none. */
  readonly record: string | null;

  constructor(code: SignInFailureCode, detail: string, { person, record, cause }: SignInFailureOptions = {}) {
    super(SIGN_IN_FAILURES[code], { cause });
    this.name = 'SignInFailure';
    this.code = code;
    this.detail = detail;
    this.person = person ?? null;
    this.record = record ?? null;
  }
}
