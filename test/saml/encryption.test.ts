import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { test } from 'node:test';
import { type Encrypting, encryptedXml } from './encrypting.ts';
import { assertionXml, NS, refusal, responseXml, signed, stranger, world } from './support.ts';

const ASSERTION = signed(assertionXml());
const OAEP11 = 'http://www.w3.org/2009/xmlenc11#rsa-oaep';
const { finish } = world();
const sent = (plain: string | Buffer, options: Encrypting = {}) => finish(responseXml(encryptedXml(plain, options)));
const method = (algorithm: string, inside = ''): string =>
  `<xenc:EncryptionMethod Algorithm="${algorithm}">${inside}</xenc:EncryptionMethod>`;
const digest = (name: string): string => `<ds:DigestMethod xmlns:ds="${NS.ds}" Algorithm="${name}"/>`;
const mask = (name: string): string =>
  `<e:MGF xmlns:e="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#${name}"/>`;

test('an encrypted assertion is taken: AES-GCM of either size, the key by RSA-OAEP in any of its usual forms', async () => {
  const cases: Encrypting[] = [
    {},
    { cipher: 'aes-128-gcm' },
    { beside: true },
    { keyMethod: method(`${NS.xenc}rsa-oaep-mgf1p`, digest(`${NS.ds}sha1`)) },
    { keyMethod: method(OAEP11, digest(`${NS.ds}sha1`)) },
    { keyMethod: method(OAEP11, digest(`${NS.xenc}sha256`) + mask('mgf1sha256')), oaepHash: 'sha256' },
    { keyMethod: method(OAEP11, digest(`${NS.xenc}sha512`) + mask('mgf1sha512')), oaepHash: 'sha512' },
  ];
  for (const options of cases) assert.equal((await sent(ASSERTION, options)).subject, 'ada-1', JSON.stringify(options));
  assert.equal((await sent(`\n  ${ASSERTION}\n`)).subject, 'ada-1');
  assert.equal((await finish(signed(responseXml(encryptedXml(ASSERTION))))).subject, 'ada-1');
});

test('an assertion whose prefixes are declared around it is read where it stood', async () => {
  const bare = assertionXml().replace(` xmlns:saml="${NS.saml}"`, '');
  const whole = ASSERTION.replace(` xmlns:saml="${NS.saml}"`, '');
  assert.ok(whole.length < ASSERTION.length && bare.length < ASSERTION.length);
  const response = responseXml(encryptedXml(whole)).replace(
    '<samlp:Response ',
    `<samlp:Response xmlns:saml="${NS.saml}" `,
  );
  assert.equal((await finish(response)).subject, 'ada-1');
});

test('where the policy wants encryption, an assertion in the clear is refused', async () => {
  const strict = world({ encrypted: true });
  assert.equal((await refusal(strict.finish(responseXml(ASSERTION)))).code, 'response_invalid');
  assert.equal((await strict.finish(responseXml(encryptedXml(ASSERTION)))).subject, 'ada-1');
});

function refused(name: string, xml: () => string, detail: RegExp): void {
  test(`refused: ${name}`, async () => {
    const { code, detail: said } = await refusal(finish(xml()));
    assert.equal(code, 'response_invalid');
    assert.match(said, detail);
  });
}
const encrypted =
  (options: Encrypting, plain: string | Buffer = ASSERTION) =>
  () =>
    responseXml(encryptedXml(plain, options));
const changed = (from: string | RegExp, to: string) => (): string => {
  const xml = responseXml(encryptedXml(ASSERTION));
  const other = xml.replace(from, () => to);
  assert.notEqual(other, xml);
  return other;
};

const CBC: Encrypting = { cipher: 'aes-256-cbc' };

