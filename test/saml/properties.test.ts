import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import { encryptedXml } from './encrypting.ts';
import { answerXml, assertionXml, responseXml, signed, stranger, world } from './support.ts';

const ASSERTION = signed(assertionXml());
/** Answers that are taken. */
const GOOD = [answerXml(), signed(responseXml(ASSERTION)), responseXml(encryptedXml(ASSERTION))];
const EVIL = assertionXml({ id: '_evil', nameId: 'admin', attributes: [['mail', 'admin@acme.test']] });
const PIECES = [
  EVIL,
  ASSERTION,
  signed(EVIL, { keys: stranger }),
  encryptedXml(EVIL),
  ...[
    '<!---->',
    '<?x?>',
    '<![CDATA[x]]>',
    '<!DOCTYPE x>',
    '&#97;',
    '&e;',
    'admin',
    ' ',
    '\n',
    '\r',
    '\t',
    '\ufeff',
    '<x/>',
  ],
  ...[
    '<saml:NameID>admin</saml:NameID>',
    '<saml:AttributeValue>admin@acme.test</saml:AttributeValue>',
    ' ID="_assertion1"',
    ' Id="_evil"',
  ],
  ...[
    ' xmlns="urn:oasis:names:tc:SAML:2.0:assertion"',
    ' xmlns:saml="urn:x"',
    '</saml:Assertion>',
    '<saml:Assertion>',
    '<samlp:Extensions>',
  ],
  ...['</ds:Signature>', '<ds:Object>', '</saml:NameID>', '</saml:Subject>', '#_evil', '_evil'],
];
const { finish } = world();

/** Whatever was done to an answer: it is Ada with what was signed of her, or a refusal. */
async function neverAnybodyElse(xml: string | Buffer): Promise<void> {
  try {
    const { subject, email, groups, name, until } = await finish(xml);
    const said = { subject, email, groups, name, until };
    assert.deepEqual(said, {
      subject: 'ada-1',
      email: 'ada@acme.test',
      groups: ['eng', 'ops'],
      name: 'Ada L.',
      until: null,
    });
  } catch (error) {
    if (!(error instanceof SignInFailure)) throw error;
  }
}

/** The library's XML parser tells the console of whatever it stumbles over, with what stood there. */
const said: unknown[][] = [];
const kept = { error: console.error, warn: console.warn, log: console.log };
before(() => {
  for (const name of ['error', 'warn', 'log'] as const) console[name] = (...words) => void said.push(words);
});
after(() => Object.assign(console, kept));

const place = fc.nat(0xffff_ffff);
const cut = (text: string, at: number): number => at % (text.length + 1);

test('bytes changed at random never make anybody else of Ada', async () => {
  const change = fc.record({ at: place, byte: fc.nat(255), kind: fc.constantFrom('set', 'insert', 'remove') });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GOOD),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      async (good, changes) => {
        let bytes = Buffer.from(good);
        for (const { at, byte, kind } of changes) {
          const here = at % bytes.length;
          const end = kind === 'insert' ? here : here + 1;
          bytes = Buffer.concat([
            bytes.subarray(0, here),
            kind === 'remove' ? Buffer.alloc(0) : Buffer.of(byte),
            bytes.subarray(end),
          ]);
        }
        await neverAnybodyElse(bytes);
      },
    ),
    { numRuns: 400, seed: 20_261_124 },
  );
});

test('pieces put in at random never make anybody else of Ada', async () => {
  const change = fc.record({ from: place, length: fc.nat(40), piece: fc.constantFrom(...PIECES, '') });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GOOD),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async (good, changes) => {
        const xml = changes.reduce((text, { from, length, piece }) => {
          const at = cut(text, from);
          return text.slice(0, at) + piece + text.slice(at + length);
        }, good);
        await neverAnybodyElse(xml);
      },
    ),
    { numRuns: 400, seed: 7 },
  );
});

test('elements moved, doubled, dropped, renamed and replaced at random never make anybody else of Ada', async () => {
  const change = fc.record({
    one: place,
    other: place,
    kind: fc.constantFrom('move', 'double', 'drop', 'evil', 'rename', 'before', 'behind'),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...GOOD),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      async (good, changes) => {
        await neverAnybodyElse(changes.reduce(changed, good));
      },
    ),
    { numRuns: 600, seed: 42 },
  );
});

/** Changes whole elements, found by their tags. */
function changed(xml: string, { one, other, kind }: { one: number; other: number; kind: string }): string {
  const found = elements(xml);
  const first = found[one % Math.max(found.length, 1)];
  const second = found[other % Math.max(found.length, 1)];
  if (first === undefined || second === undefined) return xml;
  const text = xml.slice(first.start, first.end);
  const without = xml.slice(0, first.start) + xml.slice(first.end);
  switch (kind) {
    case 'move': {
      const at = second.start > first.start ? Math.max(second.start - text.length, first.start) : second.start;
      return without.slice(0, at) + text + without.slice(at);
    }
    case 'double':
      return xml.slice(0, second.start) + text + xml.slice(second.start);
    case 'drop':
      return without;
    case 'rename':
      return xml.replaceAll(/saml:NameID/g, 'saml:Audience');
    case 'evil':
      return xml.slice(0, first.start) + EVIL + xml.slice(first.end);
    case 'before':
      return xml.slice(0, first.start) + EVIL + xml.slice(first.start);
    default:
      return xml.slice(0, first.end) + EVIL + xml.slice(first.end);
  }
}

function elements(xml: string): { start: number; end: number }[] {
  const open: number[] = [];
  const found: { start: number; end: number }[] = [];
  for (const tag of xml.matchAll(/<(\/?)[\w:]+[^>]*?(\/?)>/g)) {
    if (tag[1] === '/') found.push({ start: open.pop() ?? 0, end: tag.index + tag[0].length });
    else if (tag[2] !== '/') open.push(tag.index);
  }
  return found;
}

test('none of that made the library say a word to the console', () => {
  assert.deepEqual(said, []);
});
