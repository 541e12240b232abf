import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerXml,
  assertionXml,
  attributeXml,
  behindIssuer,
  CALLBACK,
  NS,
  REQUEST,
  refusal,
  responseXml,
  type Signing,
  signatureXml,
  signed,
  stranger,
  world,
} from './support.ts';

// What is refused before anything is verified. Each answer is right but for one thing, and where it can be, signed with it.

const { client, finish } = world();

function refused(name: string, xml: () => string | Buffer, detail: RegExp): void {
  test(`refused: ${name}`, async () => {
    const { code, detail: said } = await refusal(finish(xml()));
    assert.equal(code, 'response_invalid');
    assert.match(said, detail);
  });
}

const ASSERTION = assertionXml();
const GOOD = answerXml();
/** A change that is made before signing: the signature is right. */
const signedWith = (change: (assertion: string) => string): string => responseXml(signed(change(ASSERTION)));
const replaced = (from: string, to: string) => (text: string) => {
  assert.ok(text.includes(from), `the answer has no ${from}`);
  return text.replace(from, () => to);
};
const signedBy = (signing: Signing): string => responseXml(signed(ASSERTION, signing));
const form = (fields: [string, string][]) =>
  client.finish({ callback: CALLBACK, parameters: new URLSearchParams(fields), remembered: { request: REQUEST } });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('what all of these are made of is taken', async () => {
  assert.equal((await finish(GOOD)).subject, 'ada-1');
  assert.equal((await finish(`<?xml version="1.0" encoding="UTF-8"?>\n${GOOD}\n`)).subject, 'ada-1');
  assert.equal((await finish(signed(responseXml(signed(ASSERTION))))).subject, 'ada-1');
  // Providers break the lines of base64.
  const broken = base64(GOOD).replace(/.{76}/g, '$&\r\n');
  assert.equal((await form([['SAMLResponse', broken]])).subject, 'ada-1');
});

refused('a document type', () => `<!DOCTYPE x>${GOOD}`, /document type/);
refused('an entity', () => `<!DOCTYPE x [<!ENTITY e "ada">]>${GOOD.replace('ada-1', '&e;')}`, /document type/);
refused('a reference to an entity that nobody declares', () => GOOD.replace('ada-1', '&e;'), /no character/);
refused('a processing instruction before the response', () => `<?x y?>${GOOD}`, /processing instruction/);
refused(
  'a processing instruction in the NameID',
  () => signedWith(replaced('ada-1', 'not-<?x y?>ada-1')),
  /processing/,
);
refused(
  'a processing instruction that hides a part of a name',
  () => GOOD.replace('ada-1', 'a<?x ?>da-1'),
  /processing/,
);
refused('a comment in the NameID', () => GOOD.replace('ada-1', 'ada-1<!-- -->@evil.test'), /comment/);
refused('a comment in the NameID, signed', () => signedWith(replaced('ada-1', 'ada-1<!---->.evil')), /comment/);
refused('a comment anywhere', () => `${GOOD}<!-- -->`, /comment/);
refused('CDATA in the NameID', () => GOOD.replace('ada-1', '<![CDATA[ada-1]]>'), /CDATA/);
refused('CDATA anywhere', () => GOOD.replace('<saml:Subject>', '<![CDATA[]]><saml:Subject>'), /CDATA/);
refused('the end of CDATA in text', () => GOOD.replace('ada-1', ']]>'), /CDATA/);
refused(
  'a second XML declaration',
  () => GOOD.replace('<saml:Subject>', '<?xml version="1.0"?><saml:Subject>'),
  /processing/,
);
refused('another version of XML', () => `<?xml version="1.1"?>${GOOD}`, /processing/);
refused('another encoding', () => `<?xml version="1.0" encoding="UTF-16"?>${GOOD}`, /processing/);
refused('UTF-16', () => Buffer.from(`\ufeff${GOOD}`, 'utf16le'), /UTF-8/);
refused('bytes that are no UTF-8', () => Buffer.from(GOOD.replace('ada-1', 'ada-\xff'), 'latin1'), /UTF-8/);
refused('overlong UTF-8', () => Buffer.concat([Buffer.from(GOOD), Buffer.of(0xc0, 0xbc)]), /UTF-8/);
refused('a null character', () => GOOD.replace('ada-1', 'ada\0'), /characters/);
refused('a reference to no character', () => GOOD.replace('ada-1', 'ada&#0;'), /no character/);
refused('a reference to half a character', () => GOOD.replace('ada-1', 'ada&#xd800;'), /no character/);

