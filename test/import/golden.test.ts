import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { gatehouseConfig } from '../../src/config.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { FIXTURES, fixture, translate } from './support.ts';

for (const [kind, file] of FIXTURES) {
  test(`${kind}: policy, configuration and notes are those that were read and approved`, () => {
    const { policy, config, notes } = translate(kind, fixture(file));
    assert.equal(policy, fixture(`${kind}.policy.yaml`));
    assert.equal(config ?? '', fixture(`${kind}.config.yaml`));
    const lines = notes.map(({ line, severity, path, message }) => `${line} ${severity} ${path}: ${message}\n`);
    assert.equal(lines.join(''), fixture(`${kind}.notes.txt`));
  });

  test(`${kind}: the policy loads, and so does the configuration`, () => {
    const { policy, config } = translate(kind, fixture(file));
    const loaded = loadPolicy({ text: policy, file: 'policy.yaml' });
    assert.deepEqual(loaded.ok ? [] : loaded.problems, []);
    assert.ok(gatehouseConfig.safeParse(parse(config ?? '')).success);
  });
}
