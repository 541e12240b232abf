import assert from 'node:assert/strict';
import { parse } from 'yaml';
import { importPolicy } from '../../../src/policy/import/import.ts';
import { IMPORT_KINDS } from '../../../src/policy/import/model.ts';
import { loadPolicy } from '../../../src/policy/load.ts';
import type { FuzzTarget } from '../engine/target.ts';

/** Credentials as the input holds them: of ours, of the provider, and of others that gateways keep. */
const SECRETS = /(?:gh[kao]_|sk-ant-|(?<!\w)sk-)[0-9A-Za-z]{20,}/g;

function run(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  const secrets = [...text.matchAll(SECRETS)].map(([secret]) => secret);
  for (const kind of IMPORT_KINDS) {
    const result = importPolicy(kind, { text, file: 'x.yaml' });
    const shown = JSON.stringify(result);
    for (const secret of secrets) assert.ok(!shown.includes(secret), `${kind}: a secret of the input came out`);
    if (!result.ok) {
      assert.ok(result.problems.length >= 1 && result.problems.every(({ line, column }) => line >= 1 && column >= 1));
      continue;
    }
    for (const { line, message, path } of result.notes) {
      assert.ok(line >= 1, `${kind}: a note stands nowhere`);
      assert.ok(!/\p{Cc}/u.test(message + path), `${kind}: a note holds a control character`);
    }
    const loaded = loadPolicy({ text: result.policy, file: 'p.yaml' });
    const tooLarge = result.notes.some(({ message }) => message.includes('too large to be loaded'));
    assert.ok(loaded.ok || tooLarge, `${kind}: what was written does not load`);
    if (loaded.ok) checkClosed(kind, loaded.policy.rules);
    if (result.config !== null) assert.deepEqual(Object.keys(parse(result.config) as object), ['upstream']);
  }
}

/** Nothing is opened but models that are Claude's, and nothing that the provider runs by itself. */
function checkClosed(
  kind: string,
  rules: readonly { effect: string; resource: string; patterns: readonly string[] }[],
): void {
  for (const { effect, resource, patterns } of rules.filter((rule) => rule.effect !== 'deny')) {
    assert.equal(effect, 'allow');
    assert.equal(resource, 'model', `${kind}: a translated policy opens what the provider runs`);
    assert.ok(
      patterns.every((pattern) => /^claude[a-z0-9.*-]*$/.test(pattern)),
      `${kind}: a translated policy opens more than Claude`,
    );
  }
}

const KEY = `sk-ant-api03-${'Ab1'.repeat(10)}`;

export const imports: FuzzTarget = {
  name: 'imports',
  parses: 'src/policy/import/*',
  hostile: ['file'],
  seeds: [
    `model_list:\n  - model_name: opus\n    litellm_params: {model: anthropic/claude-opus-5-5, api_key: ${KEY}, rpm: 10, tpm: 1000}\n    model_info: {team_id: research}\n  - {model_name: "*", litellm_params: {model: "anthropic/*"}}\nlitellm_settings: {max_budget: 100, budget_duration: 30d, timezone: Europe/Berlin, default_team_settings: [{team_id: a, max_budget: 5}]}\nrouter_settings: {model_group_alias: {x: opus}}\n`,
    `listen: 1\nupstreams: [{provider: anthropic, api_key: ${KEY}}]\nmanaged:\n  policies:\n    - {match: {groups: [eng]}, cli: {availableModels: [claude-opus-5-5, sonnet]}}\n    - {match: {}, cli: {availableModels: []}}\nadmin: {spend_limits: [{group: eng, monthly: 100}]}\n`,
    `{"strategy":{"mode":"fallback"},"targets":[{"provider":"anthropic","api_key":"${KEY}","override_params":{"model":"claude-opus-5-5"}}],"usage_limits":[{"type":"cost","credit_limit":10,"periodic_reset":"monthly","group_by":["metadata.team"]}],"rate_limits":[{"type":"requests","unit":"rpm","value":10}]}`,
  ],
  tokens: [
    'model_list:',
    'model_name: ',
    'litellm_params: ',
    'model: ',
    'api_key: ',
    KEY,
    'anthropic/',
    'claude-opus-5-5',
    'claude-*',
    '"*"',
    'max_budget: ',
    'budget_duration: ',
    'rpm: ',
    'tpm: ',
    'team_id: ',
    'upstreams:',
    'managed:',
    'policies:',
    'match: ',
    'groups: ',
    'availableModels: ',
    'usage_limits',
    'credit_limit',
    'periodic_reset',
    'group_by',
    'metadata.team',
    'targets',
    'provider',
    '1e999',
    '-1',
    '0.0000001',
    '.inf',
    'null',
    '{',
    '}',
    '[',
    ']',
    ', ',
    ': ',
    '\n',
    '\n  ',
    '- ',
    '&a ',
    '*a',
    '<<: ',
    '__proto__: ',
    'constructor: ',
    '# x',
    '"\\n"',
    '\u202e',
    'os.environ/KEY',
    '$X',
  ],
  run,
};
