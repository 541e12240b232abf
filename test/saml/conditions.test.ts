import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  type Around,
  AUDIENCE,
  answerXml,
  assertionXml,
  at,
  CALLBACK,
  confirmationXml,
  IDP,
  MINUTE,
  NOW,
  REQUEST,
  refusal,
  responseXml,
  type Said,
  signatureXml,
  signed,
  statusXml,
  world,
} from './support.ts';

// What a rightly signed answer must have been made for. Each is right but for one thing.

const SKEW = 2 * MINUTE;
const { finish, client, clock } = world();

function refused(name: string, xml: () => string, [code, detail]: readonly [code: string, detail: RegExp]): void {
  test(`refused: ${name}`, async () => {
    const refused = await refusal(finish(xml()));
    assert.equal(refused.code, code, refused.detail);
    assert.match(refused.detail, detail);
  });
}

const invalid = (detail: RegExp): readonly [string, RegExp] => ['response_invalid', detail];
const late = (detail: RegExp): readonly [string, RegExp] => ['response_late', detail];
const said = (changes: Partial<Said>) => (): string => answerXml(changes);
const around = (changes: Partial<Around>) => (): string => answerXml({}, changes);

refused(
  'another issuer of the response',
  around({ issuer: 'https://evil.test' }),
  invalid(/response is from another issuer/),
);
refused(
  'another issuer of the assertion',
  said({ issuer: 'https://evil.test' }),
  invalid(/assertion is from another issuer/),
);
refused('an issuer that only begins as ours', said({ issuer: `${IDP}/x` }), invalid(/another issuer/));
refused('an issuer in other letters', said({ issuer: IDP.toUpperCase() }), invalid(/another issuer/));
refused('an issuer with a blank', said({ issuer: `${IDP} ` }), invalid(/another issuer/));
refused('no issuer of the response', around({ issuer: null }), invalid(/response does not name one issuer/));
refused(
  'two issuers',
  () => answerXml().replace(/(<saml:Issuer xmlns:saml[^>]*>[^<]*<\/saml:Issuer>)/, '$1$1'),
  invalid(/one issuer/),
);
refused(
  'no issuer of the assertion',
  () => {
    const bare = assertionXml({ issuer: null });
    return responseXml(bare.replace('<saml:Subject>', () => `${signatureXml(bare)}<saml:Subject>`));
  },
  invalid(/assertion does not name one issuer/),
);

refused(
  'another destination',
  around({ destination: 'https://other.acme.test/signin/saml/adfs' }),
  invalid(/another destination/),
);
refused(
  'a destination of another provider of ours',
  around({ destination: CALLBACK.replace('adfs', 'okta') }),
  invalid(/another destination/),
);
refused('no destination', around({ destination: null }), invalid(/another destination/));
refused('another recipient', said({ recipient: 'https://other.acme.test/acs' }), invalid(/another recipient/));
refused('no recipient', said({ recipient: null }), invalid(/another recipient/));
refused(
  'an answer to another request',
  around({ inResponseTo: '_other' }),
  invalid(/response answers another request/),
);
refused(
  'a response that answers no request',
  around({ inResponseTo: null }),
  invalid(/response answers another request/),
);
refused(
  'a confirmation that answers another request',
  said({ inResponseTo: '_other' }),
  invalid(/assertion answers another request/),
);
refused(
  'a confirmation that answers no request',
  said({ inResponseTo: null }),
  invalid(/assertion answers another request/),
);
const two = confirmationXml() + confirmationXml({ recipient: 'https://evil.test/acs' });
refused('a second confirmation for another recipient', said({ confirmation: two }), invalid(/another recipient/));
const both = confirmationXml() + confirmationXml({ confirmedUntil: NOW - 10 * MINUTE });
refused('a second confirmation that is over', said({ confirmation: both }), late(/subject confirmation/));
refused('no confirmation', said({ confirmation: '' }), invalid(/subject confirmations/));
refused(
  'confirmations without end',
  said({ confirmation: confirmationXml().repeat(5) }),
  invalid(/subject confirmations/),
);
const held = confirmationXml().replace('cm:bearer', 'cm:holder-of-key');
refused('a confirmation of another kind', said({ confirmation: held }), invalid(/bearer/));
refused(
  'a confirmation of another kind beside a good one',
  said({ confirmation: confirmationXml() + held }),
  invalid(/bearer/),
);
const empty = '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"></saml:SubjectConfirmation>';
refused('a confirmation without data', said({ confirmation: empty }), invalid(/SubjectConfirmationData/));

