import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { z } from 'zod';
import { formatProblem, loadConfig } from '../../src/kernel/config.ts';
import { duration, size } from '../../src/kernel/units.ts';

const schema = z.strictObject({
  upstream: z.strictObject({
    key: z.string(),
    timeout: duration({ min: 1_000 }).default(5_000),
    url: z.url().optional(),
    retries: z.int().min(1).max(5).optional(),
  }),
  mode: z.enum(['strict', 'estimate']).optional(),
  rules: z.array(z.strictObject({ name: z.string().min(1), body: size() })).optional(),
  either: z.union([z.string(), z.strictObject({ path: z.number() })]).optional(),
  source: z
    .discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('file'), path: z.string() }),
      z.strictObject({ kind: z.literal('environment') }),
    ])
    .optional(),
});

function problems(text: string, against: z.ZodType = schema): string[] {
  const result = loadConfig({ text, file: 'g.yaml', schema: against });
  assert.ok(!result.ok, `accepted: ${text}`);
  return result.problems.map(formatProblem);
}

test('a valid file is loaded with its defaults, from YAML and from JSON', () => {
  const value = { upstream: { key: 'k', timeout: 30_000 }, rules: [{ name: 'a', body: 1_024 }] };
  const yaml = '# comment\nupstream:\n  key: k\n  timeout: 30 s\nrules:\n  - name: a\n    body: 1 KiB\n';
  const json = '{"upstream":{"key":"k",\n\t"timeout":"30s"},"rules":[{"name":"\\u0061","body":"1 KiB"}]}';
  assert.deepEqual(loadConfig({ text: yaml, file: 'f', schema }), { ok: true, value });
  assert.deepEqual(loadConfig({ text: json, file: 'f', schema }), { ok: true, value });
  assert.deepEqual(loadConfig({ text: yaml.replaceAll('\n', '\r\n'), file: 'f', schema }), { ok: true, value });
  const defaults = z.strictObject({ a: z.number().default(1) });
  for (const text of ['', '# nothing\n', 'null', '{}']) {
    assert.deepEqual(loadConfig({ text, file: 'f', schema: defaults }), { ok: true, value: { a: 1 } });
  }
});

test('a fault is told with file, line, column, path, sentence and suggestion', () => {
  const text = `${'\n'.repeat(10)}upstream:\n  key: a\n  tiemout: 1 s\n`;
  const result = loadConfig({ text, file: 'gatehouse.yaml', schema });
  assert.ok(!result.ok);
  assert.deepEqual(result.problems, [
    {
      file: 'gatehouse.yaml',
      line: 13,
      column: 3,
      path: 'upstream.tiemout',
      message: 'unknown key',
      suggestion: 'timeout',
    },
  ]);
  assert.deepEqual(result.problems.map(formatProblem), [
    'gatehouse.yaml:13:3: upstream.tiemout: unknown key. Did you mean "timeout"?',
  ]);
});

/** Each file with the whole of what is said about it. */
const FAULTS: readonly (readonly [text: string, ...said: string[]])[] = [
  ['upstream: {kay: a, key: b}', 'g.yaml:1:12: upstream.kay: unknown key. Did you mean "key"?'],
  ['upstream: {key: a}\nupsteram: {}', 'g.yaml:2:1: upsteram: unknown key. Did you mean "upstream"?'],
  ['upstream: {key: a}\nfrobnicate: 1', 'g.yaml:2:1: frobnicate: unknown key.'],
  ['mode: strict', 'g.yaml:1:1: upstream: is required.'],
  [
    'odd: 1\nupstream: {key: 5}',
    'g.yaml:1:1: odd: unknown key.',
    'g.yaml:2:17: upstream.key: must be text, but is a number.',
  ],
  ['upstream:', 'g.yaml:1:10: upstream: must be a mapping, but is empty.'],
  ['upstream: {key: 5}', 'g.yaml:1:17: upstream.key: must be text, but is a number.'],
  [
    'upstream: {key: a, timeout: 30}',
    'g.yaml:1:29: upstream.timeout: write a duration with its unit, such as "30s", "15 minutes", "24 h" or "14 days".',
  ],
  ['upstream: {key: a, timeout: 1ms}', 'g.yaml:1:29: upstream.timeout: must be at least 1 s.'],
  ['upstream: {key: a, url: here}', 'g.yaml:1:25: upstream.url: must be a URL, such as "https://example.com".'],
  ['upstream: {key: a, retries: 9}', 'g.yaml:1:29: upstream.retries: must be at most 5.'],
  ['upstream: {key: a, retries: 1.5}', 'g.yaml:1:29: upstream.retries: must be a whole number, but is a number.'],
  ['upstream: {key: a}\nmode: strcit', 'g.yaml:2:7: mode: must be "strict" or "estimate". Did you mean "strict"?'],
  [
    'upstream: {key: a}\nrules:\n  - name: ""\n    body: 1 B\n  - nam: x',
    'g.yaml:3:11: rules[0].name: must not be empty.',
    'g.yaml:5:5: rules[1].name: is required.',
    'g.yaml:5:5: rules[1].body: is required.',
    'g.yaml:5:5: rules[1].nam: unknown key. Did you mean "name"?',
  ],
  ['upstream: {key: a}\neither: {path: x}', 'g.yaml:2:16: either.path: must be a number, but is text.'],
  [
    'upstream: {key: a}\nsource: {kind: fiel}',
    'g.yaml:2:16: source.kind: must be "file" or "environment". Did you mean "file"?',
  ],
  ['upstream: {key: a}\nsource: {}', 'g.yaml:2:1: source.kind: is required.'],
  ['upstream: {key: a}\nsource: {kind: file}', 'g.yaml:2:1: source.path: is required.'],
  ['- a', 'g.yaml:1:1: must be a mapping, but is a list.'],
  ['upstream: {key: a}\n"\\e[2J": 1', 'g.yaml:2:1: "\\\\u{1b}[2J": unknown key.'],
];