refused(
  'AES-CBC without a signature around it: who may send changed texts learns what stands in them',
  encrypted(CBC),
  /only where the response is signed/,
);
refused(
  'AES-CBC in a response that a stranger signed, before anything is decrypted',
  () => signed(responseXml(encryptedXml(ASSERTION, CBC)), { keys: stranger }),
  /signature of the response|changed after it was signed/,
);
refused(
  'AES-CBC changed inside of a signature, before anything is decrypted',
  () => signed(responseXml(encryptedXml(ASSERTION, CBC))).replace(/(<xenc:CipherValue>)..../g, '$1AAAA'),
  /signature of the response|changed after it was signed/,
);
for (const [what, spoil] of [
  ['no padding', (bytes: Buffer) => bytes.subarray(0, -16)],
  ['half a block', (bytes: Buffer) => bytes.subarray(0, -8)],
  ['nothing', () => Buffer.alloc(0)],
] as const) {
  refused(
    `AES-CBC, signed, with ${what}: the same as every other failure`,
    () => signed(responseXml(encryptedXml(ASSERTION, { ...CBC, spoil }))),
    /^the assertion cannot be decrypted with our key$|not one assertion|not whole|is no|unusual shape/,
  );
}
refused(
  'AES-CBC, signed, to somebody else',
  () => signed(responseXml(encryptedXml(ASSERTION, { ...CBC, to: stranger }))),
  /^the assertion cannot be decrypted with our key$/,
);
test('AES-CBC, which AD FS and Entra ID write, is taken inside of a response that the provider signed', async () => {
  const { subject } = await finish(signed(responseXml(encryptedXml(ASSERTION, CBC))));
  assert.equal(subject, 'ada-1');
});
refused('Triple DES', encrypted({ written: `${NS.xenc}tripledes-cbc` }), /AES-GCM is/);
refused('an unknown cipher', encrypted({ written: 'urn:other' }), /AES-GCM is/);
refused('the name of something every object has', encrypted({ written: 'constructor' }), /AES-GCM is/);
refused(
  'RSA 1.5',
  encrypted({ padding: constants.RSA_PKCS1_PADDING, keyMethod: method(`${NS.xenc}rsa-1_5`) }),
  /RSA-OAEP is/,
);
refused('an unknown way to encrypt the key', encrypted({ keyMethod: method('urn:other') }), /RSA-OAEP is/);
refused('an unknown hash of OAEP', encrypted({ keyMethod: method(OAEP11, digest('urn:other')) }), /RSA-OAEP is/);
refused(
  'OAEP with two hashes',
  encrypted({ keyMethod: method(OAEP11, digest(`${NS.xenc}sha256`)), oaepHash: 'sha256' }),
  /RSA-OAEP is/,
);
refused(
  'OAEP with parameters',
  encrypted({ keyMethod: method(`${NS.xenc}rsa-oaep-mgf1p`, '<xenc:OAEPparams>AA==</xenc:OAEPparams>') }),
  /RSA-OAEP is/,
);
const same = /cannot be decrypted with our key/;
refused('a key of somebody else', encrypted({ to: stranger }), same);
refused(
  'a changed cipher text',
  encrypted({
    spoil: (bytes) => Buffer.concat([bytes.subarray(0, 20), Buffer.of((bytes[20] ?? 0) ^ 1), bytes.subarray(21)]),
  }),
  same,
);
refused(
  'a changed tag',
  encrypted({ spoil: (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of((bytes.at(-1) ?? 0) ^ 1)]) }),
  same,
);
refused('a tag cut short', encrypted({ spoil: (bytes) => bytes.subarray(0, -8) }), same);
refused('a text too short for its tag', encrypted({ spoil: (bytes) => bytes.subarray(0, 20) }), same);
refused(
  'a changed key',
  encrypted({ spoilKey: (bytes) => Buffer.concat([Buffer.of((bytes[0] ?? 0) ^ 1), bytes.subarray(1)]) }),
  same,
);
refused(
  'a key of another length than its cipher has',
  encrypted({ cipher: 'aes-128-gcm', written: 'http://www.w3.org/2009/xmlenc11#aes256-gcm' }),
  same,
);
refused(
  'two keys',
  changed('</xenc:EncryptedData>', `</xenc:EncryptedData><xenc:EncryptedKey xmlns:xenc="${NS.xenc}"/>`),
  /exactly one key/,
);
refused('no key', changed(/<xenc:EncryptedKey.*<\/xenc:EncryptedKey>/, ''), /exactly one key/);
refused(
  'a reference to a cipher text elsewhere',
  changed(
    /<xenc:CipherValue>[^<]*<\/xenc:CipherValue>(?=<\/xenc:CipherData><\/xenc:EncryptedData>)/,
    '<xenc:CipherReference URI="https://evil.test"/>',
  ),
  /unusual shape/,
);
refused(
  'two texts',
  changed('</xenc:EncryptedData>', `</xenc:EncryptedData><xenc:EncryptedData xmlns:xenc="${NS.xenc}"/>`),
  /unusual shape/,
);
refused('a text that is no base64', changed(/<xenc:CipherValue>..../, '<xenc:CipherValue>!!!!'), /unusual shape/);
refused(
  'a signature of the encrypted assertion',
  changed('</xenc:EncryptedData>', `</xenc:EncryptedData><ds:Signature xmlns:ds="${NS.ds}"/>`),
  /unusual shape|not where it belongs/,
);

// Anybody can encrypt to us: what comes out is looked at like what comes in.
refused('an unsigned assertion inside', encrypted({}, assertionXml()), /not signed/);
refused(
  'an assertion inside that a stranger signed',
  encrypted({}, signed(assertionXml(), { keys: stranger })),
  /no certificate/,
);
refused('a comment inside', encrypted({}, ASSERTION.replace('ada-1', 'ada-1<!---->x')), /comment/);
refused(
  'a processing instruction inside',
  encrypted({}, ASSERTION.replace('ada-1', 'ada-<?x ?>1')),
  /processing instruction/,
);
refused('a document type inside', encrypted({}, `<!DOCTYPE x>${ASSERTION}`), /document type/);
refused('CDATA inside', encrypted({}, ASSERTION.replace('ada-1', '<![CDATA[ada-1]]>')), /CDATA/);
refused(
  'bytes inside that are no UTF-8',
  encrypted({}, Buffer.from(ASSERTION.replace('ada-1', '\xff'), 'latin1')),
  /UTF-8/,
);
refused(
  'two assertions inside',
  encrypted({}, ASSERTION + ASSERTION.replaceAll('_assertion1', '_second')),
  /more than one/,
);
refused('an assertion inside that is encrypted again', encrypted({}, encryptedXml(ASSERTION)), /twice|two elements/);
refused('something else inside', encrypted({}, '<x/>'), /not one assertion/);
refused('text inside', encrypted({}, 'ada-1'), /not one assertion/);
refused('nothing inside', encrypted({}, ' '), /not one assertion/);
refused('something beside the assertion inside', encrypted({}, `${ASSERTION}<x/>`), /not one assertion/);
refused(
  'an element inside that closes what stands around it',
  encrypted({}, `${ASSERTION}</samlp:Response><samlp:Response xmlns:samlp="${NS.samlp}">`),
  /match|two roots|not whole/,
);
refused(
  'an id inside that stands outside too',
  encrypted({}, signed(assertionXml({ id: '_response1' }))),
  /two elements/,
);