for (const status of ['Requester', 'Responder', 'VersionMismatch', 'SomethingElse']) {
  refused(`the status ${status} around a good assertion`, around({ status: statusXml(status) }), [
    'provider_refused',
    /status/,
  ]);
}
const success = '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode>';
refused('success below a failure', around({ status: statusXml('Responder', success) }), [
  'provider_refused',
  /Responder, unknown/,
]);
refused('no status', around({ status: '' }), invalid(/no one status/));
refused(
  'two status codes',
  around({ status: statusXml('Responder').replace('</samlp:Status>', `${success}</samlp:Status>`) }),
  invalid(/no one status/),
);
refused('two statuses', around({ status: statusXml('Success').repeat(2) }), invalid(/no one status/));
test('a provider that lets nobody in needs no assertion and no signature, and its codes are told', async () => {
  const inner = '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"></samlp:StatusCode>';
  const status = statusXml('Responder', inner).replace(
    '</samlp:Status>',
    '<samlp:StatusMessage>ada failed</samlp:StatusMessage></samlp:Status>',
  );
  const { code, detail } = await refusal(finish(responseXml('', { status })));
  assert.deepEqual(
    { code, detail },
    { code: 'provider_refused', detail: 'the provider answered with status Responder, AuthnFailed' },
  );
});

