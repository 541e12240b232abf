import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { answer, runAnswer } from './targets/saml.ts';

/** What mutation of bytes reaches too rarely: answers that are well-formed, with whole elements copied, moved, wrapped and renamed. */

const sample = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'vectors', 'saml', `${name}.xml`), 'utf8').trim();

interface Piece {
  readonly start: number;
  readonly end: number;
}

/** Where the elements of a well-formed document stand. */
function elementsOf(xml: string): Piece[] {
  const found: Piece[] = [];
  const open: number[] = [];
  for (const { 0: tag, index } of xml.matchAll(/<[^>]*>/g)) {
    if (tag.startsWith('</')) found.push({ start: open.pop() ?? 0, end: index + tag.length });
    else if (tag.endsWith('/>')) found.push({ start: index, end: index + tag.length });
    else open.push(index);
  }
  return found;
}

/** What is done to a copied element before it is put in. */
const CHANGES: readonly ((xml: string) => string)[] = [
  (xml) => xml,
  (xml) => xml.replaceAll('carol', 'admin'),
  (xml) => xml.replaceAll('carol', 'admin').replace(/ID="[^"]*"/, 'ID="_other"'),
  (xml) => xml.replaceAll('carol', 'admin').replace(/ ID="[^"]*"/, ''),
  (xml) => xml.replaceAll('carol', 'admin').replace(/<ds:Signature[\s\S]*?<\/ds:Signature>/, ''),
  (xml) => xml.replaceAll('carol', 'ca<!---->rol'),
  (xml) => xml.replaceAll('>carol', '>admin<?x ?>').replace('ID=', 'Id='),
  (xml) => xml.replaceAll('saml:', 'x:').replace(/^<x:(\w+)/, '<x:$1 xmlns:x="urn:oasis:names:tc:SAML:2.0:assertion"'),
  (xml) => `<ds:Object xmlns:ds="http://www.w3.org/2000/09/xmldsig#">${xml}</ds:Object>`,
  (xml) => `<samlp:Extensions xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">${xml}</samlp:Extensions>`,
  (xml) => `<saml:Advice xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">${xml}</saml:Advice>`,
  () => '',
];
const PLACES = ['before', 'after', 'first', 'last', 'instead'] as const;

interface Step {
  readonly from: number;
  readonly to: number;
  readonly change: (xml: string) => string;
  readonly place: (typeof PLACES)[number];
}

const number = fc.nat({ max: 999 });
const step: fc.Arbitrary<Step> = fc.record({
  from: number,
  to: number,
  change: fc.constantFrom(...CHANGES),
  place: fc.constantFrom(...PLACES),
});

function applied(xml: string, { from, to, change, place }: Step): string {
  const elements = elementsOf(xml);
  const [source, target] = [elements[from % elements.length], elements[to % elements.length]];
  if (source === undefined || target === undefined) return xml;
  const put = change(xml.slice(source.start, source.end));
  const inside = xml.slice(target.start, target.end);
  const open = target.start + inside.indexOf('>') + 1;
  const close = target.start + inside.lastIndexOf('</');
  if (place === 'instead') return xml.slice(0, target.start) + put + xml.slice(target.end);
  const at = { before: target.start, after: target.end, first: open, last: Math.max(open, close) }[place];
  return xml.slice(0, at) + put + xml.slice(at);
}

/** A signed assertion cannot be read as another one by any rearrangement of its document. */
test('P8: whatever is copied, moved, wrapped or renamed in a SAML answer, it is the person of the signed assertion who comes in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('both', 'assertion', 'encrypted', 'response'),
      fc.array(step, { minLength: 1, maxLength: 3 }),
      async (name, steps) => {
        const document = steps.reduce(applied, sample(name));
        fc.pre(document !== sample(name));
        await runAnswer(Buffer.from(document));
      },
    ),
    { seed: 20_261_201, numRuns: 600 },
  );
});

/** The eight shapes of signature wrapping (Somorovsky and others, 2012), of an answer whose assertion is signed. */
const assertionOf = (xml: string): string => /<saml:Assertion[\s\S]*<\/saml:Assertion>/.exec(xml)?.[0] ?? '';
const signatureOf = (xml: string): string => /<ds:Signature[\s\S]*?<\/ds:Signature>/.exec(assertionOf(xml))?.[0] ?? '';
const unsigned = (xml: string): string => assertionOf(xml).replace(signatureOf(xml), '');
const evil = (xml: string): string =>
  unsigned(xml)
    .replaceAll('carol', 'admin')
    .replace(/ID="[^"]*"/, 'ID="_evil"');
const holding = (xml: string, more: string): string => evil(xml).replace('</saml:Issuer>', `</saml:Issuer>${more}`);
const object = (inside: string): string => `<ds:Object>${inside}</ds:Object></ds:Signature>`;
const WRAPPED: Readonly<Record<string, (xml: string) => string>> = {
  'the signed response in the signature of another one': (xml) =>
    xml
      .replace(/ ID="[^"]*"/, ' ID="_evil"')
      .replace(assertionOf(xml), holding(xml, signatureOf(xml).replace('</ds:Signature>', object(xml)))),
  'the signature beside the signed response': (xml) =>
    xml.replace(assertionOf(xml), `${evil(xml)}${signatureOf(xml)}<samlp:Extensions>${xml}</samlp:Extensions>`),
  'the forged assertion before the signed one': (xml) => xml.replace(assertionOf(xml), evil(xml) + assertionOf(xml)),
  'the signed assertion in the forged one': (xml) => xml.replace(assertionOf(xml), holding(xml, assertionOf(xml))),
  'the signature moved to the forged assertion': (xml) =>
    xml.replace(assertionOf(xml), holding(xml, signatureOf(xml)) + unsigned(xml)),
  'the signed assertion in the signature of the forged one': (xml) =>
    xml.replace(assertionOf(xml), holding(xml, signatureOf(xml).replace('</ds:Signature>', object(unsigned(xml))))),
  'the signed assertion in extensions': (xml) =>
    xml.replace(assertionOf(xml), `<samlp:Extensions>${assertionOf(xml)}</samlp:Extensions>${evil(xml)}`),
  'the forged assertion in an object of the signature': (xml) =>
    xml.replace(signatureOf(xml), signatureOf(xml).replace('</ds:Signature>', object(evil(xml)))),
};

for (const [shape, wrap] of Object.entries(WRAPPED)) {
  test(`P8: nobody comes in by wrapping: ${shape}`, async () => {
    const honest = sample('assertion');
    const document = wrap(honest);
    assert.ok(document !== honest && document.includes('admin'), 'the shape was not made');
    await assert.rejects(answer(document), { name: 'SignInFailure', code: 'response_invalid' });
  });
}
