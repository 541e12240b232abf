import { createHash, createSign, X509Certificate } from 'node:crypto';
import type { ProvenIdentity, ProviderClient } from '../../src/identity/ports.ts';
import { samlClient } from '../../src/identity/saml/client.ts';
import { newOwnKeys, type OwnKeys } from '../../src/identity/saml/own-keys.ts';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import type { JsonObject } from '../../src/journal/records.ts';
import type { OutboundAnswer } from '../../src/net/ports.ts';
import type { SamlProvider } from '../../src/policy/model.ts';

/** 2026-11-24T12:00:00Z. */
export const NOW = 1_795_521_600_000;
export const IDP = 'https://idp.acme.test/entity';
export const CALLBACK = 'https://gatehouse.acme.test/signin/saml/adfs';
export const AUDIENCE = 'https://gatehouse.acme.test/signin/saml/adfs/metadata';
export const REQUEST = '_request1';
export const MINUTE = 60_000;

export const NS = {
  saml: 'urn:oasis:names:tc:SAML:2.0:assertion',
  samlp: 'urn:oasis:names:tc:SAML:2.0:protocol',
  ds: 'http://www.w3.org/2000/09/xmldsig#',
  xenc: 'http://www.w3.org/2001/04/xmlenc#',
} as const;
const C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const ENVELOPED = `${NS.ds}enveloped-signature`;

/** Keys of this run: the provider's, another's, and ours. */
export const [idp, stranger, own]: readonly [OwnKeys, OwnKeys, OwnKeys] = await Promise.all([
  newOwnKeys(NOW, 'idp'),
  newOwnKeys(NOW, 'stranger'),
  newOwnKeys(NOW, 'own'),
]);

export const at = (ms: number): string => new Date(ms).toISOString();
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** What an assertion says; everything it must say is there by default. `null` leaves a part out. */
export interface Said {
  readonly id: string;
  readonly version: string;
  readonly issuer: string | null;
  readonly issued: number;
  readonly nameId: string;
  /** Further attributes of the NameID, in canonical order. */
  readonly nameIdAttributes: string;
  readonly confirmation: string | null;
  readonly recipient: string | null;
  readonly inResponseTo: string | null;
  readonly confirmedUntil: number | null;
  readonly conditions: string | null;
  readonly audience: string;
  readonly notBefore: number;
  readonly notOnOrAfter: number;
  readonly statement: string | null;
  readonly sessionEnd: number | null;
  readonly attributes: readonly (readonly [name: string, ...values: string[]])[];
}

const SAID: Said = {
  id: '_assertion1',
  version: '2.0',
  issuer: IDP,
  issued: NOW - 1000,
  nameId: 'ada-1',
  nameIdAttributes: ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"',
  confirmation: null,
  recipient: CALLBACK,
  inResponseTo: REQUEST,
  confirmedUntil: NOW + 5 * MINUTE,
  conditions: null,
  audience: AUDIENCE,
  notBefore: NOW - MINUTE,
  notOnOrAfter: NOW + 5 * MINUTE,
  statement: null,
  sessionEnd: null,
  attributes: [
    ['mail', 'Ada@Acme.test'],
    ['displayName', 'Ada L.'],
    ['groups', 'eng', 'ops'],
  ],
};

const optional = (name: string, value: string | null): string => (value === null ? '' : ` ${name}="${escaped(value)}"`);

/** One confirmation, in canonical form. */
export function confirmationXml(said: Partial<Said> = {}): string {
  const { recipient, inResponseTo, confirmedUntil } = { ...SAID, ...said };
  const data =
    optional('InResponseTo', inResponseTo) +
    optional('NotOnOrAfter', confirmedUntil === null ? null : at(confirmedUntil)) +
    optional('Recipient', recipient);
  return (
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
    `<saml:SubjectConfirmationData${data}></saml:SubjectConfirmationData></saml:SubjectConfirmation>`
  );
}

