import { ASSERTION, ENCRYPTION, PROTOCOL, SIGNATURE } from './names.ts';
import { refuse } from './refuse.ts';
import { checkSignatureShape } from './signature-shape.ts';
import type { XmlElement } from './xml.ts';
import { isNamed, walk } from './xml-tree.ts';

/** The parts of an answer that may be decided on, each where it belongs. */
export interface AnswerParts {
  readonly response: XmlElement;
  readonly responseSignature: XmlElement | null;
  /** In the clear or encrypted; null for none, as where somebody was not let in. */
  readonly assertion: XmlElement | null;
  readonly encrypted: boolean;
  readonly assertionSignature: XmlElement | null;
}

/** Each of these names, to the one namespace. */
function inNamespace(namespace: string, names: string): (readonly [string, string])[] {
  return names.split(' ').map((name) => [name, namespace] as const);
}

/** Names that libraries look for without a namespace, and the one namespace each belongs to. */
const BELONGS = new Map([
  ...inNamespace(PROTOCOL, 'Response Status StatusCode StatusMessage StatusDetail Extensions'),
  ...inNamespace(ASSERTION, 'Assertion EncryptedAssertion Issuer Subject NameID BaseID Conditions Audience'),
  ...inNamespace(ASSERTION, 'SubjectConfirmation SubjectConfirmationData AudienceRestriction'),
  ...inNamespace(ASSERTION, 'AuthnStatement AttributeStatement Attribute AttributeValue'),
  ...inNamespace(SIGNATURE, 'Signature SignedInfo SignatureValue SignatureMethod CanonicalizationMethod KeyInfo'),
  ...inNamespace(ENCRYPTION, 'EncryptedData EncryptedKey CipherData CipherValue'),
]);
/** Prefixes that everybody reads in one way. */
const USUAL_PREFIXES = new Map([
  ...inNamespace(ASSERTION, 'saml saml2'),
  ...inNamespace(PROTOCOL, 'samlp saml2p'),
  ...inNamespace(SIGNATURE, 'ds dsig'),
  ...inNamespace(ENCRYPTION, 'xenc'),
]);
/** Parts of a signature; outside of one they have no business. */
const ONLY_SIGNED = new Set(
  'SignedInfo SignatureValue CanonicalizationMethod SignatureMethod Reference Transforms Transform DigestValue'.split(
    ' ',
  ),
);
/** Encrypted pieces of an assertion, and things inside signatures, could hide what was counted. */
const NEVER = new Set('EncryptedID EncryptedAttribute NewEncryptedID Manifest Object SignatureProperties'.split(' '));
const ID_VALUE = /^[A-Za-z_][A-Za-z0-9._-]{0,255}$/;

/**
 * Looks at the whole document before anything of it is believed: one assertion and no other anywhere, signatures only where they belong, no
 * id twice, no name or prefix of SAML that means something else. Whoever wraps a signed part into another document needs one of these.
 *
 * @throws SignInFailure
 */
export function checkAnswer(root: XmlElement): AnswerParts {
  if (!isNamed(root, PROTOCOL, 'Response')) refuse('the answer is no SAML response');
  const ids = new Set<string>();
  const prefixes = new Map<string, string>(USUAL_PREFIXES);
  const found: { assertion: XmlElement | null; signatures: Map<XmlElement, XmlElement> } = {
    assertion: null,
    signatures: new Map(),
  };
  let inSignature = 0;
  for (const { element, parent } of walk(root)) {
    checkName(element);
    checkPrefixes(element, prefixes);
    checkIds(element, ids);
    if (isAssertion(element)) {
      if (found.assertion !== null) refuse('the answer has more than one assertion');
      if (parent !== root) refuse('the assertion is not where it belongs');
      found.assertion = element;
    }
    if (element.local === 'Response' && parent !== null) refuse('the answer has a response inside');
    if (element.local === 'Signature') {
      if (parent === null || (parent !== root && parent !== found.assertion))
        refuse('a signature is not where it belongs');
      if (found.signatures.has(parent)) refuse('an element has more than one signature');
      found.signatures.set(parent, element);
      checkSignatureShape(element, parent);
      inSignature = element.end;
    }
    if (element.namespace === SIGNATURE && ONLY_SIGNED.has(element.local) && element.start >= inSignature) {
      refuse('a part of a signature is not where it belongs');
    }
  }
  const { assertion, signatures } = found;
  const encrypted = assertion?.local === 'EncryptedAssertion';
  const assertionSignature = assertion === null ? null : (signatures.get(assertion) ?? null);
  if (encrypted && assertionSignature !== null) refuse('a signature is not where it belongs');
  return { response: root, responseSignature: signatures.get(root) ?? null, assertion, encrypted, assertionSignature };
}

function isAssertion({ local }: XmlElement): boolean {
  return local === 'Assertion' || local === 'EncryptedAssertion';
}

function checkName({ local, namespace }: XmlElement): void {
  if (NEVER.has(local)) refuse('the answer has a part that is not taken');
  const belongs = BELONGS.get(local);
  if (belongs !== undefined && belongs !== namespace) refuse('a name of SAML stands in another namespace');
}

/** One meaning for one prefix, in the whole document; the default namespace may change. */
function checkPrefixes({ declares }: XmlElement, prefixes: Map<string, string>): void {
  for (const [prefix, namespace] of declares) {
    if (prefix === '') continue;
    if ((prefixes.get(prefix) ?? namespace) !== namespace) refuse('a prefix means two namespaces');
    prefixes.set(prefix, namespace);
  }
}

/** Whatever anybody could take for an id: `ID`, `Id`, `id`, with any prefix. */
function checkIds({ attributes }: XmlElement, ids: Set<string>): void {
  for (const { local, value } of attributes) {
    if (local.toLowerCase() !== 'id') continue;
    if (ids.has(value)) refuse('an id stands on two elements');
    if (!ID_VALUE.test(value)) refuse('an id has an unusual form');
    ids.add(value);
  }
}