for (const [text, ...said] of FAULTS) {
  test(`what is said about ${JSON.stringify(text)}`, () => assert.deepEqual(problems(text), said));
}

test('syntax and duplicate keys are reported before the schema is looked at', () => {
  // The second value would win and hide the fault of the first.
  assert.deepEqual(problems('mode: wrong\nmode: strict'), ['g.yaml:2:1: mode: this key is given twice.']);
  assert.deepEqual(problems('1: a\n"1": b'), ['g.yaml:2:1: 1: this key is given twice.']);
  assert.match(problems('upstream: {key: "a')[0] ?? '', /^g\.yaml:1:\d+: something is missing here/);
  assert.match(problems('upstream:\n\tkey: a')[0] ?? '', /^g\.yaml:2:1: a tab is used for indentation/);
  assert.match(problems('a: b: c')[0] ?? '', /^g\.yaml:1:4: a second ": " on one line/);
});

test('what a configuration has no use for is refused', () => {
  assert.deepEqual(problems('a: 1\n---\nb: 2'), ['g.yaml:2:1: a second document starts here; the file must hold one.']);
  assert.match(problems('a: &x [1]\nb: *x').join(), /b: references \(\*name\) are not supported/);
  const bomb = `a: &a [x,x]\n${[...'bcdefghij'].map((c, i) => `${c}: &${c} [*${'abcdefghi'[i]},*${'abcdefghi'[i]}]`).join('\n')}`;
  assert.match(problems(bomb).join(), /references/);
  for (const tag of ['!run x', '!!binary aGk=', '!!set {a}', '!<tag:x> 1', '!!omap [a: 1]']) {
    assert.match(problems(`a: ${tag}`).join(), /tags \(!name\) are not supported/, tag);
  }
  assert.deepEqual(problems('%YAML 1.1\n---\na: no'), ['g.yaml:1:1: only YAML 1.2 is read.']);
  for (const key of ['? [a]\n: 1', '? {a: 1}\n: 1', '__proto__: {a: 1}', '"__proto__": 1', '~: 1', '!x a: 1']) {
    assert.match(problems(key).join(), /this cannot be a key/, key);
  }
  const anything = z.record(z.string(), z.unknown());
  assert.match(problems('<<: &a {b: 1}\nc: *a', anything).join(), /references/);
});

test('size and depth are bounded', () => {
  const anything = z.unknown();
  assert.deepEqual(problems(`a: "${'x'.repeat(1024 * 1024)}"`, anything), ['g.yaml:1:1: the file is over 1 MiB.']);
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.ok(loadConfig({ text: nested(60), file: 'f', schema: anything }).ok);
  assert.match(problems(nested(70), anything).join(), /nested too deeply/);
  assert.match(problems('- '.repeat(20_000), anything).join(), /nested too deeply/);
  assert.match(problems('{a: '.repeat(20_000), anything).join(), /nested too deeply/);
});

test('no message quotes a value of the file', () => {
  const secret = 'hunter22-correct-horse';
  const texts = [
    `upstream: ${secret}`,
    `upstream: {key: [${secret}], url: ${secret}, timeout: ${secret}, retries: ${secret}}`,
    `mode: ${secret}\nupstream: {key: a}\nsource: {kind: ${secret}}\neither: [${secret}]`,
    `upstream: {key: "${secret}`,
    `upstream: ${secret}: x`,
    `a: !${secret} 1`,
    `a: *${secret}`,
  ];
  for (const text of texts) for (const line of problems(text)) assert.ok(!line.includes('hunter22'), line);
});

test('a schema that would ignore unknown keys is a mistake in the program', () => {
  const loose = z.strictObject({ a: z.strictObject({ b: z.object({ c: z.string() }) }).optional() });
  assert.throws(() => loadConfig({ text: '', file: 'f', schema: loose }), /ignores unknown keys/);
  const list = z.strictObject({ a: z.array(z.object({ c: z.string() })).optional() });
  assert.throws(() => loadConfig({ text: '', file: 'f', schema: list }), /ignores unknown keys/);
});

test('any JSON value is loaded as JSON.parse reads it', () => {
  const key = fc.string({ maxLength: 8 }).filter((name) => name !== '__proto__');
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, tie('leaf'), fc.array(tie('tree'), { maxLength: 4 }), tie('map')),
    leaf: fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null)),
    map: fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
  }));
  fc.assert(
    fc.property(tree, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const result = loadConfig({ text: JSON.stringify(value, null, indent), file: 'f', schema: z.unknown() });
      assert.deepEqual(result, { ok: true, value: value ?? {} });
    }),
    { seed: 13, numRuns: 300 },
  );
});

test('any text gives a value or problems with a place, and never throws', () => {
  const pieces = fc.constantFrom(
    'a',
    ': ',
    '- ',
    '\n',
    '  ',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    '&x',
    '*x',
    '!t',
    '#',
    '|',
    '>',
    '? ',
    '---',
    '%YAML 1.1',
    '\t',
    '\\',
    '\u0000',
    '🙂',
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (given) => {
      const result = loadConfig({ text: given, file: 'f', schema });
      assert.ok(!result.ok && result.problems.length > 0);
      const lines = given.split('\n').length;
      for (const { line, column } of result.problems) assert.ok(line >= 1 && line <= lines + 1 && column >= 1);
    }),
    { seed: 17, numRuns: 500 },
  );
});