refused('another version of the response', around({ version: '1.1' }), invalid(/SAML 2.0/));
refused('another version of the assertion', said({ version: '1.1' }), invalid(/SAML 2.0/));
refused('a response from the future', around({ issued: NOW + SKEW + 1000 }), late(/response is not valid yet/));
refused('an assertion from the future', said({ issued: NOW + SKEW + 1000 }), late(/not valid yet/));
refused('an assertion that was an hour on its way', said({ issued: NOW - 3_600_000 - SKEW }), late(/no longer valid/));
refused('conditions that begin later', said({ notBefore: NOW + SKEW + 1000 }), late(/not valid yet/));
refused('conditions that are over', said({ notOnOrAfter: NOW - SKEW }), late(/no longer valid/));
refused('a confirmation that is over', said({ confirmedUntil: NOW - SKEW }), late(/no longer valid/));
refused(
  'a confirmation that begins later',
  said({
    confirmation: confirmationXml().replace(' NotOnOrAfter=', ` NotBefore="${at(NOW + SKEW + 1000)}" NotOnOrAfter=`),
  }),
  late(/not valid yet/),
);
refused('a confirmation without end', said({ confirmedUntil: null }), invalid(/time cannot be read/));
refused('a session that is over', said({ sessionEnd: NOW - SKEW }), late(/session/));
refused(
  'a time that does not exist',
  said({ confirmation: confirmationXml().replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="2027-02-30T00:00:00Z"') }),
  invalid(/time/),
);
refused(
  'a time without its zone',
  said({ confirmation: confirmationXml().replace(/(NotOnOrAfter="[^"]*)Z"/, '$1"') }),
  invalid(/time/),
);
refused(
  'a time in another calendar',
  said({ confirmation: confirmationXml().replace(/NotOnOrAfter="[^"]*"/, 'NotOnOrAfter="+012027-01-01T00:00:00Z"') }),
  invalid(/time/),
);

test('the clocks may differ by the skew of the policy, and not by a moment more', async () => {
  const cases: Partial<Said>[] = [
    { notBefore: NOW + SKEW, issued: NOW + SKEW },
    { notOnOrAfter: NOW - SKEW + 1000 },
    { confirmedUntil: NOW - SKEW + 1000 },
    { sessionEnd: NOW - SKEW + 1000 },
  ];
  for (const changes of cases) assert.equal((await finish(answerXml(changes))).subject, 'ada-1');
});

refused('another audience', said({ audience: 'https://other.acme.test' }), invalid(/another audience; ours is/));
refused('an audience that only begins as ours', said({ audience: `${AUDIENCE}/x` }), invalid(/another audience/));
const restricted = (audiences: string): string =>
  said({ conditions: `<saml:Conditions NotOnOrAfter="${at(NOW + MINUTE)}">${audiences}</saml:Conditions>` })();
const audience = (...names: string[]): string =>
  `<saml:AudienceRestriction>${names.map((name) => `<saml:Audience>${name}</saml:Audience>`).join('')}</saml:AudienceRestriction>`;
refused('no audience', () => restricted(''), invalid(/not restricted/));
refused('an empty restriction', () => restricted(audience()), invalid(/another audience/));
refused(
  'a second restriction without us',
  () => restricted(audience(AUDIENCE) + audience('https://other.acme.test')),
  invalid(/another audience/),
);
refused('no conditions', said({ conditions: '<saml:Advice></saml:Advice>' }), invalid(/Conditions/));
refused(
  'two conditions',
  () => said({ conditions: `<saml:Conditions>${audience(AUDIENCE)}</saml:Conditions>`.repeat(2) })(),
  invalid(/Conditions/),
);
refused(
  'a condition that nobody understands',
  () => restricted(`${audience(AUDIENCE)}<saml:Condition></saml:Condition>`),
  invalid(/not understood/),
);
test('one of several audiences, a use for one time only and the limits of proxies are understood', async () => {
  const conditions = `${audience('https://other.acme.test', AUDIENCE)}<saml:OneTimeUse></saml:OneTimeUse><saml:ProxyRestriction Count="0"></saml:ProxyRestriction>`;
  assert.equal((await finish(restricted(conditions))).subject, 'ada-1');
});

refused(
  'nobody who signed in',
  said({ statement: '<saml:Advice></saml:Advice>' }),
  invalid(/does not say that somebody signed in/),
);
refused('no NameID', () => signedChange(/<saml:NameID.*<\/saml:NameID>/, ''), invalid(/exactly one NameID/));
refused('two NameIDs', () => signedChange(/(<saml:NameID.*<\/saml:NameID>)/, '$1$1'), invalid(/exactly one NameID/));
refused(
  'another kind of name beside the NameID',
  () => signedChange(/<saml:SubjectConfirmation /, '<saml:BaseID></saml:BaseID><saml:SubjectConfirmation '),
  invalid(/subject has parts/),
);
refused(
  'two subjects',
  () => signedChange(/(<saml:Subject>.*<\/saml:Subject>)/, '$1$1'),
  invalid(/exactly one Subject/),
);

function signedChange(from: RegExp, to: string): string {
  const xml = assertionXml();
  assert.match(xml, from);
  return responseXml(signed(xml.replace(from, to)));
}

test('the end of the session at the provider is told, the earliest of several, and null where there is none', async () => {
  assert.equal((await finish(answerXml())).until, null);
  assert.equal((await finish(answerXml({ sessionEnd: NOW + 8 * 60 * MINUTE }))).until, NOW + 8 * 60 * MINUTE);
  const statement = (end: number): string =>
    `<saml:AuthnStatement SessionNotOnOrAfter="${at(end)}"></saml:AuthnStatement>`;
  const several = statement(NOW + 9 * MINUTE) + statement(NOW + 7 * MINUTE);
  assert.equal((await finish(answerXml({ statement: several }))).until, NOW + 7 * MINUTE);
});

test('an assertion can be told from every other by issuer and id, and is remembered for as long as it would be taken', async () => {
  const digest = createHash('sha256').update(`["${IDP}","_assertion1"]`).digest('hex');
  assert.deepEqual((await finish(answerXml())).once, { digest, until: NOW + 5 * MINUTE + SKEW });
  assert.notEqual((await finish(answerXml({ id: '_assertion2' }))).once?.digest, digest);
  // Another response around the same assertion is the same assertion.
  assert.equal((await finish(answerXml({}, { id: '_response2' }))).once?.digest, digest);
  const shortest = await finish(
    answerXml({ confirmedUntil: NOW + 3 * MINUTE, notOnOrAfter: NOW + 90 * 24 * 60 * MINUTE }),
  );
  assert.equal(shortest.once?.until, NOW + 3 * MINUTE + SKEW);
  const years = await finish(answerXml({ confirmedUntil: NOW + 1e11, notOnOrAfter: NOW + 1e11 }));
  assert.equal(years.once?.until, NOW - 1000 + 3_600_000 + SKEW);
  clock.at = years.once?.until ?? 0;
  assert.equal(
    (await refusal(finish(answerXml({ confirmedUntil: NOW + 1e11, notOnOrAfter: NOW + 1e11 })))).code,
    'response_late',
  );
  clock.at = NOW;
});

test('an answer that nobody asked for is refused by default, and taken where the policy says so, but never as the answer to a request', async () => {
  const answer = answerXml({ inResponseTo: null }, { inResponseTo: null });
  assert.equal((await refusal(finish(answer, { remembered: null }))).code, 'browser_changed');
  assert.equal((await refusal(finish(answerXml(), { remembered: null }))).code, 'browser_changed');
  assert.equal((await refusal(finish(answerXml(), { remembered: {} }))).code, 'browser_changed');
  assert.equal((await refusal(finish(answerXml(), { remembered: { request: '' } }))).code, 'browser_changed');
  const open = world({ unsolicited: true });
  assert.equal((await open.finish(answer, { remembered: null })).subject, 'ada-1');
  // Somebody who asked gets the answer to that, and an answer to a request that this browser did not make is a stolen one.
  assert.equal((await refusal(open.finish(answer))).code, 'response_invalid');
  assert.equal((await refusal(open.finish(answerXml(), { remembered: null }))).code, 'response_invalid');
  assert.equal((await refusal(open.finish(answerXml(), { remembered: {} }))).code, 'browser_changed');
});

test('an answer for one provider of ours does not work at the address of another', async () => {
  const { code } = await refusal(finish(answerXml(), { callback: CALLBACK.replace('adfs', 'okta') }));
  assert.equal(code, 'response_invalid');
  const returned = { callback: CALLBACK, remembered: { request: REQUEST } };
  assert.equal(
    (await refusal(client.finish({ ...returned, parameters: new URLSearchParams() }))).code,
    'response_invalid',
  );
});

test('refusals repeat nothing of what came', async () => {
  const secret = 'Ada-Secret-7';
  const answers = [
    answerXml({ issuer: secret }),
    answerXml({ audience: secret, nameId: secret }),
    answerXml({ recipient: secret }),
    answerXml({}, { destination: secret, status: statusXml(secret) }),
    answerXml({}, { status: statusXml(secret) }),
    answerXml({}, { inResponseTo: secret }),
    answerXml({ attributes: [['mail', secret, `${secret}2`]] }),
  ];
  for (const answer of answers) assert.doesNotMatch((await refusal(finish(answer))).detail, new RegExp(secret));
});
