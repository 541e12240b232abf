import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { renderPolicySchema } from '../../scripts/policy-schema.ts';
import { formatProblem } from '../../src/kernel/config.ts';
import { loadAssertions, runAssertions } from '../../src/policy/assertions.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { blocks, paper } from '../docs/papers.ts';
import { load } from './support.ts';

test('the JSON Schema for editors is what the schema says today', () => {
  assert.equal(
    paper('docs/policy.schema.json'),
    renderPolicySchema(),
    'docs/policy.schema.json is stale: run node scripts/policy-schema.ts',
  );
});

interface Node {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly items?: Node;
}

test('every key of the JSON Schema is described, and no mapping takes unknown keys', () => {
  let count = 0;
  const walk = (node: Node, path: string): void => {
    if (node.properties !== undefined) assert.equal(node.additionalProperties, false, path);
    for (const [name, child] of Object.entries(node.properties ?? {})) {
      count++;
      assert.match(child.description ?? '', /\.$/, `${path}.${name} has no description`);
      walk(child, `${path}.${name}`);
    }
    if (typeof node.additionalProperties === 'object') walk(node.additionalProperties, `${path}.*`);
    if (node.items !== undefined) walk(node.items, `${path}[]`);
  };
  const schema = JSON.parse(renderPolicySchema()) as Node & { $id: string; $schema: string };
  assert.equal(schema.$id, 'urn:gatehouse:policy');
  assert.equal(schema.$schema, 'https://json-schema.org/draft/2020-12/schema');
  walk(schema, '');
  assert.equal(count, 98);
});

test('the example loads, and all that is odd about it is the rate that observes', () => {
  const { findings } = load(paper('docs/examples/policy.yaml'), Date.parse('2026-11-24T12:00:00Z'));
  assert.deepEqual(findings, [
    {
      severity: 'note',
      code: 'observes',
      place: {
        path: 'rates[2]',
        line: 27,
        text: 'organization, using claude-opus-*: output_tokens 2M/min, observing',
      },
      message: 'observes only: it refuses nothing',
    },
  ]);
});

test('every policy on the page of the document loads, and shows nothing that never applies', () => {
  let count = 0;
  for (const { info, code, line } of blocks(paper('docs/policy.md'))) {
    if (info !== 'yaml policy' && info !== 'json policy') continue;
    const file = `docs/policy.md (block in line ${line})`;
    const loaded = loadPolicy({ text: code, file });
    assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
    const odd = loaded.findings.filter(({ code: kind }) => kind !== 'observes' && kind !== 'uncapped');
    assert.deepEqual(odd, [], file);
    count++;
  }
  const fences = blocks(paper('docs/policy.md')).filter(({ info }) => /^(?:yaml|json)(?! tests)/.test(info));
  assert.equal(count, fences.length, 'every other YAML and JSON block of the page is a policy');
  assert.ok(count >= 8, `only ${count} policies were found`);
});

test('the tests on the page of the document load, and pass and fail with the policy they are about', () => {
  const [block, ...more] = blocks(paper('docs/policy.md')).filter(({ info }) => info === 'yaml tests');
  assert.ok(block !== undefined && more.length === 0);
  const loaded = loadAssertions({ text: block.code, file: 'docs/policy.md' });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
  const meant = load(`
teams: { payments: { members: [ada@example.com, service payments-ci] } }
access:
  - { deny: claude-opus-*, to: team payments }
  - { allow: "*", to: everyone }
budgets: [{ each: person, limit: 300 USD/month }]
`);
  const now = Date.parse('2026-11-24T12:00:00Z');
  assert.deepEqual(runAssertions(meant.policy, loaded.assertions, now), { passed: 4, failed: [] });
  const { failed } = runAssertions(load('access: []').policy, loaded.assertions, now);
  assert.equal(failed.length, 4);
});

test('every policy in the other papers loads', () => {
  let count = 0;
  for (const file of ['README.md', 'docs/prices.md']) {
    for (const { info, code } of blocks(paper(file))) {
      if (info !== 'yaml policy') continue;
      const loaded = loadPolicy({ text: code, file });
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
      count++;
    }
  }
  assert.equal(count, 3);
});

test('every policy on the pages about signing in loads, and shows nothing odd about who can', () => {
  const pages = readdirSync(new URL('../../docs/sign-in/', import.meta.url)).filter((name) => name.endsWith('.md'));
  let count = 0;
  for (const name of pages) {
    const file = `docs/sign-in/${name}`;
    for (const { info, code, line } of blocks(paper(file))) {
      if (info !== 'yaml policy') continue;
      const loaded = loadPolicy({ text: code, file: `${file} (block in line ${line})` });
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
      assert.deepEqual(
        loaded.findings.filter(({ code: kind }) => kind !== 'uncapped'),
        [],
        file,
      );
      count++;
    }
  }
  assert.ok(count >= pages.length - 1 && count >= 7, `only ${count} policies were found`);
});

test('every section of the document has its heading on the page', () => {
  const schema = JSON.parse(renderPolicySchema()) as Node;
  const headings = paper('docs/policy.md')
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .join('\n');
  for (const name of Object.keys(schema.properties ?? {})) {
    if (name !== '$schema') assert.ok(headings.includes(`\`${name}\``), `docs/policy.md has no heading for ${name}`);
  }
});
