import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { matches } from '../../src/policy/patterns.ts';
import { ada, ci, load, model, problems } from './support.ts';

test('deep nesting, references, tags and merges are refused', () => {
  for (const text of [
    '['.repeat(100_000),
    `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
    `access: ${'['.repeat(80)}${']'.repeat(80)}`,
    'a: &a [x, x]\nb: &b [*a, *a]\naccess: [*b, *b]',
    'teams: {a: &t {members: []}, b: *t}',
    'teams: {a: {<<: {members: []}}}',
    'access: !!js/function "x"',
    '%YAML 1.1\n---\nmode: observe',
    'mode: enforce\n---\nmode: observe',
    'mode: enforce\nmode: observe',
  ]) {
    const loaded = loadPolicy({ text, file: 'p.yaml' });
    assert.equal(loaded.ok, false, text.slice(0, 60));
  }
});

test('what is too long is refused: files, sections, lists, names, aliases together', () => {
  const many = (count: number, entry: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => entry(i)).join(', ');
  assert.match(problems(`# ${'x'.repeat(1024 * 1024)}`)[0] ?? '', /over 1 MiB/);
  assert.match(problems(`access: [${many(5_001, () => '{deny: a1, to: everyone}')}]`)[0] ?? '', /at most 5000 entries/);
  assert.match(
    problems(`access: [{deny: [${many(201, (i) => `m${i}`)}], to: everyone}]`)[0] ?? '',
    /at most 200 entries/,
  );
  assert.match(problems(`access: [{deny: a1, to: [${many(201, (i) => `a${i}@b`)}]}]`)[0] ?? '', /at most 200 entries/);
  assert.match(problems(`access: [{deny: ${'x'.repeat(129)}, to: everyone}]`)[0] ?? '', /at most 128 characters/);
  const aliases = `models: {aliases: {a: [${many(150, (i) => `m${i}`)}], b: [${many(150, (i) => `n${i}`)}]}}\n`;
  assert.match(problems(`${aliases}access: [{deny: [a, b], to: everyone}]`)[0] ?? '', /more than 200 patterns/);
});

test('a large document with wide rules is loaded and judged within bounds', () => {
  const wide = (end: string) => Array.from({ length: 100 }, (_, i) => `"*${'a*'.repeat(20)}${i}${end}"`).join(', ');
  const rule = (effect: string) => `  - {${effect}: [${wide('x')}], to: everyone}`;
  const text = `models: {allowed: [${wide('y')}]}\naccess:\n${[...Array(60).keys()].map((i) => rule(i % 2 ? 'deny' : 'allow')).join('\n')}`;
  const { findings } = load(text);
  assert.ok(findings.length <= 1_000);
  assert.ok(findings.some(({ message }) => message.startsWith('this document is too large')));
});

test('a pattern of many stars and a long name are compared at once', () => {
  const name = 'a'.repeat(100_000);
  assert.equal(matches(`${'*a'.repeat(60)}b`, name), false);
  assert.equal(matches('*a*a*a*a*a*a*a*b*', name), false);
  assert.equal(matches(`${'*a'.repeat(60)}*`, name), true);
});

test('names of prototypes are names like any other', () => {
  for (const name of ['constructor', 'toString', 'hasOwnProperty', 'prototype']) {
    const { policy } = load(
      [
        `teams: {${name}: {members: [service ${name}]}}`,
        `models: {aliases: {${name}: [claude-opus-5]}}`,
        `access: [{allow: ${name}, to: team ${name}}]`,
        `budgets: [{each: team, limit: 1 USD, except: {${name}: 2 USD}}]`,
        `retention: {content: {team ${name}: full}}`,
      ].join('\n'),
    );
    assert.deepEqual(policy.memberships.get(name.toLowerCase()), [name]);
    assert.deepEqual([...(policy.budgets[0]?.except ?? [])], [[name.toLowerCase(), 2_000_000]]);
    const inside = { ...ada, teams: [name], team: name };
    assert.equal(policy.decide(model('claude-opus-5', inside)).effect, 'allow');
    assert.equal(policy.keepsContent(inside), true);
    assert.equal(policy.decide(model('claude-opus-5', ci)).effect, 'deny');
    assert.equal(policy.decide(model(name, inside)).effect, 'deny');
  }
});

test('names of prototypes that nobody described are faults, not found on some prototype', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'valueOf']) {
    assert.match(problems(`access: [{deny: a1, to: team ${name}}]`)[0] ?? '', /names a team that is not under teams/);
    assert.match(problems(`budgets: [{each: team, limit: 1 USD, except: {${name}: 1 USD}}]`)[0] ?? '', /team|key/);
    const { policy } = load(`access: [{allow: "${name.replaceAll('_', 'x')}", to: everyone}]`);
    assert.deepEqual(policy.rules[0]?.patterns, [name.replaceAll('_', 'x')]);
  }
  for (const text of [
    'teams: {__proto__: {members: [ada@example.com]}}',
    '{"teams": {"__proto__": {}}}',
    '{"__proto__": {"mode": "observe"}}',
    'models: {aliases: {__proto__: ["*"]}}',
    'retention: {content: {__proto__: full}}',
    'constructor: {}',
  ]) {
    assert.equal(loadPolicy({ text, file: 'p.yaml' }).ok, false, text);
  }
  assert.equal(Object.hasOwn(Object.prototype, 'mode'), false);
});

test('teams and names with invisible or control characters are refused', () => {
  for (const text of [
    'teams: {"pay\\u200bments": {}}',
    'teams: {"pay\\nments": {}}',
    'teams: {" ": {}}',
    `teams: {"${'x'.repeat(65)}": {}}`,
    'organization: "a\\u202eb"',
    'teams: {a: {cost_center: "\\u001b[2J"}}',
    'budgets: [{each: key, limit: 1 USD, when_spent: "a\\nb"}]',
    'access: [{deny: a1, to: "team \\u200bx"}]',
  ]) {
    assert.equal(loadPolicy({ text, file: 'p.yaml' }).ok, false, text);
  }
});