export function attributeXml([name, ...values]: readonly [string, ...string[]]): string {
  const inside = values.map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`).join('');
  return `<saml:Attribute Name="${escaped(name)}">${inside}</saml:Attribute>`;
}

/** An assertion in exactly the form that exclusive canonicalisation gives: what is written is what is digested. */
export function assertionXml(changes: Partial<Said> = {}): string {
  const said = { ...SAID, ...changes };
  const { id, version, issuer, issued, nameId, audience, sessionEnd } = said;
  const conditions =
    said.conditions ??
    `<saml:Conditions NotBefore="${at(said.notBefore)}" NotOnOrAfter="${at(said.notOnOrAfter)}"><saml:AudienceRestriction>` +
      `<saml:Audience>${escaped(audience)}</saml:Audience></saml:AudienceRestriction></saml:Conditions>`;
  const statement =
    said.statement ??
    `<saml:AuthnStatement AuthnInstant="${at(issued)}"${optional('SessionNotOnOrAfter', sessionEnd === null ? null : at(sessionEnd))}>` +
      '<saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password' +
      '</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>';
  const attributes = said.attributes.map(attributeXml).join('');
  return (
    `<saml:Assertion xmlns:saml="${NS.saml}" ID="${id}" IssueInstant="${at(issued)}" Version="${version}">` +
    (issuer === null ? '' : `<saml:Issuer>${escaped(issuer)}</saml:Issuer>`) +
    `<saml:Subject><saml:NameID${said.nameIdAttributes}>${escaped(nameId)}</saml:NameID>` +
    `${said.confirmation ?? confirmationXml(said)}</saml:Subject>${conditions}${statement}` +
    (attributes === '' ? '' : `<saml:AttributeStatement>${attributes}</saml:AttributeStatement>`) +
    '</saml:Assertion>'
  );
}

export interface Signing {
  readonly keys?: OwnKeys;
  readonly method?: string;
  readonly hash?: string;
  readonly digestMethod?: string;
  readonly digestHash?: string;
  readonly uri?: string;
  readonly canonicalisation?: string;
  readonly transforms?: string;
  readonly keyInfo?: string;
}

/** The Signature element for this text, which must be canonical. */
export function signatureXml(canonical: string, signing: Signing = {}): string {
  const { keys = idp, hash = 'RSA-SHA256', digestHash = 'sha256' } = signing;
  const method = signing.method ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
  const digestMethod = signing.digestMethod ?? `${NS.xenc}sha256`;
  const [, id = ''] = canonical.match(/ ID="([^"]*)"/) ?? [];
  const uri = signing.uri ?? `#${id}`;
  const canonicalisation = `<ds:CanonicalizationMethod Algorithm="${signing.canonicalisation ?? C14N}"></ds:CanonicalizationMethod>`;
  const transforms =
    signing.transforms ??
    `<ds:Transform Algorithm="${ENVELOPED}"></ds:Transform><ds:Transform Algorithm="${C14N}"></ds:Transform>`;
  const digest = createHash(digestHash).update(canonical).digest('base64');
  const info =
    `<ds:SignedInfo xmlns:ds="${NS.ds}">${canonicalisation}<ds:SignatureMethod Algorithm="${method}"></ds:SignatureMethod>` +
    `<ds:Reference URI="${uri}"><ds:Transforms>${transforms}</ds:Transforms>` +
    `<ds:DigestMethod Algorithm="${digestMethod}"></ds:DigestMethod><ds:DigestValue>${digest}</ds:DigestValue>` +
    '</ds:Reference></ds:SignedInfo>';
  const value = createSign(hash).update(info).sign(keys.privateKey, 'base64');
  const bare = info.replace(` xmlns:ds="${NS.ds}"`, '');
  const certificate = new X509Certificate(keys.certificate).raw.toString('base64');
  const keyInfo =
    signing.keyInfo ??
    `<ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>`;
  return `<ds:Signature xmlns:ds="${NS.ds}">${bare}<ds:SignatureValue>${value}</ds:SignatureValue>${keyInfo}</ds:Signature>`;
}

/** Puts something behind the first issuer, where signatures stand. */
export function behindIssuer(text: string, insert: string): string {
  return text.replace('</saml:Issuer>', () => `</saml:Issuer>${insert}`);
}

