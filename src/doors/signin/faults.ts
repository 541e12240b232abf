import type { SignInFailure, SignInFailureCode } from '../../identity/sign-in-failure.ts';
import { FormFault } from './form.ts';

/** What the failure page shows. */
export interface Fault {
  readonly title: string;
  readonly code: string;
  readonly status: number;
  readonly sentence: string;
  readonly remedy: string;
  /** Seconds; null where waiting does not help. */
  readonly wait?: number | null;
  /** `rec_…` in the audit trail; null where there is none. */
  readonly record?: string | null;
}

/** Refusals of this door itself; those of signing in come with their own sentence. */
const DOOR_FAULTS = {
  address_unknown: [
    503,
    'This Gatehouse does not know its own address.',
    'Whoever runs it sets listen.url in gatehouse.yaml, such as https://gatehouse.example.com. On the machine itself, http://localhost works without.',
  ],
  form_foreign: [403, 'This form was not sent from a page of ours.', 'Open the sign-in page and begin there.'],
  form_invalid: [400, 'What the browser sent could not be read.', 'Go back to the sign-in page and try again.'],
  form_late: [403, 'This page was out of date.', 'Open your account page again and repeat what you did.'],
  secret_malformed: [
    403,
    'This is not a sealed secret, or it was cut or mistyped.',
    'It begins with ghb_. Type it again exactly as it was printed.',
  ],
  busy: [503, 'Too many people are coming in at this moment.', 'Try again in a few seconds.'],
  page_unknown: [404, 'There is no such page.', 'Go to the sign-in page.'],
  unexpected: [500, 'Something went wrong on our side.', 'Try again. If it goes on, tell your platform team.'],
} as const satisfies Record<string, readonly [status: number, sentence: string, remedy: string]>;

export type DoorFaultCode = keyof typeof DOOR_FAULTS;

/** Thrown by this door, and answered as a page. */
export class DoorFault extends Error {
  readonly code: DoorFaultCode;

  constructor(code: DoorFaultCode) {
    super(DOOR_FAULTS[code][1]);
    this.code = code;
  }
}

/** Thrown by this door for who must wait. */
export class TooMany extends Error {
  /** Seconds. */
  readonly wait: number;

  constructor(wait: number) {
    super('too many attempts');
    this.wait = wait;
  }
}

const AGAIN = 'Go back to the sign-in page and begin again.';
const ASK = 'Tell your platform team the code below.';

/** Status of the page, and what to do beyond what the sentence says. By name, so that no failure goes without. */
const SIGN_IN: Readonly<Record<SignInFailureCode, readonly [status: number, remedy: string]>> = {
  provider_unknown: [400, 'Choose one of the ways on the sign-in page.'],
  provider_unreachable: [503, 'Whoever is signed in already can go on working meanwhile.'],
  provider_misconfigured: [502, ASK],
  provider_refused: [403, 'If you expected to get in, ask whoever runs that provider to give you access to Gatehouse.'],
  response_invalid: [400, `${AGAIN} If it goes on, tell your platform team the code below.`],
  response_late: [400, AGAIN],
  response_used: [400, AGAIN],
  browser_changed: [400, 'Stay in this browser from beginning to end, and allow cookies for this site.'],
  email_missing: [403, 'Ask whoever runs that provider to pass your e-mail address on to Gatehouse.'],
  email_unverified: [403, 'Confirm your address at your provider, then sign in again.'],
  domain_elsewhere: [403, 'Choose the way of your own company on the sign-in page.'],
  not_invited: [403, 'Invitations are for one address: make sure that you signed in with the one that was invited.'],
  link_needed: [403, 'Ask your platform team to link it: your sign-in waits for them.'],
  disabled: [403, ASK],
  ended: [403, 'They can extend it, and you keep everything you had.'],
  groups_unavailable: [503, `Try again in a minute. If it goes on, tell your platform team the code below.`],
  too_many: [429, 'Nothing is locked, and nobody needs to be told.'],
  secret_wrong: [403, 'Type it again exactly as it was printed, or sign in with your provider.'],
};

/** The page for an error; null for one that nobody foresaw, which belongs into the log. */
export function faultOf(error: unknown): Fault | null {
  if (error instanceof TooMany) return { ...tooMany(), wait: error.wait };
  if (error instanceof DoorFault) return doorFault(error.code);
  if (error instanceof FormFault || isClientError(error)) return doorFault('form_invalid');
  if (!isSignInFailure(error)) return null;
  const { code, message: sentence, record } = error;
  const [status, remedy] = SIGN_IN[code];
  const title = status === 429 ? 'Please wait' : 'You are not signed in';
  return { title, code, status, sentence, remedy, record, wait: status === 429 ? 60 : null };
}

export function doorFault(code: DoorFaultCode): Fault {
  const [status, sentence, remedy] = DOOR_FAULTS[code];
  return { title: 'That did not work', code, status, sentence, remedy, wait: code === 'busy' ? 5 : null };
}

/** By shape, because doors know identity by interface only. */
export function isSignInFailure(error: unknown): error is SignInFailure {
  return (
    error instanceof Error &&
    error.name === 'SignInFailure' &&
    'code' in error &&
    Object.hasOwn(SIGN_IN, String(error.code))
  );
}

function tooMany(): Fault {
  const [status, remedy] = SIGN_IN.too_many;
  return {
    title: 'Please wait',
    code: 'too_many',
    status,
    sentence: 'There were too many attempts from here.',
    remedy,
  };
}

/** What the framework found wrong with a request: too large, of another media type, cut off. */
function isClientError(error: unknown): boolean {
  if (!(error instanceof Error) || !('statusCode' in error)) return false;
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}
