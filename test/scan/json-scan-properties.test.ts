import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JsonScanError, type ScanOptions, scanJson } from '../../src/kernel/json-scan.ts';

type Value = null | boolean | number | string | Value[] | { [key: string]: Value };
const RUNS = { seed: 20260101, numRuns: 400 };
const bytes = (text: string) => new TextEncoder().encode(text);

/** Writes `value` as JSON in one of many spellings: white space anywhere, escapes for any character. */
function spell(value: Value, next: () => number): string {
  const gap = () => ['', '', '', ' ', '\n', '\t', '\r\n '][next() % 7] ?? '';
  const string = (text: string) =>
    `"${Array.from({ length: text.length }, (_, i) => {
      const escaped = `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
      // Half a pair cannot stand alone in UTF-8, so both halves are escaped or neither is.
      const plain = /[\ud800-\udfff]/.test(text.charAt(i)) ? escaped : JSON.stringify(text.charAt(i)).slice(1, -1);
      return next() % 5 === 0 ? (next() % 2 === 0 ? escaped.toUpperCase().replace('\\U', '\\u') : escaped) : plain;
    }).join('')}"`;
  const inner = (item: Value): string => {
    if (typeof item === 'string') return string(item);
    if (typeof item !== 'object' || item === null) return JSON.stringify(item);
    if (Array.isArray(item)) return `[${gap()}${item.map((entry) => `${gap()}${inner(entry)}${gap()}`).join(',')}]`;
    const members = Object.keys(item).map(
      (key) => `${gap()}${string(key)}${gap()}:${gap()}${inner(item[key] ?? null)}${gap()}`,
    );
    return `{${gap()}${members.join(',')}}`;
  };
  return `${gap()}${inner(value)}${gap()}`;
}

function lcg(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

/** What JSON.parse finds at a path, in order. */
function walk(value: Value, path: readonly string[]): Value[] {
  const [step, ...rest] = path;
  if (step === undefined) return [value];
  if (step === '[]') return Array.isArray(value) ? value.flatMap((item) => walk(item, rest)) : [];
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step)) return [];
  return walk(value[step] ?? null, rest);
}

const PATHS = {
  model: ['model'],
  tools: ['tools'],
  'tools[].type': ['tools', '[]', 'type'],
  'tools[].x[]': ['tools', '[]', 'x', '[]'],
  'metadata.user_id': ['metadata', 'user_id'],
  '[].type': ['[]', 'type'],
};
const OPTIONS: ScanOptions = { fields: Object.keys(PATHS), maxDepth: 64 };

const wellFormed = fc.string({ unit: 'binary', maxLength: 12 });
const { tree: anything } = fc.letrec<{ tree: Value; leaf: Value }>((tie) => ({
  leaf: fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((n) => (Object.is(n, -0) ? 0 : n)),
    wellFormed,
  ),
  tree: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom('type', 'x', 'model', 'user_id', '__proto__'), wellFormed), tie('tree'), {
      maxKeys: 4,
    }),
  ),
}));
const item = fc.record({ type: anything, x: anything, name: anything }, { requiredKeys: [] });
const document = fc.oneof(
  anything,
  fc.array(item, { maxLength: 4 }),
  fc.record(
    {
      model: anything,
      tools: fc.oneof(anything, fc.array(fc.oneof(item, anything), { maxLength: 4 })),
      metadata: fc.oneof(anything, fc.record({ user_id: anything })),
      other: anything,
    },
    { requiredKeys: [] },
  ),
) as fc.Arbitrary<Value>;
const spelled = fc.tuple(document, fc.nat()).map(([value, seed]) => spell(value, lcg(seed)));

test('P4: found values are those that JSON.parse gives, at the place where they stand', () => {
  fc.assert(
    fc.property(spelled, (text) => {
      const body = bytes(text);
      const result = scanJson(body, OPTIONS);
      const parsed = JSON.parse(text) as Value;
      for (const [path, steps] of Object.entries(PATHS)) {
        const found = result.found.get(path) ?? [];
        const expected = walk(parsed, steps);
        assert.deepEqual(
          found.map((value) => JSON.parse(new TextDecoder().decode(body.slice(value.start, value.end)))),
          expected,
        );
        for (const [i, value] of found.entries()) {
          const wanted = expected[i];
          const kind = wanted === null ? 'null' : Array.isArray(wanted) ? 'array' : typeof wanted;
          assert.equal(value.kind, kind === 'boolean' ? String(wanted) : kind);
          assert.deepEqual(value.value, kind === 'object' || kind === 'array' ? undefined : wanted);
        }
      }
    }),
    RUNS,
  );
});

function parses(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
    return true;
  } catch {
    return false;
  }
}

function verdict(body: Uint8Array, options: ScanOptions): 'accepted' | 'ambiguous' | 'malformed' {
  try {
    scanJson(body, options);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof JsonScanError, String(error));
    return error.ambiguous ? 'ambiguous' : 'malformed';
  }
}

