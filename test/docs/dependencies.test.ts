import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paper, tableUnder } from './papers.ts';

const manifest = JSON.parse(paper('package.json')) as Record<string, Record<string, string> | undefined>;
const page = paper('docs/dependencies.md');

const TABLES = [
  ['dependencies', 'Run time'],
  ['optionalDependencies', 'Optional: the Node runtime'],
  ['devDependencies', 'Development'],
] as const;

for (const [field, heading] of TABLES) {
  test(`docs/dependencies.md explains every package of ${field}, and no other`, () => {
    const rows = tableUnder(page, heading);
    const wanted = Object.keys(manifest[field] ?? {}).sort();
    assert.ok(wanted.length > 0);
    assert.deepEqual(rows.map(([name]) => name?.replaceAll('`', '')).sort(), wanted);
    for (const [name, reason, licence, instead, traps] of rows) {
      assert.ok(reason && licence && instead && traps, `${name}: a cell is empty`);
    }
  });
}

test('no other kind of dependency has come in, and every version is exact', () => {
  const kinds = Object.keys(manifest).filter((field) => /dependencies$/i.test(field));
  assert.deepEqual(kinds.sort(), TABLES.map(([field]) => field).sort());
  for (const [field] of TABLES) {
    for (const [name, version] of Object.entries(manifest[field] ?? {})) {
      assert.match(version, /^\d+\.\d+\.\d+$/, `${name} in ${field}`);
    }
  }
});

test('the licence in the table is the one that the installed package states', () => {
  for (const [, heading] of TABLES) {
    for (const [cell, , licence] of tableUnder(page, heading)) {
      const name = cell?.replaceAll('`', '') ?? '';
      // A platform package of another platform is not installed here.
      const stated = installed(name)?.license;
      if (stated !== undefined) assert.equal(licence, stated.replace(' OR ', ' or '), name);
    }
  }
});

function installed(name: string): { license: string } | undefined {
  try {
    return JSON.parse(paper(`node_modules/${name}/package.json`)) as { license: string };
  } catch {
    return undefined;
  }
}