refused(
  'two assertions',
  () => responseXml(signed(ASSERTION) + signed(assertionXml({ id: '_other' }))),
  /more than one/,
);
refused(
  'an assertion and an encrypted one',
  () => responseXml(`${signed(ASSERTION)}<saml:EncryptedAssertion xmlns:saml="${NS.saml}"/>`),
  /more than one/,
);
refused(
  'an assertion inside the assertion',
  () =>
    signedWith(
      replaced('</saml:Assertion>', `<saml:Advice>${assertionXml({ id: '_inner' })}</saml:Advice></saml:Assertion>`),
    ),
  /more than one/,
);
refused(
  'an assertion in the extensions',
  () => responseXml(`<samlp:Extensions>${signed(ASSERTION)}</samlp:Extensions>`),
  /where it belongs/,
);
refused(
  'an assertion of another namespace',
  () => responseXml(`${signed(ASSERTION)}<Assertion xmlns="urn:other"/>`),
  /another namespace/,
);
refused(
  'a response inside',
  () => responseXml(`<samlp:Extensions>${responseXml('', { id: '_inner' })}</samlp:Extensions>${signed(ASSERTION)}`),
  /response inside/,
);
refused('an assertion as the root', () => signed(ASSERTION), /no SAML response/);
refused('no assertion', () => responseXml(''), /no assertion/);
refused('another message', () => GOOD.replaceAll('samlp:Response', 'samlp:LogoutResponse'), /no SAML response/);

const TWICE = signatureXml(ASSERTION);
refused(
  'two signatures of the assertion',
  () => responseXml(behindIssuer(signed(ASSERTION), TWICE)),
  /more than one signature/,
);
refused(
  'two signatures of the response',
  () => {
    const response = responseXml(signed(ASSERTION));
    return behindIssuer(signed(response), signatureXml(response));
  },
  /more than one signature/,
);
refused(
  'a signature deeper in the assertion',
  () => responseXml(ASSERTION.replace('<saml:Subject>', `<saml:Subject>${TWICE}`)),
  /not where it belongs/,
);
refused(
  'a signature of another namespace',
  () => responseXml(behindIssuer(ASSERTION, TWICE.replaceAll(NS.ds, 'urn:other'))),
  /prefix means|another namespace/,
);
refused('no signature at all', () => responseXml(ASSERTION), /not signed/);
refused('a signature of the response alone', () => signed(responseXml(ASSERTION)), /assertion itself is not signed/);
refused(
  'a part of a signature outside of it',
  () => responseXml(`${signed(ASSERTION)}<ds:SignatureValue xmlns:ds="${NS.ds}">AA==</ds:SignatureValue>`),
  /part of a signature/,
);

refused(
  'a signed response that was changed around a good assertion',
  () => signed(responseXml(signed(ASSERTION))).replace('</samlp:Status>', '<samlp:StatusMessage/></samlp:Status>'),
  /response was changed after it was signed/,
);
refused(
  'a response that a stranger signed around a good assertion',
  () => signed(responseXml(signed(ASSERTION)), { keys: stranger }),
  /signature of the response was made by no certificate/,
);

refused('an id on two elements', () => answerXml({}, { id: '_assertion1' }), /two elements/);
refused(
  'an id in another spelling',
  () => signedWith(replaced('<saml:Subject>', '<saml:Subject Id="_assertion1">')),
  /two elements/,
);
refused(
  'an id with a prefix',
  () => signedWith(replaced('<saml:Subject>', '<saml:Subject xml:id="_assertion1">')),
  /two elements/,
);
refused('an id with quotes', () => responseXml(signed(assertionXml({ id: "_a'b" }))), /unusual form/);

