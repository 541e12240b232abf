import { SignInFailure } from '../sign-in-failure.ts';
import { ASSERTION, PROTOCOL, STATUS } from './names.ts';
import { refuse } from './refuse.ts';
import { momentOf, type Now, notBefore } from './times.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, childrenOf, textOf } from './xml-tree.ts';

/** What an answer must have been made for. */
export interface Expected {
  /** Entity id of the provider. */
  readonly issuer: string;
  /** Our address for answers, and our entity id. */
  readonly callback: string;
  readonly audience: string;
  /** Id of the request; null where nobody asked. */
  readonly request: string | null;
  readonly now: Now;
}

/** Status codes whose names may be repeated (core, 3.2.2.2). */
const KNOWN = new Set([
  ...['Requester', 'Responder', 'VersionMismatch', 'AuthnFailed', 'InvalidAttrNameOrValue', 'InvalidNameIDPolicy'],
  ...['NoAuthnContext', 'NoAvailableIDP', 'NoPassive', 'NoSupportedIDP', 'PartialLogout', 'ProxyCountExceeded'],
  ...['RequestDenied', 'RequestUnsupported', 'RequestVersionDeprecated', 'RequestVersionTooHigh', 'UnknownPrincipal'],
  ...['RequestVersionTooLow', 'UnsupportedBinding'],
]);

/**
 * Checks the envelope of an assertion: for whom it is, from whom, and whether the provider let somebody in at all.
 *
 * @throws SignInFailure
 */
export function checkOuter(response: XmlElement, expected: Expected): void {
  if (attributeOf(response, 'Version') !== '2.0') refuse('the response is not of SAML 2.0');
  checkIssuer(response, expected.issuer, 'response');
  // An answer made for another service provider must not work here, nor one for another provider of ours.
  if (attributeOf(response, 'Destination') !== expected.callback) refuse('the response is for another destination');
  if (attributeOf(response, 'InResponseTo') !== expected.request) refuse('the response answers another request');
  const issued = attributeOf(response, 'IssueInstant') ?? '';
  momentOf(issued);
  notBefore(issued, expected.now, 'the response');
  checkStatus(response);
}

/** The one issuer of a response or an assertion, byte for byte. @throws SignInFailure */
export function checkIssuer(element: XmlElement, issuer: string, what: string): void {
  const [found, ...more] = childrenOf(element, ASSERTION, 'Issuer');
  if (found === undefined || more.length > 0) refuse(`the ${what} does not name one issuer`);
  if (textOf(found) !== issuer) refuse(`the ${what} is from another issuer than the provider of the policy`);
}

/** Whatever the status says further down: success stands at the top, and stands alone. */
function checkStatus(response: XmlElement): void {
  const [status, ...more] = childrenOf(response, PROTOCOL, 'Status');
  const [code, ...codes] = status === undefined ? [] : childrenOf(status, PROTOCOL, 'StatusCode');
  if (code === undefined || more.length > 0 || codes.length > 0) refuse('the response has no one status');
  const value = attributeOf(code, 'Value');
  if (value === `${STATUS}Success`) return;
  const inner = childrenOf(code, PROTOCOL, 'StatusCode').map((one) => attributeOf(one, 'Value'));
  const said = [value, ...inner].map(nameOf).join(', ');
  throw new SignInFailure('provider_refused', `the provider answered with status ${said}`);
}

function nameOf(value: string | null): string {
  const name = value?.startsWith(STATUS) ? value.slice(STATUS.length) : '';
  return KNOWN.has(name) ? name : 'unknown';
}
