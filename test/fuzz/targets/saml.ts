import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProvenIdentity } from '../../../src/identity/ports.ts';
import { samlClient } from '../../../src/identity/saml/client.ts';
import { readMetadata } from '../../../src/identity/saml/metadata-in.ts';
import { SignInFailure } from '../../../src/identity/sign-in-failure.ts';
import { FetchFailure } from '../../../src/net/failure.ts';
import type { SamlProvider } from '../../../src/policy/model.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { VECTORS } from './jose-keys.ts';

/**
 * Answers of SimpleSAMLphp 1.19 to one request of `gatehouse.example.com`, signed with the key of RFC 7515 A.2: `both` response and
 * assertion, `assertion` alone, `encrypted` by xmlsec1 to the same key. The rest must be refused: `response` signed alone, `sha1`, `cbc`.
 */
const SAMPLES = join(import.meta.dirname, '..', 'vectors', 'saml');
const sample = (name: string): string => readFileSync(join(SAMPLES, name), 'utf8');
const GOOD = ['both', 'assertion', 'encrypted'].map((name) => sample(`${name}.xml`));
const BAD = ['response', 'sha1', 'cbc'].map((name) => sample(`${name}.xml`));

const CALLBACK = 'https://gatehouse.example.com/signin/saml/adfs';
const NOW = Date.parse('2026-12-01T13:43:30Z');
const certificate = sample('provider.crt');
const { key = {} } = VECTORS.find(({ from }) => from === 'RFC 7515 A.2') ?? {};
const privateKey = createPrivateKey({ key: key ?? {}, format: 'jwk' }).export({ format: 'pem', type: 'pkcs8' });
const settings: SamlProvider = {
  kind: 'saml',
  name: 'adfs',
  label: null,
  domains: ['acme.de'],
  place: { path: 'identity.providers[0]', line: 1, text: 'adfs' },
  metadata: null,
  entityId: 'http://127.0.0.1:9913/idp',
  signInUrl: 'https://adfs.example.com/sso',
  certificates: [certificate],
  attributes: { subject: null, email: null, name: null, groups: null },
  encrypted: false,
  unsolicited: false,
  skewMs: 0,
};
const client = samlClient(settings, {
  fetcher: { fetch: async () => Promise.reject(new FetchFailure('unreachable', 'x', 'there is no network here')) },
  clock: { now: () => NOW, monotonic: () => 0 },
  log: { warn: () => undefined },
  own: { privateKey: privateKey.toString(), certificate },
});

/** Brings an answer to the request of the samples. */
export function answer(document: string | Uint8Array): Promise<ProvenIdentity> {
  const parameters = new URLSearchParams({ SAMLResponse: Buffer.from(document as string).toString('base64') });
  return client.finish({ callback: CALLBACK, parameters, remembered: { request: '_fixed' } });
}

/** Refusals repeat nothing of what came. */
function checkRefusal(error: unknown, document: string): void {
  if (!(error instanceof SignInFailure)) throw error;
  for (const [word] of error.detail.matchAll(/[\w+/=@.-]{20,}/g)) {
    assert.ok(word === `${CALLBACK}/metadata` || !document.includes(word), 'a refusal repeats the answer');
  }
}

/** Whatever is done to an answer that the provider signed: it is carol of the signed assertion who comes in, or nobody. */
export async function runAnswer(input: Uint8Array): Promise<void> {
  const document = Buffer.from(input).toString();
  let proven: ProvenIdentity;
  try {
    proven = await answer(input);
  } catch (error) {
    checkRefusal(error, document);
    assert.ok(!GOOD.includes(document), 'an honest answer was refused');
    return;
  }
  assert.ok(!BAD.includes(document), 'an answer was accepted that must not be');
  const { subject, email, groups, once, until } = proven;
  assert.deepEqual({ subject, email, groups }, { subject: 'carol', email: 'carol@acme.de', groups: ['eng', 'ops'] });
  // A copy must be known as a copy, whatever was changed around what is signed.
  assert.ok(once !== null && ONCE.has(once.digest), 'an answer could be used twice');
  assert.ok(until !== null && until <= NOW + 8 * 3_600_000, 'a session would outlive that of the provider');
}

