import { SignInFailure } from '../sign-in-failure.ts';
import { type SigningCertificate, signingCertificate } from './certificates.ts';
import { METADATA, POST_BINDING, PROTOCOL, REDIRECT_BINDING, SIGNATURE } from './names.ts';
import { readXml, type XmlElement, type XmlLimits } from './xml.ts';
import { XmlFault } from './xml-fault.ts';
import { xmlText } from './xml-text.ts';
import { attributeOf, childrenOf, elementsIn, isNamed, textOf, walk } from './xml-tree.ts';

/** What metadata says of a provider. */
export interface DescribedProvider {
  readonly entityId: string;
  /** Where requests go by HTTP-Redirect; null where it offers none. */
  readonly signInUrl: string | null;
  /** It takes requests by HTTP-POST. */
  readonly takesPost: boolean;
  readonly certificates: readonly SigningCertificate[];
  readonly wantsSignedRequests: boolean;
  /** It must not be used from then on, milliseconds since the epoch; null for no end. */
  readonly validUntil: number | null;
}

/** Metadata is written for people too: comments are common in it, and nothing of it is verified by a signature that they could split. */
const LIMITS: XmlLimits = { depth: 32, elements: 50_000, attributes: 64, comments: true };
const MOST_CERTIFICATES = 10;
const LONGEST_ID = 1024;

/**
 * Reads the metadata of a provider (SAML metadata, 2.4.3). Of several, the one with this entity id.
 *
 * @param entityId as the policy names it; null takes the one that is there
 * @throws SignInFailure `provider_misconfigured`
 */
export function readMetadata(bytes: Uint8Array, entityId: string | null): DescribedProvider {
  const root = parsed(bytes);
  const found = entities(root).filter(
    ({ entity }) => entityId === null || attributeOf(entity, 'entityID') === entityId,
  );
  const [one, ...more] = found;
  if (one === undefined)
    misconfigured(entityId === null ? 'names no identity provider' : 'does not name the entity id of the policy');
  if (more.length > 0) misconfigured('names several identity providers; write entity_id into the policy');
  return described(one.entity, one.role, root);
}

function misconfigured(what: string): never {
  throw new SignInFailure('provider_misconfigured', `the metadata of the provider ${what}`);
}

function parsed(bytes: Uint8Array): XmlElement {
  try {
    return readXml(xmlText(bytes), LIMITS);
  } catch (error) {
    if (error instanceof XmlFault) misconfigured(error.message);
    throw error;
  }
}

interface Entity {
  readonly entity: XmlElement;
  readonly role: XmlElement;
}

/** Every entity that is an identity provider of SAML 2.0, in groups within groups. */
function entities(root: XmlElement): Entity[] {
  if (!isNamed(root, METADATA, 'EntityDescriptor') && !isNamed(root, METADATA, 'EntitiesDescriptor')) {
    misconfigured('is no metadata of SAML 2.0');
  }
  return [...walk(root)].flatMap(({ element }) => {
    if (!isNamed(element, METADATA, 'EntityDescriptor')) return [];
    const roles = childrenOf(element, METADATA, 'IDPSSODescriptor').filter((role) =>
      (attributeOf(role, 'protocolSupportEnumeration') ?? '').split(/[ \n\t]+/).includes(PROTOCOL),
    );
    return roles.map((role) => ({ entity: element, role }));
  });
}

function described(entity: XmlElement, role: XmlElement, root: XmlElement): DescribedProvider {
  const entityId = attributeOf(entity, 'entityID') ?? '';
  if (entityId === '' || entityId.length > LONGEST_ID) misconfigured('names a provider without a usable entity id');
  const services = childrenOf(role, METADATA, 'SingleSignOnService');
  const at = (binding: string): string | null => {
    const service = services.find((one) => attributeOf(one, 'Binding') === binding);
    return service === undefined ? null : attributeOf(service, 'Location');
  };
  const ends = [root, entity, role].flatMap((element) => attributeOf(element, 'validUntil') ?? []).map(momentIn);
  return {
    entityId,
    signInUrl: at(REDIRECT_BINDING),
    takesPost: at(POST_BINDING) !== null,
    certificates: certificatesOf(role),
    wantsSignedRequests: /^(?:true|1)$/.test(attributeOf(role, 'WantAuthnRequestsSigned') ?? ''),
    validUntil: ends.length === 0 ? null : Math.min(...ends),
  };
}

function momentIn(text: string): number {
  const at = Date.parse(text);
  return Number.isNaN(at) ? misconfigured('has an end that cannot be read') : at;
}

/** Of the keys that are for signing, or for everything. */
function certificatesOf(role: XmlElement): SigningCertificate[] {
  const keys = childrenOf(role, METADATA, 'KeyDescriptor').filter(
    (key) => (attributeOf(key, 'use') ?? 'signing') === 'signing',
  );
  const found = new Map<string, SigningCertificate>();
  for (const key of keys) {
    for (const info of childrenOf(key, SIGNATURE, 'KeyInfo')) {
      for (const { element } of walk(info)) {
        if (!isNamed(element, SIGNATURE, 'X509Certificate') || elementsIn(element).length > 0) continue;
        const certificate =
          signingCertificate(textOf(element) ?? '') ?? misconfigured('has a certificate that cannot be read');
        found.set(certificate.fingerprint, certificate);
      }
    }
  }
  // Each is tried on every answer of every stranger.
  if (found.size > MOST_CERTIFICATES) misconfigured('has too many certificates');
  return [...found.values()];
}