const PIECES = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '1',
  '-',
  '.',
  'e',
  'E+',
  'true',
  'nul',
  ' ',
  '\n',
  '\0',
  '\v',
  '\\u',
  '\\ud800',
  '\ufeff',
  '\u00a0',
  '/',
  'NaN',
];
const edit = fc.record({
  at: fc.nat(),
  cut: fc.nat({ max: 3 }),
  put: fc.oneof(fc.constantFrom(...PIECES).map(bytes), fc.uint8Array({ maxLength: 2 }), fc.constant(new Uint8Array())),
});

function mutate(body: Uint8Array, edits: readonly { at: number; cut: number; put: Uint8Array }[]): Uint8Array {
  let result: Uint8Array = body;
  for (const { at, cut, put } of edits) {
    const start = at % (result.length + 1);
    result = Buffer.concat([result.subarray(0, start), put, result.subarray(start + cut)]);
  }
  return result;
}

test('P4: mutated documents are accepted exactly when JSON.parse accepts them, but for the named ambiguities', () => {
  const seen = { accepted: 0, ambiguous: 0, malformed: 0 };
  fc.assert(
    fc.property(spelled, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      const body = mutate(bytes(text), edits);
      const plain = verdict(body, { fields: [], maxDepth: 64 });
      const decided = verdict(body, OPTIONS);
      seen[plain]++;
      if (plain === 'ambiguous') {
        // With nothing to decide on, only bad UTF-8 and half a pair in a name are left.
        const half = !parses(body) || /\\ud[89a-f]/i.test(new TextDecoder().decode(body));
        assert.ok(half);
      } else assert.equal(plain === 'accepted', parses(body));
      // Deciding on fields only ever refuses more.
      if (decided === 'accepted') assert.equal(plain, 'accepted');
      if (plain === 'accepted') assert.notEqual(decided, 'malformed');
    }),
    { ...RUNS, numRuns: 3000 },
  );
  assert.ok(seen.accepted > 150 && seen.malformed > 150, JSON.stringify(seen));
});

const INVISIBLES = ['\0', ' ', '\t', '\u00a0', '\u200b', '\u200d', '\u2060', '\ufeff', '\u3000', '\u00ad'];
const disguise = fc.record({
  name: fc.constantFrom('model', 'stream', 'max_tokens'),
  how: fc.constantFrom('case', 'invisible', 'width'),
  at: fc.nat(),
  which: fc.nat(),
});

test('P4: any disguise of a wanted name is refused, however it is escaped', () => {
  fc.assert(
    fc.property(disguise, fc.nat(), ({ name, how, at, which }, seed) => {
      const letters = [...name];
      const place = at % letters.length;
      const letter = letters[place] ?? '';
      if (how === 'case') letters[place] = letter === '_' ? '＿' : letter.toUpperCase();
      if (how === 'invisible')
        letters.splice(at % (letters.length + 1), 0, INVISIBLES[which % INVISIBLES.length] ?? ' ');
      if (how === 'width') letters[place] = String.fromCharCode(letter.charCodeAt(0) + 0xfee0);
      const key = letters.join('');
      for (const value of [{ [key]: 1 }, { [name]: 1, [key]: 1 }, { [key]: 1, [name]: 1 }]) {
        const body = bytes(spell(value, lcg(seed)));
        assert.equal(verdict(body, { fields: ['model', 'stream', 'max_tokens'], maxDepth: 4 }), 'ambiguous');
      }
    }),
    RUNS,
  );
});

test('P4: decided numbers are read as JSON.parse reads them or refused', () => {
  const digits = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 1, maxLength: 20 });
  const numeral = fc
    .tuple(fc.constantFrom('', '-'), digits, fc.option(digits), fc.option(fc.integer({ min: -30, max: 30 })))
    .map(
      ([sign, whole, part, power]) =>
        `${sign}${BigInt(whole)}${part === null ? '' : `.${part}`}${power === null ? '' : `e${power}`}`,
    );
  fc.assert(
    fc.property(numeral, (text) => {
      const body = bytes(`[${text}]`);
      const value = JSON.parse(text) as number;
      // Exactly: numerator and denominator of both, as integers.
      const exact = (numeral: string): [bigint, bigint] => {
        const [base = '', power = '0'] = numeral.split('e');
        const [whole = '', part = ''] = base.split('.');
        const shift = Number(power) - part.length;
        return [BigInt(whole + part) * 10n ** BigInt(Math.max(shift, 0)), 10n ** BigInt(Math.max(-shift, 0))];
      };
      const [a, b] = exact(text);
      const [c, d] = exact(String(value));
      const alike =
        a * d === c * b && !(a === 0n && text.startsWith('-')) && (a % b !== 0n || (a < 0n ? -a : a) / b <= 2n ** 53n);
      assert.equal(verdict(body, { fields: ['[]'], maxDepth: 2 }), alike ? 'accepted' : 'ambiguous');
    }),
    { ...RUNS, numRuns: 2000 },
  );
});
