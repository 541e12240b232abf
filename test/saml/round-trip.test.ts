import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { serviceProviderMetadata } from '../../src/identity/saml/metadata-out.ts';
import type { JsonObject } from '../../src/journal/records.ts';
import type { SamlProvider } from '../../src/policy/model.ts';
import { type Provider, samlify } from './samlify.ts';
import { AUDIENCE, at, CALLBACK, IDP, idp, MINUTE, own, SETTINGS, world } from './support.ts';

// A provider that is not ours: samlify reads our metadata and requests, and writes and signs answers by libraries of its own.
samlify.setSchemaValidator({ validate: async () => 'not looked at' });

const TEMPLATE = {
  context:
    '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{ID}" Version="2.0" IssueInstant="{IssueInstant}" Destination="{Destination}" InResponseTo="{InResponseTo}"><saml:Issuer>{Issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{StatusCode}"/></samlp:Status><saml:Assertion ID="{AssertionID}" Version="2.0" IssueInstant="{IssueInstant}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Issuer>{Issuer}</saml:Issuer><saml:Subject><saml:NameID Format="{NameIDFormat}">{NameID}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{NotOnOrAfter}" Recipient="{Destination}" InResponseTo="{InResponseTo}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{IssueInstant}" NotOnOrAfter="{NotOnOrAfter}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{IssueInstant}" SessionIndex="{AssertionID}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>{AttributeStatement}</saml:Assertion></samlp:Response>',
  attributes: ['mail', 'displayName', 'groups'].map((name) => ({
    name,
    valueTag: `user.${name}`,
    nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic',
    valueXsiType: 'xs:string',
  })),
};

interface Habits {
  readonly signsResponse: boolean;
  readonly encrypts: boolean;
}

interface Parties {
  readonly provider: Provider;
  readonly service: object;
}

function parties({ signsResponse, encrypts }: Habits): Parties {
  const provider = samlify.IdentityProvider({
    entityID: IDP,
    privateKey: idp.privateKey,
    signingCert: idp.certificate,
    wantAuthnRequestsSigned: true,
    isAssertionEncrypted: encrypts,
    dataEncryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes128-gcm',
    nameIDFormat: ['urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'],
    loginResponseTemplate: TEMPLATE,
    singleSignOnService: [
      { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: 'https://idp.acme.test/sso' },
    ],
    singleLogoutService: [
      { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: 'https://idp.acme.test/slo' },
    ],
  });
  const service = samlify.ServiceProvider({
    metadata: serviceProviderMetadata({ callback: CALLBACK, certificate: own.certificate }),
    wantMessageSigned: signsResponse,
  });
  return { provider, service };
}

async function signIn(habits: Habits, settings: Partial<SamlProvider> = {}): Promise<object> {
  const { provider, service } = parties(habits);
  const { client, clock } = world({
    metadata: { xml: provider.getMetadata() },
    certificates: [],
    entityId: null,
    signInUrl: null,
    ...settings,
  });
  const { location, remember } = await client.begin({ callback: CALLBACK, state: 'the-state', loginHint: null });
  const url = new URL(location);
  const query = Object.fromEntries(url.searchParams);
  const octetString = url.search.slice(1).replace(/&Signature=.*$/, '');
  const asked = await provider.parseLoginRequest(service, 'redirect', { query, octetString });
  const request = asked.extract.request ?? {};
  const values = {
    ID: `_${randomBytes(8).toString('hex')}`,
    AssertionID: `_${randomBytes(8).toString('hex')}`,
    Destination: request.assertionConsumerServiceUrl ?? CALLBACK,
    Audience: String(asked.extract.issuer),
    Issuer: IDP,
    IssueInstant: at(clock.at),
    NotOnOrAfter: at(clock.at + 5 * MINUTE),
    InResponseTo: request.id ?? '',
    StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success',
    NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    NameID: 'ada-1',
    attrUserMail: 'ada@acme.test',
    attrUserDisplayName: 'Ada & Co',
    attrUserGroups: 'eng',
  };
  const { context } = await provider.createLoginResponse(
    service,
    asked,
    'post',
    {},
    {
      customTagReplacement: (template: string) => ({
        id: values.ID,
        context: samlify.SamlLib.replaceTagsByValue(template, values),
      }),
      encryptThenSign: habits.encrypts,
    },
  );
  const written = Buffer.from(context, 'base64').toString();
  assert.equal(written.includes('EncryptedAssertion'), habits.encrypts);
  const signatures = (habits.signsResponse ? 1 : 0) + (habits.encrypts ? 0 : 1);
  assert.equal(written.match(/<\/(?:ds:)?SignatureValue>/g)?.length ?? 0, signatures);
  return client.finish({
    callback: CALLBACK,
    remembered: remember as JsonObject,
    parameters: new URLSearchParams({ SAMLResponse: context, RelayState: url.searchParams.get('RelayState') ?? '' }),
  });
}

const ADA = {
  provider: 'adfs',
  subject: 'ada-1',
  email: 'ada@acme.test',
  emailVerified: null,
  name: 'Ada & Co',
  groups: ['eng'],
};

for (const signsResponse of [false, true]) {
  for (const encrypts of [false, true]) {
    test(`a provider that is not ours reads our request and signs somebody in: ${signsResponse ? 'response and assertion' : 'assertion'} signed, ${encrypts ? 'encrypted' : 'in the clear'}`, async () => {
      const proven = await signIn({ signsResponse, encrypts }, { encrypted: encrypts });
      assert.partialDeepStrictEqual(proven, ADA);
    });
  }
}

test('our request names our entity id and the address for answers, and its signature is that of our certificate', async () => {
  const { provider, service } = parties({ signsResponse: false, encrypts: false });
  const { client } = world();
  const { location } = await client.begin({ callback: CALLBACK, state: 's', loginHint: null });
  const url = new URL(location);
  assert.equal(`${url.origin}${url.pathname}`, SETTINGS.signInUrl);
  const octetString = url.search.slice(1).replace(/&Signature=.*$/, '');
  const query = Object.fromEntries(url.searchParams);
  const { extract } = await provider.parseLoginRequest(service, 'redirect', { query, octetString });
  assert.equal(extract.issuer, AUDIENCE);
  assert.partialDeepStrictEqual(extract.request ?? {}, {
    assertionConsumerServiceUrl: CALLBACK,
    destination: SETTINGS.signInUrl,
  });
  const forged = { ...query, RelayState: 'another' };
  const changed = octetString.replace('RelayState=s', 'RelayState=another');
  await assert.rejects(provider.parseLoginRequest(service, 'redirect', { query: forged, octetString: changed }));
});