const ONCE = new Set<string>();
for (const document of GOOD) ONCE.add((await answer(document)).once?.digest ?? '');

/** Metadata of a provider: read, or refused with a sentence; certificates and addresses are such. */
function runMetadata(input: Uint8Array): void {
  let described: ReturnType<typeof readMetadata>;
  try {
    described = readMetadata(Buffer.from(input), null);
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
    return;
  }
  assert.notEqual(described.entityId, '');
  for (const { pem } of described.certificates)
    assert.match(pem, /^-----BEGIN CERTIFICATE-----\n[\w+/=\n]+\n-----END CERTIFICATE-----\n?$/);
}

/** Pieces to put in whole: an assertion for somebody else, what hides text from one reader or another, and what moves signatures. */
const EVIL = sample('assertion.xml')
  .replace(/^.*?(?=<saml:Assertion)/s, '')
  .replace(/<\/saml:Assertion>.*$/s, '</saml:Assertion>')
  .replace(/<ds:Signature.*<\/ds:Signature>/s, '')
  .replaceAll('carol', 'admin');
const TOKENS = [
  EVIL,
  EVIL.replace(/ID="[^"]*"/, 'ID="_evil"'),
  ...[
    '<!---->',
    '<!--x-->',
    '<?x y?>',
    '<![CDATA[',
    ']]>',
    '<!DOCTYPE x [<!ENTITY e "x">]>',
    '&e;',
    '&#x61;',
    '&amp;',
    '&#0;',
  ],
  ...['<saml:NameID>admin</saml:NameID>', '<saml:AttributeValue>admin</saml:AttributeValue>', 'admin', 'carol'],
  ...[
    'xmlns:saml="x" ',
    'xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ',
    'xmlns:ds="x" ',
    'ID="_evil" ',
    'Id="_evil" ',
  ],
  ...['</saml:Assertion>', '<saml:Assertion>', '<ds:Object>', '</ds:Object>', '</ds:Signature>', '<ds:Signature>'],
  ...[
    '<saml:EncryptedAssertion>',
    '</saml:EncryptedAssertion>',
    '<samlp:Extensions>',
    '</samlp:Extensions>',
    '<saml:Advice>',
  ],
  ...[
    '#xpointer(/)',
    'http://www.w3.org/TR/1999/REC-xslt-19991116',
    'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
    '\ufeff',
  ],
];

export const samlAnswer: FuzzTarget = {
  name: 'saml-answer',
  parses: 'src/identity/saml/{xml*,hygiene,signature-shape,verify,decrypt,assertion,attributes,person}.ts',
  hostile: ['caller'],
  seeds: [...GOOD, ...BAD],
  tokens: TOKENS,
  longest: 16_384,
  run: runAnswer,
};

const KEY = certificate.replace(/-----.*-----|\s/g, '');
export const samlMetadata: FuzzTarget = {
  name: 'saml-metadata',
  parses: 'src/identity/saml/{metadata-in,certificates}.ts',
  hostile: ['provider'],
  seeds: [
    `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://id.example.com" validUntil="2036-01-01T00:00:00Z"><md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${KEY}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://id.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>`,
  ],
  tokens: [
    ...[
      '<md:IDPSSODescriptor>',
      '</md:IDPSSODescriptor>',
      '<md:EntitiesDescriptor>',
      '</md:EntitiesDescriptor>',
      'use="encryption"',
    ],
    ...[
      'javascript:x',
      'http://',
      'validUntil="2020-01-01"',
      '<!DOCTYPE x>',
      '<!---->',
      'entityID=""',
      KEY,
      'xmlns:md="x"',
    ],
  ],
  longest: 16_384,
  run: runMetadata,
};