const SHA1 = { method: `${NS.ds}rsa-sha1`, hash: 'RSA-SHA1' };
refused('a signature by SHA-1', () => signedBy(SHA1), /SHA-1/);
refused('a digest by SHA-1', () => signedBy({ digestMethod: `${NS.ds}sha1`, digestHash: 'sha1' }), /SHA-1/);
refused(
  'a response signed by SHA-1 around a good assertion',
  () => signed(responseXml(signed(ASSERTION)), SHA1),
  /SHA-1/,
);
refused('an HMAC', () => signedBy({ method: `${NS.ds}hmac-sha1` }), /SHA-1/);
refused(
  'an unknown algorithm of signatures',
  () => signedBy({ method: 'http://www.w3.org/2001/04/xmldsig-more#rsa-md5' }),
  /not on our list/,
);
refused(
  'an unknown algorithm of digests',
  () => signedBy({ digestMethod: 'http://www.w3.org/2001/04/xmldsig-more#md5', digestHash: 'md5' }),
  /not on our list/,
);
refused(
  'inclusive canonicalisation',
  () => signedBy({ canonicalisation: 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315' }),
  /canonicalisation/,
);
refused(
  'canonicalisation with comments',
  () => signedBy({ canonicalisation: 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments' }),
  /canonicalisation/,
);
const transform = (algorithm: string, inside = ''): string =>
  `<ds:Transform Algorithm="${algorithm}">${inside}</ds:Transform>`;
const [ENVELOPED, C14N] = [
  transform(`${NS.ds}enveloped-signature`),
  transform('http://www.w3.org/2001/10/xml-exc-c14n#'),
];
refused(
  'an XSLT transform',
  () => signedBy({ transforms: ENVELOPED + transform('http://www.w3.org/TR/1999/REC-xslt-19991116') }),
  /transform that is not taken/,
);
refused(
  'an XPath transform',
  () =>
    signedBy({
      transforms: transform('http://www.w3.org/TR/1999/REC-xpath-19991116', '<ds:XPath>not(self::x)</ds:XPath>') + C14N,
    }),
  /transform that is not taken/,
);
refused(
  'a base64 transform',
  () => signedBy({ transforms: ENVELOPED + transform(`${NS.ds}base64`) }),
  /transform that is not taken/,
);
refused(
  'another transform in place of the first',
  () => signedBy({ transforms: transform(`${NS.ds}base64`) + C14N }),
  /transform that is not taken/,
);
refused('a third transform', () => signedBy({ transforms: ENVELOPED + C14N + C14N }), /unusual shape/);
refused('a missing transform', () => signedBy({ transforms: ENVELOPED }), /unusual shape/);
refused(
  'transforms in the wrong order',
  () => signedBy({ transforms: C14N + ENVELOPED }),
  /transform that is not taken/,
);
refused(
  'something inside a transform',
  () => signedBy({ transforms: transform(`${NS.ds}enveloped-signature`, '<x></x>') + C14N }),
  /transform that is not taken/,
);
refused('a reference to the whole document', () => signedBy({ uri: '' }), /not over the element/);
refused('a reference to another element', () => signedBy({ uri: '#_response1' }), /not over the element/);
refused('a reference by XPointer', () => signedBy({ uri: "#xpointer(id('_assertion1'))" }), /not over the element/);
refused(
  'a reference to another document',
  () => signedBy({ uri: 'https://evil.test/a.xml#_assertion1' }),
  /not over the element/,
);
refused(
  'two references',
  () => signedWith((text) => text).replace(/(<ds:Reference .*<\/ds:Reference>)/, '$1$1'),
  /unusual shape/,
);
refused('no digest', () => GOOD.replace(/<ds:DigestValue>.*<\/ds:DigestValue>/, ''), /unusual shape/);
refused('a signature by another hash than it names', () => signedBy({ hash: 'RSA-SHA512' }), /made by no certificate/);
refused('no reference', () => GOOD.replace(/<ds:Reference .*<\/ds:Reference>/, ''), /unusual shape/);
refused('two SignedInfo', () => GOOD.replace(/(<ds:SignedInfo>.*<\/ds:SignedInfo>)/, '$1$1'), /unusual shape/);
refused(
  'an object in a signature',
  () => GOOD.replace('</ds:Signature>', '<ds:Object></ds:Object></ds:Signature>'),
  /unusual shape/,
);
refused(
  'something of another namespace in KeyInfo',
  () => signedBy({ keyInfo: '<ds:KeyInfo><x></x></ds:KeyInfo>' }),
  /unusual shape/,
);
refused(
  'the parts of a signature in KeyInfo',
  () => signedBy({ keyInfo: '<ds:KeyInfo><ds:CanonicalizationMethod></ds:CanonicalizationMethod></ds:KeyInfo>' }),
  /unusual shape/,
);
refused(
  'elements in the value of a signature',
  () => GOOD.replace('<ds:SignatureValue>', '<ds:SignatureValue><ds:KeyName/>'),
  /unusual shape/,
);

refused('a key that the document brings along', () => signedBy({ keys: stranger }), /made by no certificate/);
refused(
  'a prefix of SAML that means something else',
  () => GOOD.replace('<samlp:Response', '<samlp:Response xmlns:saml2="urn:other"'),
  /two namespaces/,
);
refused(
  'a prefix with two meanings',
  () =>
    GOOD.replace('<samlp:Response', '<samlp:Response xmlns:x="urn:a"').replace(
      '<samlp:Status>',
      '<samlp:Status xmlns:x="urn:b">',
    ),
  /two namespaces/,
);
refused(
  'a name of SAML in another namespace',
  () => signedWith(replaced('<saml:Subject>', '<NameID xmlns="urn:other">admin</NameID><saml:Subject>')),
  /another namespace/,
);
refused(
  'a prefix that nothing declares',
  () => GOOD.replace('<samlp:Status>', '<x:y/><samlp:Status>'),
  /does not declare/,
);
refused(
  'a prefix taken back',
  () => GOOD.replace('<samlp:Status>', '<samlp:Status xmlns:x="">'),
  /may not be declared/,
);
refused(
  'the prefix xml with another meaning',
  () => GOOD.replace('<samlp:Status>', '<samlp:Status xmlns:xml="urn:a">'),
  /may not be declared/,
);
refused(
  'another prefix for the namespace of declarations',
  () => GOOD.replace('<samlp:Status>', '<samlp:Status xmlns:x="http://www.w3.org/2000/xmlns/">'),
  /may not be declared/,
);
refused(
  'an attribute that looks like a declaration',
  () => GOOD.replace('<saml:Subject>', '<saml:Subject xmlnsx="urn:a">'),
  /reserved name/,
);
refused(
  'an attribute twice',
  () => GOOD.replace(' Destination=', ` Destination="${CALLBACK}" Destination=`),
  /attribute twice/,
);
refused(
  'an attribute twice by two prefixes',
  () => GOOD.replace('<samlp:Status>', '<samlp:Status xmlns:a="urn:a" xmlns:b="urn:a" a:c="" b:c="">'),
  /attribute twice/,
);

refused(
  'an encrypted id',
  () => signedWith(replaced('<saml:Subject>', '<saml:Subject><saml:EncryptedID></saml:EncryptedID>')),
  /not taken/,
);
refused(
  'an encrypted attribute',
  () =>
    signedWith(
      replaced(attributeXml(['mail', 'Ada@Acme.test']), '<saml:EncryptedAttribute></saml:EncryptedAttribute>'),
    ),
  /not taken/,
);

refused('text behind the root', () => `${GOOD}x`, /outside of its root/);
refused('a second root', () => `${GOOD}<x/>`, /two roots/);
refused('an answer cut short', () => GOOD.slice(0, -1), /broken tag|match/);
refused('an answer without its end', () => GOOD.slice(0, -'</samlp:Response>'.length), /not whole/);
refused('tags that do not match', () => GOOD.replace('</samlp:Status>', '</samlp:State>'), /do not match/);
refused('attributes without quotes', () => GOOD.replace(' Version="2.0"', ' Version=2.0'), /broken tag/);
refused('a less-than sign in an attribute', () => GOOD.replace(' Version="2.0"', ' Version="<2.0"'), /broken tag/);
refused(
  'nesting without end',
  () => GOOD.replace('<samlp:Status>', `${'<x>'.repeat(40)}${'</x>'.repeat(40)}<samlp:Status>`),
  /too deep/,
);
refused(
  'elements without end',
  () => GOOD.replace('<samlp:Status>', `${'<x/>'.repeat(7000)}<samlp:Status>`),
  /too many elements/,
);
refused(
  'attributes without end',
  () =>
    GOOD.replace('<samlp:Status>', `<x ${Array.from({ length: 40 }, (_, i) => `a${i}=""`).join(' ')}/><samlp:Status>`),
  /too many attributes/,
);
refused(
  'namespaces without end',
  () => {
    const layer = (n: number): string => Array.from({ length: 20 }, (_, i) => ` xmlns:n${n}x${i}="urn:n"`).join('');
    return GOOD.replace(
      '<samlp:Status>',
      `<x${layer(1)}><x${layer(2)}><x${layer(3)}><x${layer(4)}/></x></x></x><samlp:Status>`,
    );
  },
  /too many namespaces/,
);

test('refused: a form without exactly one answer, one that is too large, and what is no strict base64', async () => {
  const good = base64(GOOD);
  const cases: [fields: [string, string][], detail: RegExp][] = [
    [[], /exactly one/],
    [
      [
        ['SAMLResponse', good],
        ['SAMLResponse', good],
      ],
      /exactly one/,
    ],
    [[['SAMLResponse', base64(GOOD + ' '.repeat(256 * 1024))]], /too large/],
    [[['SAMLResponse', '']], /no base64/],
    [[['SAMLResponse', GOOD]], /no base64/],
    [[['SAMLResponse', `${good}!`]], /no base64/],
    [[['SAMLResponse', `${good}=`]], /no base64/],
    [[['SAMLResponse', good.replace(/.$/, '')]], /no base64/],
    [[['SAMLResponse', 'PHg_Pg==']], /no base64/],
    // Bits that nobody reads, in two spellings of the same bytes.
    [[['SAMLResponse', 'YWJ=']], /no base64/],
  ];
  for (const [fields, detail] of cases) {
    const { code, detail: said } = await refusal(form(fields));
    assert.equal(code, 'response_invalid');
    assert.match(said, detail);
  }
});
