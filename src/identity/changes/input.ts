/** Checks and normal forms of what people type into the verbs. All throw ChangeError `invalid`. */
import { isId } from '../../kernel/ids.ts';
import { printable } from '../../kernel/text.ts';
import { ChangeError } from './error.ts';

/** RFC 5321 §4.5.3.1.3 leaves 254 octets for an address between its angle brackets. */
const EMAIL_OCTETS = 254;
const NAME_LENGTH = 64;
const LABEL_LENGTH = 100;
const REASON_LENGTH = 500;
const PATTERN_LENGTH = 256;
const TOKEN_LENGTH = 200;
/** Largest policy document, bytes of UTF-8. */
const LARGEST_DOCUMENT = 1024 * 1024;
/** The last instant a Date can show (ECMA-262 §21.4.1.1). */
const LAST_INSTANT = 8_640_000_000_000_000;

/** True for text without control, invisible or direction-changing characters, which make two names look like one. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && printable(text, text.length) === text;
}

/** Lower-case NFC: the form in which addresses are stored and compared. */
export function emailOf(text: string): string {
  const email = text.trim().toLowerCase().normalize('NFC');
  const [local, domain, ...more] = email.split('@');
  const whole = local !== '' && domain !== undefined && domain !== '' && more.length === 0;
  if (!whole || !isPlain(email) || /\s/.test(email) || Buffer.byteLength(email) > EMAIL_OCTETS) {
    throw new ChangeError('invalid', 'This is not an e-mail address.');
  }
  return email;
}

/** Names of teams and services: NFC, 1 to 64 characters. */
export function nameOf(text: string): string {
  const name = text.trim().normalize('NFC');
  if (name === '' || [...name].length > NAME_LENGTH || !isPlain(name)) {
    throw new ChangeError('invalid', `A name has 1 to ${NAME_LENGTH} characters and no control characters.`);
  }
  return name;
}

/** What a key is for; may be empty. Kept in the directory only, because people write names into it. */
export function labelOf(text: string): string {
  const label = text.trim().normalize('NFC');
  if ([...label].length > LABEL_LENGTH || !isPlain(label)) {
    throw new ChangeError('invalid', `A label has at most ${LABEL_LENGTH} characters and no control characters.`);
  }
  return label;
}

/** A reason enters the journal, where nothing can be erased: an address in it is refused (P7). */
export function reasonOf(text: string | null | undefined): string | null {
  const reason = text?.trim().normalize('NFC') ?? '';
  if (reason === '') return null;
  if ([...reason].length > REASON_LENGTH || !isPlain(reason)) {
    throw new ChangeError('invalid', `A reason has at most ${REASON_LENGTH} characters on one line.`);
  }
  if (reason.includes('@')) {
    throw new ChangeError(
      'invalid',
      'A reason stays in the audit trail for good: name nobody in it, no e-mail address.',
    );
  }
  return reason;
}

/** A reason that must be given; `what` needs it, such as `A stop`. */
export function neededReason(text: string | null | undefined, what: string): string {
  const reason = reasonOf(text);
  if (reason === null) throw new ChangeError('invalid', `${what} needs a reason.`);
  return reason;
}

/** Something that looks like an e-mail address. A model's name may hold a bare `@`, as Google's do. */
const ADDRESS = /@[^\s@]*\./;

/** A model's name, or a pattern of names with `*`. It enters the journal, so no address stands in it (P7). */
export function modelPatternOf(text: string): string {
  const pattern = text.trim().normalize('NFC');
  const whole = pattern !== '' && pattern.length <= PATTERN_LENGTH && isPlain(pattern) && !/\s/.test(pattern);
  if (!whole || ADDRESS.test(pattern)) {
    throw new ChangeError(
      'invalid',
      `A model pattern has 1 to ${PATTERN_LENGTH} characters, no spaces and no address.`,
    );
  }
  return pattern;
}

/** A session's id as clients send it, or an upstream's name. Taken as it is, or a stop of it would match nothing. */
export function tokenOf(text: string): string {
  const token = text.trim();
  if (token === '' || token.length > TOKEN_LENGTH || !isPlain(token) || ADDRESS.test(token)) {
    throw new ChangeError('invalid', `Give 1 to ${TOKEN_LENGTH} characters on one line, and no e-mail address.`);
  }
  return token;
}

/** The size of a policy document, bytes of UTF-8. */
export function documentOf(text: string): { readonly bytes: number } {
  const bytes = Buffer.byteLength(text);
  if (!text.isWellFormed()) throw new ChangeError('invalid', 'The policy is not valid Unicode.');
  if (bytes > LARGEST_DOCUMENT) {
    throw new ChangeError('invalid', `The policy is larger than ${LARGEST_DOCUMENT} bytes.`);
  }
  return { bytes };
}

/** Who acts, as records name them: an id, `system`, or `owner-secret`. */
export function actorOf(actor: string): string {
  const known = actor === 'system' || actor === 'owner-secret' || isId(actor, 'per') || isId(actor, 'svc');
  if (!known) throw new ChangeError('invalid', 'The actor of a change must be an id or `system`.');
  return actor;
}

/** Null for never, else a whole number of milliseconds after `now`. */
export function expiryOf(at: number | null | undefined, now: number): number | null {
  if (at === null || at === undefined) return null;
  if (!Number.isInteger(at) || at > LAST_INSTANT) throw new ChangeError('invalid', 'This is not a time.');
  if (at <= now) throw new ChangeError('invalid', 'The expiry lies in the past.');
  return at;
}

/** Milliseconds, whole, not negative. */
export function overlapOf(overlapMs: number): number {
  if (!Number.isInteger(overlapMs) || overlapMs < 0 || overlapMs > LAST_INSTANT / 2) {
    throw new ChangeError('invalid', 'The overlap must be a duration that is not negative.');
  }
  return overlapMs;
}
