import { DIGEST_METHODS, ENVELOPED, EXCLUSIVE_C14N, SIGNATURE, SIGNATURE_METHODS } from './names.ts';
import { refuse } from './refuse.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, elementsIn, holdsElementsOnly, isNamed, textOf, walk } from './xml-tree.ts';

/** What a KeyInfo may hold. It is never read: the keys are those of the policy and the metadata. */
const KEY_INFO = new Set([
  ...['KeyInfo', 'KeyName', 'KeyValue', 'RSAKeyValue', 'Modulus', 'Exponent', 'X509Data', 'X509Certificate'],
  ...['X509SubjectName', 'X509IssuerSerial', 'X509IssuerName', 'X509SerialNumber', 'X509SKI', 'X509CRL'],
]);

/**
 * Checks that a signature has the one shape that is taken: over its own parent, which it stands in, by exclusive canonicalisation, with
 * algorithms of our lists. XPath, XSLT and whatever else could choose what is signed have no place in it.
 *
 * @throws SignInFailure
 */
export function checkSignatureShape(signature: XmlElement, parent: XmlElement): void {
  const [info, value, keyInfo, ...more] = elementsIn(signature);
  if (!holdsElementsOnly(signature) || more.length > 0 || info === undefined || value === undefined) unusual();
  const signed = parts(info, ['SignedInfo', 'CanonicalizationMethod', 'SignatureMethod', 'Reference']);
  checkCanonicalisation(signed.CanonicalizationMethod);
  checkMethod(signed.SignatureMethod);
  checkReference(signed.Reference, parent);
  if (!isNamed(value, SIGNATURE, 'SignatureValue') || textOf(value) === null) unusual();
  if (keyInfo !== undefined) checkKeyInfo(keyInfo);
}

function unusual(): never {
  refuse('a signature has an unusual shape');
}

/** The children of an element by their names: these, in this order, and no others. */
function parts<const N extends readonly [string, ...string[]]>(
  element: XmlElement | undefined,
  [name, ...names]: N,
): Record<N[number], XmlElement> {
  if (element === undefined || !isNamed(element, SIGNATURE, name) || !holdsElementsOnly(element)) unusual();
  const found = elementsIn(element);
  if (found.length !== names.length) unusual();
  if (found.some((child, at) => !isNamed(child, SIGNATURE, names[at] ?? ''))) unusual();
  return Object.fromEntries(found.map((child) => [child.local, child])) as Record<N[number], XmlElement>;
}

function checkMethod(method: XmlElement): void {
  const algorithm = attributeOf(method, 'Algorithm') ?? '';
  if (elementsIn(method).length > 0) unusual();
  if (!SIGNATURE_METHODS.includes(algorithm))
    refuse(`a signature uses ${named(algorithm)}; RSA with SHA-256 or SHA-512 is taken`);
}

function checkReference(reference: XmlElement, parent: XmlElement): void {
  const { Transforms, DigestMethod, DigestValue } = parts(reference, [
    'Reference',
    'Transforms',
    'DigestMethod',
    'DigestValue',
  ]);
  const id = attributeOf(parent, 'ID');
  // An empty URI is the whole document; another id is another element: the signature must be over what is read.
  if (id === null || attributeOf(reference, 'URI') !== `#${id}`)
    refuse('a signature is not over the element it stands in');
  const [first, second, ...more] = elementsIn(Transforms);
  if (first === undefined || second === undefined || more.length > 0 || !holdsElementsOnly(Transforms)) unusual();
  for (const transform of [first, second]) if (!isNamed(transform, SIGNATURE, 'Transform')) unusual();
  if (attributeOf(first, 'Algorithm') !== ENVELOPED || elementsIn(first).length > 0) {
    refuse('a signature uses a transform that is not taken');
  }
  checkCanonicalisation(second);
  const digest = attributeOf(DigestMethod, 'Algorithm') ?? '';
  if (!DIGEST_METHODS.includes(digest) || elementsIn(DigestMethod).length > 0) {
    refuse(`a signature uses ${named(digest)}; digests by SHA-256 or SHA-512 are taken`);
  }
  if (textOf(DigestValue) === null) unusual();
}

/** The algorithm, and at most the list of prefixes that are always declared. */
function checkCanonicalisation(method: XmlElement): void {
  if (attributeOf(method, 'Algorithm') !== EXCLUSIVE_C14N)
    refuse('a signature uses a canonicalisation or transform that is not taken');
  const [prefixes, ...more] = elementsIn(method);
  if (more.length > 0 || !holdsElementsOnly(method)) unusual();
  if (prefixes === undefined) return;
  if (!isNamed(prefixes, EXCLUSIVE_C14N, 'InclusiveNamespaces') || prefixes.children.length > 0) unusual();
}

/** @throws SignInFailure for content that a library could take for a part of the signature */
export function checkKeyInfo(keyInfo: XmlElement): void {
  for (const { element } of walk(keyInfo)) {
    if (element.namespace !== SIGNATURE || !KEY_INFO.has(element.local)) unusual();
  }
  if (keyInfo.local !== 'KeyInfo') unusual();
}

/** Only what is known by name is repeated. */
function named(algorithm: string): string {
  return /^http:\/\/www\.w3\.org\/2000\/09\/xmldsig#(?:rsa-|dsa-|hmac-)?sha1$/.test(algorithm)
    ? 'SHA-1'
    : 'an algorithm that is not on our list';
}
