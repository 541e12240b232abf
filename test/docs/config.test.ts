import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { renderExample, renderPage } from '../../scripts/config-doc.ts';
import { gatehouseConfig } from '../../src/config.ts';
import { formatProblem, loadConfig } from '../../src/kernel/config.ts';
import { blocks, paper, papers } from './papers.ts';

const STALE = 'is stale: run node scripts/config-doc.ts';

function load(text: string, file: string) {
  const loaded = loadConfig({ text, file, schema: gatehouseConfig });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
  return loaded.value;
}

test('the configuration page and the example file are what the schema says today', () => {
  assert.equal(paper('docs/configuration.md'), renderPage(), `docs/configuration.md ${STALE}`);
  assert.equal(paper('docs/gatehouse.example.yaml'), renderExample(), `docs/gatehouse.example.yaml ${STALE}`);
});

test('the example file loads and says exactly what the defaults are, key by key', () => {
  const text = paper('docs/gatehouse.example.yaml');
  const defaults = load('', 'empty.yaml');
  assert.deepEqual(load(text, 'docs/gatehouse.example.yaml'), defaults);
  const written = parse(text) as Record<string, unknown>;
  // A key that stands only in the schema would load as its default all the same: names are compared one by one.
  for (const [name, value] of Object.entries(defaults)) {
    const keys = typeof value === 'object' ? Object.keys(value) : null;
    assert.deepEqual(keys === null ? null : Object.keys(written[name] as object), keys, name);
  }
});

test('values of the page are written as people write them', () => {
  const page = paper('docs/configuration.md');
  for (const row of [
    '| `listen.port` | whole number, 0 to 65535 | `8787` |',
    '| `listen.drain` | duration | `30 s` |',
    '| `journal.segment` | size | `64 MiB` |',
    '| `journal.checkpoints` | list of strings | `[]` |',
    '| `journal.durability` | one of `synced`, `written` | `synced` |',
  ]) {
    assert.ok(page.includes(row), row);
  }
});

test('values that could only fail later, or hold a secret, are refused when the file is read', () => {
  for (const [text, message] of [
    ['listen: {hosts: ["https://gatehouse.example.com"]}', /listen\.hosts\[0\]: must be a name alone/],
    ['listen: {hosts: ["gatehouse.example.com:443"]}', /must be a name alone/],
    ['upstream: {url: "https://me:secret@api.example.com"}', /upstream\.url: must not hold a user or password/],
    ['journal: {checkpoints: [evidence]}', /journal\.checkpoints\[0\]: must be an absolute path/],
    ['journal: {checkpoint_every: 0 s}', /journal\.checkpoint_every: /],
    ['limits: {body: 0 B}', /limits\.body: /],
  ] as const) {
    const loaded = loadConfig({ text, file: 'a.yaml', schema: gatehouseConfig });
    assert.ok(!loaded.ok, text);
    assert.match(loaded.problems.map(formatProblem).join(), message);
  }
});

/** A `yaml` block is a configuration of ours; other YAML names what it is for behind the word. */
test('every configuration in the papers loads', () => {
  let count = 0;
  for (const { path, text } of papers()) {
    for (const { info, code, line } of blocks(text)) {
      if (info !== 'yaml') continue;
      load(code, `${path} (block in line ${line})`);
      count++;
    }
  }
  assert.ok(count >= 2, `only ${count} configurations were found in the papers`);
});
