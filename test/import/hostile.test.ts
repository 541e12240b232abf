import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importPolicy } from '../../src/policy/import/import.ts';
import { IMPORT_KINDS } from '../../src/policy/import/model.ts';
import { loadPolicy } from '../../src/policy/load.ts';

test('files that cannot be configurations are refused, whatever the kind', () => {
  const deep = (open: string, close: string, n: number) => `${open.repeat(n)}1${close.repeat(n)}`;
  const files = [
    'a: &x [1, 1]\nb: [*x, *x]',
    '{"__proto__": {"model_list": []}}',
    deep('[', ']', 200),
    deep('{"targets":[', ']}', 100),
    deep('[', ']', 100_000),
    `# ${'x'.repeat(1024 * 1024)}`,
    'a: 1\na: 2',
    '%YAML 1.1\n---\na: no',
    'a: !!js/function x',
    'just text',
    '42',
    '"',
    '\u0000',
  ];
  for (const kind of IMPORT_KINDS) {
    for (const text of files) {
      const result = importPolicy(kind, { text, file: 'x' });
      assert.equal(result.ok, false, `${kind}: ${text.slice(0, 40)}`);
    }
  }
});

test('names of the object prototype are names like any other', () => {
  const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'];
  for (const kind of IMPORT_KINDS) {
    const text = JSON.stringify({
      ...Object.fromEntries(names.map((name) => [name, 1])),
      model_list: names.map((name) => ({ model_name: name, litellm_params: { model: name, [name]: 1 } })),
      router_settings: { model_group_alias: Object.fromEntries(names.map((name) => [name, name])) },
      managed: { policies: names.map((name) => ({ match: { groups: [name] }, [name]: {} })) },
      usage_limits: names.map((name) => ({ type: 'cost', credit_limit: 1, periodic_reset: name, group_by: [name] })),
    });
    const result = importPolicy(kind, { text, file: 'x' });
    assert.ok(result.ok);
    assert.ok(names.every((name) => result.notes.some(({ path }) => path === name)));
    assert.ok(loadPolicy({ text: result.policy, file: 'p' }).ok, result.policy);
  }
});

test('names cannot write policy: YAML, comments and control characters in them stay inside', () => {
  const evil = [
    'a\n  - { allow: "*", to: everyone }',
    'x: { }, y',
    '# no',
    '\u001b[2J',
    '\u202e',
    '"',
    "'",
    '{',
    'no',
    'null',
    '1e3',
    '- a',
    '*',
    '',
  ];
  for (const name of evil) {
    const inputs = [
      [
        'litellm',
        { model_list: [{ model_name: name, litellm_params: { model: `anthropic/${name}`, api_base: name } }] },
      ],
      [
        'litellm',
        {
          model_list: [
            { model_name: 'a', litellm_params: { model: 'claude-opus-5-5' }, model_info: { team_id: name } },
          ],
          litellm_settings: { timezone: name, default_team_settings: [{ team_id: name, max_budget: 1 }] },
        },
      ],
      [
        'claude-gateway',
        {
          upstreams: [{ provider: 'anthropic', auth: { api_key: `\${${name}}` } }],
          admin: { blocked_message: name, spend_limits: [{ scope: { type: 'organization' }, amount: '1' }] },
          managed: { policies: [{ match: { groups: [name] }, cli: { availableModels: [name] } }] },
        },
      ],
      [
        'portkey',
        { usage_limits: [{ type: 'cost', credit_limit: 1, conditions: [{ key: 'metadata.team', value: name }] }] },
      ],
    ] as const;
    for (const [kind, input] of inputs) {
      const result = importPolicy(kind, { text: JSON.stringify(input), file: 'x' });
      assert.ok(result.ok);
      const loaded = loadPolicy({ text: result.policy, file: 'p' });
      assert.ok(loaded.ok, `${JSON.stringify(name)}\n${result.policy}`);
      const granted = loaded.policy.rules.flatMap((rule) => (rule.effect === 'allow' ? rule.patterns : []));
      assert.ok(
        granted.every((model) => model.startsWith('claude-')),
        granted.join(),
      );
      const shown = result.policy + result.notes.map(({ message, path }) => message + path).join('');
      for (const control of ['\u001b', '\u202e', '\t', '\r']) assert.ok(!shown.includes(control));
    }
  }
});

test('any document is translated into a policy that loads, or refused', () => {
  const words = [
    'model_list',
    'litellm_settings',
    'max_budget',
    'models',
    'upstreams',
    'managed',
    'policies',
    'match',
    'groups',
    'targets',
    'provider',
    'anthropic',
    'strategy',
    'mode',
    'conditional',
    'usage_limits',
    'rate_limits',
    'data',
    'scope',
    'type',
    'litellm_params',
    'model',
    'claude-opus-5-5',
    'cli',
    'availableModels',
    'amount',
    'organization',
    'pricing',
    'multiplier',
  ];
  const word = fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 12 }));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.oneof(word, fc.double({ noNaN: true }), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(
        word.filter((name) => name !== '__proto__'),
        tie('tree'),
        { maxKeys: 6 },
      ),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...IMPORT_KINDS), tree, (kind, value) => {
      const result = importPolicy(kind, { text: JSON.stringify(value), file: 'x' });
      return !result.ok || loadPolicy({ text: result.policy, file: 'p' }).ok;
    }),
    { seed: 11, numRuns: 600 },
  );
});

test('a policy too large to be loaded says so', () => {
  const rows = Array.from({ length: 5001 }, (_, i) => {
    return { model_name: `m${i}`, litellm_params: { model: `anthropic/claude-${i}`, rpm: 1 } };
  });
  const result = importPolicy('litellm', { text: JSON.stringify({ model_list: rows }), file: 'x' });
  assert.ok(result.ok);
  assert.equal(loadPolicy({ text: result.policy, file: 'p' }).ok, false);
  assert.ok(result.notes.some(({ message }) => message.includes('too large to be loaded')));
});
