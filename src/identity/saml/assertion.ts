import { createHash } from 'node:crypto';
import { ASSERTION, BEARER } from './names.ts';
import { checkIssuer, type Expected } from './outer.ts';
import { refuse } from './refuse.ts';
import { momentOf, type Now, notBefore, notOnOrAfter } from './times.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, childrenOf, elementsIn, isNamed, textOf } from './xml-tree.ts';

/** How long an assertion may be on its way. It bounds how long its id must be remembered. */
const LONGEST_MS = 3_600_000;
const CONDITIONS = ['AudienceRestriction', 'OneTimeUse', 'ProxyRestriction'];
const MOST_CONFIRMATIONS = 4;

/** Who stands in a checked assertion, and for how long. */
export interface CheckedAssertion {
  readonly nameId: XmlElement;
  /** The session may not last longer; null where the provider does not say. */
  readonly until: number | null;
  readonly once: { readonly digest: string; readonly until: number };
}

/**
 * Checks a verified assertion against everything that it must have been made for (core, 2; profiles, 4.1.4.3). A condition that
 * is missing counts as one that does not hold.
 *
 * @param assertion read from the bytes that were signed
 * @throws SignInFailure
 */
export function checkAssertion(assertion: XmlElement, expected: Expected): CheckedAssertion {
  if (attributeOf(assertion, 'Version') !== '2.0') refuse('the assertion is not of SAML 2.0');
  checkIssuer(assertion, expected.issuer, 'assertion');
  const { now } = expected;
  const issuedText = attributeOf(assertion, 'IssueInstant') ?? '';
  const issued = momentOf(issuedText);
  notBefore(issuedText, now, 'the assertion');
  const oldest = notOnOrAfter(new Date(issued + LONGEST_MS).toISOString(), now, 'the assertion');
  const { nameId, end: confirmed } = subjectOf(assertion, expected);
  const ends = [oldest, confirmed, conditionsEnd(assertion, expected)].filter((end) => end !== null);
  const until = sessionEnd(assertion, now);
  const id = attributeOf(assertion, 'ID') ?? '';
  if (id === '') refuse('the assertion has no id');
  const digest = createHash('sha256')
    .update(JSON.stringify([expected.issuer, id]))
    .digest('hex');
  return { nameId, until, once: { digest, until: Math.min(...ends) + now.skewMs } };
}

/** The one child of this name. */
function one(parent: XmlElement, local: string): XmlElement {
  const [found, ...more] = childrenOf(parent, ASSERTION, local);
  if (found === undefined || more.length > 0) refuse(`the assertion does not have exactly one ${local}`);
  return found;
}

function subjectOf(assertion: XmlElement, expected: Expected): { nameId: XmlElement; end: number } {
  const subject = one(assertion, 'Subject');
  const nameId = one(subject, 'NameID');
  const confirmations = childrenOf(subject, ASSERTION, 'SubjectConfirmation');
  const { length } = confirmations;
  if (length === 0 || length > MOST_CONFIRMATIONS) refuse('the assertion has no usual number of subject confirmations');
  if (elementsIn(subject).length !== length + 1) refuse('the subject has parts that are not understood');
  return { nameId, end: Math.min(...confirmations.map((confirmation) => confirmedUntil(confirmation, expected))) };
}

/** Every confirmation must hold, not one of them: a second one could be for somebody else. */
function confirmedUntil(confirmation: XmlElement, { callback, request, now }: Expected): number {
  // Any other method wants a proof that no browser brings.
  if (attributeOf(confirmation, 'Method') !== BEARER) refuse('a subject confirmation is not of the bearer kind');
  const data = one(confirmation, 'SubjectConfirmationData');
  if (attributeOf(data, 'Recipient') !== callback) refuse('the assertion is for another recipient');
  if (attributeOf(data, 'InResponseTo') !== request) refuse('the assertion answers another request');
  notBefore(attributeOf(data, 'NotBefore'), now, 'the subject confirmation');
  return notOnOrAfter(attributeOf(data, 'NotOnOrAfter') ?? '', now, 'the subject confirmation');
}

/** When the conditions end; null where they do not say. */
function conditionsEnd(assertion: XmlElement, { audience, now }: Expected): number | null {
  const conditions = one(assertion, 'Conditions');
  notBefore(attributeOf(conditions, 'NotBefore'), now, 'the assertion');
  for (const condition of elementsIn(conditions)) {
    const known = CONDITIONS.some((name) => isNamed(condition, ASSERTION, name));
    if (!known) refuse('the assertion has a condition that is not understood');
  }
  const audiences = childrenOf(conditions, ASSERTION, 'AudienceRestriction');
  if (audiences.length === 0) refuse('the assertion is not restricted to an audience');
  for (const restriction of audiences) {
    const named = childrenOf(restriction, ASSERTION, 'Audience').map(textOf);
    if (!named.includes(audience)) refuse(`the assertion is for another audience; ours is ${audience}`);
  }
  const end = attributeOf(conditions, 'NotOnOrAfter');
  return end === null ? null : notOnOrAfter(end, now, 'the assertion');
}

function sessionEnd(assertion: XmlElement, now: Now): number | null {
  const statements = childrenOf(assertion, ASSERTION, 'AuthnStatement');
  if (statements.length === 0) refuse('the assertion does not say that somebody signed in');
  const ends = statements.flatMap((statement) => attributeOf(statement, 'SessionNotOnOrAfter') ?? []);
  const moments = ends.map((end) => notOnOrAfter(end, now, 'the session at the provider'));
  return moments.length === 0 ? null : Math.min(...moments);
}