/** Signs an element in canonical form. */
export function signed(canonical: string, signing: Signing = {}): string {
  return behindIssuer(canonical, signatureXml(canonical, signing));
}

/** What a response says around its assertion. */
export interface Around {
  readonly id: string;
  readonly version: string;
  readonly destination: string | null;
  readonly inResponseTo: string | null;
  readonly issued: number;
  readonly issuer: string | null;
  readonly status: string;
}

const AROUND: Around = {
  id: '_response1',
  version: '2.0',
  destination: CALLBACK,
  inResponseTo: REQUEST,
  issued: NOW - 1000,
  issuer: IDP,
  status: statusXml('Success'),
};

export function statusXml(code: string, inner = ''): string {
  const value = `urn:oasis:names:tc:SAML:2.0:status:${code}`;
  return `<samlp:Status><samlp:StatusCode Value="${value}">${inner}</samlp:StatusCode></samlp:Status>`;
}

/** A response in canonical form around this assertion. */
export function responseXml(inside: string, changes: Partial<Around> = {}): string {
  const { id, version, destination, inResponseTo, issued, issuer, status } = { ...AROUND, ...changes };
  return (
    `<samlp:Response xmlns:samlp="${NS.samlp}"${optional('Destination', destination)} ID="${id}"` +
    `${optional('InResponseTo', inResponseTo)} IssueInstant="${at(issued)}" Version="${version}">` +
    (issuer === null ? '' : `<saml:Issuer xmlns:saml="${NS.saml}">${escaped(issuer)}</saml:Issuer>`) +
    `${status}${inside}</samlp:Response>`
  );
}

/** A response that is taken: a signed assertion with these changes. */
export function answerXml(said: Partial<Said> = {}, around: Partial<Around> = {}): string {
  return responseXml(signed(assertionXml(said)), around);
}

export const SETTINGS: SamlProvider = {
  kind: 'saml',
  place: { path: 'identity.providers[0]', line: 1, text: 'adfs' },
  name: 'adfs',
  label: null,
  domains: ['acme.test'],
  metadata: null,
  entityId: IDP,
  signInUrl: 'https://idp.acme.test/sso',
  certificates: [idp.certificate],
  attributes: { subject: null, email: null, name: null, groups: null },
  encrypted: false,
  unsolicited: false,
  skewMs: 2 * MINUTE,
};

export interface World {
  readonly client: ProviderClient;
  readonly clock: { at: number };
  /** Addresses that were fetched. */
  readonly fetched: string[];
  readonly logged: { readonly fields: object; readonly message: string }[];
  finish(
    xml: string | Buffer,
    returned?: { remembered?: JsonObject | null; callback?: string },
  ): Promise<ProvenIdentity>;
}

export type Answer = () => Partial<OutboundAnswer> | Promise<Partial<OutboundAnswer>>;

export function world(settings: Partial<SamlProvider> = {}, answer: Answer = () => ({ status: 404 })): World {
  const clock = { at: NOW };
  const fetched: string[] = [];
  const logged: { fields: object; message: string }[] = [];
  const client = samlClient(
    { ...SETTINGS, ...settings },
    {
      own,
      clock: { now: () => clock.at, monotonic: () => 0 },
      log: { warn: (fields, message) => void logged.push({ fields, message }) },
      fetcher: {
        async fetch({ url }) {
          fetched.push(url);
          return { status: 200, headers: {}, body: Buffer.alloc(0), ...(await answer()) };
        },
      },
    },
  );
  return {
    client,
    clock,
    fetched,
    logged,
    finish: (xml, { remembered = { request: REQUEST }, callback = CALLBACK } = {}) =>
      client.finish({
        callback,
        remembered,
        parameters: new URLSearchParams({ SAMLResponse: Buffer.from(xml).toString('base64'), RelayState: 's' }),
      }),
  };
}

/** The refusal of a sign-in: its code and detail. */
export async function refusal(promise: Promise<unknown>): Promise<{ code: string; detail: string }> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
    return { code: error.code, detail: error.detail };
  }
  throw new Error('it was accepted');
}
