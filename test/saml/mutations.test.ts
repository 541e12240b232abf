import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerXml,
  assertionXml,
  behindIssuer,
  REQUEST,
  refusal,
  responseXml,
  signatureXml,
  signed,
  statusXml,
  stranger,
  world,
} from './support.ts';

// What two widely used libraries took when they were tried: each of these fifteen was accepted by one of them, or could be.

const { finish } = world();
const GOOD = answerXml();
const EVIL = assertionXml({ id: '_evil', nameId: 'admin' });
const SIGNED = signed(assertionXml());

const MUTATIONS: readonly (readonly [name: string, xml: string, code?: string])[] = [
  ['tampered', GOOD.replace('ada-1', 'admin')],
  ['an attribute tampered', GOOD.replace('Ada@Acme.test', 'admin@acme.test')],
  ['unsigned', responseXml(assertionXml())],
  ['signed by a stranger, whose certificate comes along', responseXml(signed(assertionXml(), { keys: stranger }))],
  ['split by a comment', GOOD.replace('ada-1', 'ada-1<!-- x -->')],
  [
    'the signed assertion wrapped into the extensions',
    responseXml(`<samlp:Extensions>${SIGNED}</samlp:Extensions>${EVIL}`),
  ],
  ['two assertions', responseXml(EVIL + SIGNED)],
  [
    'the signature moved to another assertion',
    responseXml(behindIssuer(EVIL, signatureXml(assertionXml())) + assertionXml()),
  ],
  ['another audience', answerXml({ audience: 'https://other.acme.test' })],
  ['unsolicited', answerXml({ inResponseTo: null }, { inResponseTo: null })],
  ['an answer to an older request', answerXml({ inResponseTo: '_old' }, { inResponseTo: '_old' })],
  ['another recipient', answerXml({ recipient: 'https://other.acme.test/acs' })],
  ['another destination', answerXml({}, { destination: 'https://other.acme.test/acs' })],
  ['another issuer', answerXml({ issuer: 'https://evil.test' }, { issuer: 'https://evil.test' })],
  ['a document type', `<!DOCTYPE samlp:Response>${GOOD}`],
  ['a failure around a good assertion', answerXml({}, { status: statusXml('Responder') }), 'provider_refused'],
];

for (const [name, xml, code = 'response_invalid'] of MUTATIONS) {
  test(`not taken: ${name}`, async () => {
    assert.equal((await refusal(finish(xml))).code, code);
  });
}

test('not taken: the same answer a second time has the digest of the first, and another browser did not ask for it', async () => {
  const [first, second] = [await finish(GOOD), await finish(GOOD)];
  assert.equal(first.once?.digest, second.once?.digest);
  assert.equal((await refusal(finish(GOOD, { remembered: { request: `${REQUEST}0` } }))).code, 'response_invalid');
});
