import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMetadata } from '../../src/identity/saml/metadata-in.ts';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import { Coverage } from '../fuzz/engine/coverage.ts';
import { encryptedXml } from './encrypting.ts';
import { metadataXml } from './metadata.ts';
import { answerXml, assertionXml, refusal, responseXml, signed, stranger, world } from './support.ts';

const { finish } = world();
const GOOD = answerXml();
const before = (what: string): string => GOOD.replace('<samlp:Status>', () => `${what}<samlp:Status>`);
const many = (n: number, piece: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => piece(i)).join('');
const metadata = (xml: string): void => {
  try {
    readMetadata(Buffer.from(xml), null);
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
  }
};

/** Answers of a size, each made to be dear. */
const DEAR: Readonly<Record<string, (size: number) => unknown>> = {
  'open tags': (n) => finish('<a>'.repeat(n)),
  'closing tags': (n) => finish('</a>'.repeat(n)),
  'open brackets': (n) => finish('<'.repeat(n)),
  'white space in a tag': (n) => finish(before(`<x${' '.repeat(n)}y`)),
  'a long name': (n) => finish(before(`<${'x'.repeat(n)}/>`)),
  'a long name of an attribute': (n) => finish(before(`<x ${'y:'.repeat(n)}/>`)),
  'a huge attribute': (n) => finish(before(`<x y="${'&#97;'.repeat(n)}"/>`)),
  ampersands: (n) => finish(before(`<x>${'&'.repeat(n)}</x>`)),
  references: (n) => finish(before(`<x>${'&amp;'.repeat(n)}</x>`)),
  elements: (n) => finish(before(many(n / 4, () => '<x/>'))),
  attributes: (n) => finish(before(`<x ${many(n, (i) => `a${i}="" `)}/>`)),
  namespaces: (n) => finish(before(many(n / 8, (i) => `<x xmlns:n${i % 30}="urn:${i % 30}"/>`))),
  ids: (n) => finish(before(many(n / 8, (i) => `<x ID="_${i}"/>`))),
  'references of a signature': (n) =>
    finish(GOOD.replace('<ds:Reference ', () => `${'<ds:Reference></ds:Reference>'.repeat(n / 8)}<ds:Reference `)),
  transforms: (n) => finish(GOOD.replace('<ds:Transforms>', () => `<ds:Transforms>${'<ds:Transform/>'.repeat(n / 8)}`)),
  signatures: (n) => finish(before(many(n / 8, () => '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'))),
  assertions: (n) =>
    finish(
      responseXml(
        many(n / 8, (i) => `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_${i}"/>`),
      ),
    ),
  'attributes of a person': (n) =>
    finish(answerXml({ attributes: Array.from({ length: Math.min(500, n / 16) }, (_, i) => [`a${i}`, 'v']) })),
  groups: (n) => finish(answerXml({ attributes: [['groups', ...Array.from({ length: n / 8 }, (_, i) => `g${i}`)]] })),
  'pieces of one attribute': (n) =>
    finish(answerXml({ attributes: Array.from({ length: n / 16 }, (_, i) => ['groups', `g${i}`]) })),
  'encrypted keys': (n) =>
    finish(
      responseXml(
        encryptedXml(signed(assertionXml())).replace(
          '</saml:EncryptedAssertion>',
          () =>
            `${'<xenc:EncryptedKey xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"/>'.repeat(n / 16)}</saml:EncryptedAssertion>`,
        ),
      ),
    ),
  'comments in metadata': (n) => metadata(`${'<!-- -->'.repeat(n)}<a/>`),
  'half comments in metadata': (n) => metadata(`<a>${'<!-- '.repeat(n)}</a>`),
  'providers in metadata': (n) =>
    metadata(
      `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${metadataXml().repeat(n / 100)}</md:EntitiesDescriptor>`,
    ),
};

/** What a piece of work costs in blocks of code that ran, the second time it is done. */
async function cost(coverage: Coverage, run: () => unknown): Promise<number> {
  const once = (): Promise<unknown> => Promise.resolve(run()).catch(() => undefined);
  await once();
  coverage.work();
  await once();
  return coverage.work();
}

test('our work grows with the size of an answer: four times the size is at most about four times the work, counted and not clocked', async () => {
  const coverage = new Coverage('/src/identity/saml/');
  try {
    for (const [name, run] of Object.entries(DEAR)) {
      const [small, large] = [await cost(coverage, () => run(1_000)), await cost(coverage, () => run(4_000))];
      assert.ok(small > 0, `${name}: nothing was counted`);
      assert.ok(large <= small * 6 + 3_000, `${name}: ${small} for one size, ${large} for four times that`);
    }
  } finally {
    coverage.close();
  }
});

test('the work of the library grows faster, and the most elements of an answer keep it within bounds', async () => {
  const coverage = new Coverage('file:///');
  try {
    const groups = (n: number) =>
      answerXml({ attributes: [['groups', ...Array.from({ length: n }, (_, i) => `g${i}`)]] });
    const dearest = [
      before('<x/>'.repeat(2_400)),
      groups(2_000),
      signed(groups(2_000)),
      before('<x a="" b="" c=""/>'.repeat(2_400)),
    ];
    for (const xml of dearest) {
      coverage.work();
      await finish(xml);
      assert.ok(coverage.work() < 80_000_000);
    }
    assert.match((await refusal(finish(before('<x/>'.repeat(2_500))))).detail, /too many elements/);
  } finally {
    coverage.close();
  }
});

test('what is hostile, and what no certificate of the provider has signed, is refused before the library sees a byte of it', async () => {
  const library = new Coverage('/node_modules/');
  try {
    const hostile = [
      before('<x>'.repeat(40) + '</x>'.repeat(40)),
      before('<x/>'.repeat(7000)),
      `<!DOCTYPE x>${GOOD}`,
      before('<x '.repeat(50_000)),
      responseXml(''),
    ];
    hostile.push(
      responseXml(signed(assertionXml(), { keys: stranger })),
      GOOD.replace(/<ds:SignatureValue>...../, '<ds:SignatureValue>AAAAA'),
    );
    await finish(GOOD);
    library.work();
    for (const xml of hostile) assert.equal((await refusal(finish(xml))).code, 'response_invalid');
    assert.equal(library.work(), 0);
    await finish(GOOD);
    assert.ok(library.work() > 0);
  } finally {
    library.close();
  }
});
