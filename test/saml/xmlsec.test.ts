import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { answerXml, assertionXml, idp, refusal, responseXml, signed, stranger, world } from './support.ts';
import { wrapped } from './wrapping.ts';

// A second opinion by a program that shares no code with us or with our library.

const here = spawnSync('xmlsec1', ['--version']).status === 0;
const skip = here ? false : 'xmlsec1 is not installed here';
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-saml-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const certificate = join(folder, 'idp.pem');
writeFileSync(certificate, idp.certificate);
const named = (name: string): string => `*[local-name()='${name}']`;
const OF_ASSERTION = `/${named('Response')}/${named('Assertion')}/${named('Signature')}`;
const OF_RESPONSE = `/${named('Response')}/${named('Signature')}`;
const ANYWHERE = ['1', 'last()'].map((at) => `(//${named('Signature')})[${at}]`);

/** Whether it verifies that signature by the certificate of the provider alone. */
function valid(xml: string, signature: string): boolean {
  const file = join(folder, 'answer.xml');
  writeFileSync(file, xml);
  const ids = ['assertion:Assertion', 'protocol:Response'].flatMap((name) => [
    '--id-attr:ID',
    `urn:oasis:names:tc:SAML:2.0:${name}`,
  ]);
  const key = ['--enabled-key-data', 'rsa', '--pubkey-cert-pem', certificate];
  return spawnSync('xmlsec1', ['--verify', ...key, ...ids, '--node-xpath', signature, file]).status === 0;
}

const { finish } = world();
const ASSERTION = assertionXml();
const escaped = { id: '_e', nameId: `a&b<c>"d'é😀`, attributes: [['x&y', 'tab\there', '<>&"']] as const };

const GOOD: readonly (readonly [name: string, xml: string, signatures: readonly string[]])[] = [
  ['a signed assertion', answerXml(), [OF_ASSERTION]],
  ['a signed assertion in a signed response', signed(responseXml(signed(ASSERTION))), [OF_ASSERTION, OF_RESPONSE]],
  [
    'SHA-512',
    responseXml(
      signed(ASSERTION, {
        method: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512',
        hash: 'RSA-SHA512',
        digestMethod: 'http://www.w3.org/2001/04/xmlenc#sha512',
        digestHash: 'sha512',
      }),
    ),
    [OF_ASSERTION],
  ],
  ['characters that must be escaped', answerXml(escaped), [OF_ASSERTION]],
  ['no KeyInfo', responseXml(signed(ASSERTION, { keyInfo: '' })), [OF_ASSERTION]],
  ['pieces around the assertion that nobody signed', responseXml(`\n  ${signed(ASSERTION)}\n`), [OF_ASSERTION]],
  ['empty elements written short', answerXml().replaceAll('></saml:SubjectConfirmationData>', '/>'), [OF_ASSERTION]],
  [
    'attributes in another order and other quotes',
    answerXml().replace(/(<saml:Conditions) (NotBefore)="([^"]*)" (NotOnOrAfter="[^"]*")/, "$1 $4  $2='$3'"),
    [OF_ASSERTION],
  ],
  ['references to characters', answerXml().replace('>ada-1<', '>&#97;d&#x61;-1<'), [OF_ASSERTION]],
];

for (const [name, xml, signatures] of GOOD) {
  test(`what we take, xmlsec1 verifies: ${name}`, { skip }, async () => {
    assert.ok((await finish(xml)).subject.length > 0);
    for (const signature of signatures) assert.ok(valid(xml, signature));
  });
}

const EMPTY = '<ds:SignatureValue>AAAA</ds:SignatureValue>';
const FORGED: readonly (readonly [name: string, xml: string, signature?: string])[] = [
  ['a changed name', answerXml().replace('ada-1', 'ada-2')],
  ['a changed attribute', answerXml().replace('Ada@', 'Bob@')],
  ['a changed time', answerXml().replace('Version="2.0"><saml:Issuer>', 'Version="2.0" x="1"><saml:Issuer>')],
  ['a value of a signature that is none', answerXml().replace(/<ds:SignatureValue>.*<\/ds:SignatureValue>/, EMPTY)],
  ['a changed digest', answerXml().replace(/<ds:DigestValue>..../, '<ds:DigestValue>AAAA')],
  ['a key that came along', responseXml(signed(ASSERTION, { keys: stranger }))],
  ['white space inside what was signed', answerXml().replace('<saml:Subject>', ' <saml:Subject>')],
  [
    'a response changed around a good assertion',
    signed(responseXml(signed(ASSERTION))).replace('_request1', '_request2'),
    OF_RESPONSE,
  ],
];

for (const [name, xml, signature = OF_ASSERTION] of FORGED) {
  test(`what we refuse for its signature, xmlsec1 does not verify: ${name}`, { skip }, async () => {
    const { code, detail } = await refusal(finish(xml));
    assert.equal(code, 'response_invalid');
    assert.match(detail, /made by no certificate of the provider|was changed after it was signed/);
    assert.ok(!valid(xml, signature));
  });
}

test('the wrapped answers are real: in most of them it finds a signature that is right', { skip }, () => {
  const right = wrapped().filter(([, xml]) => ANYWHERE.some((signature) => valid(xml, signature)));
  assert.ok(right.length >= 20, `${right.length} of ${wrapped().length}`);
});
