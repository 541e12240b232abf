import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { loadPolicy } from '../../src/policy/load.ts';
import { fieldsIn } from '../../src/steps/carry/body.ts';
import { ada, ci, NOW } from '../policy/support.ts';
import { imports } from './targets/imports.ts';
import type { Value } from './targets/json-reference.ts';
import { allows, documentOf } from './targets/policy-reference.ts';
import { forwardedSoFar, routing } from './targets/routing.ts';
import { askedIn } from './targets/server-side-reference.ts';

/** The same properties as the fuzz targets, on inputs whose structure is right: what mutation of bytes reaches too rarely. */

const RUNS = { seed: 20_261_125, numRuns: 150 };
const some = <T>(...values: T[]): fc.Arbitrary<T[]> =>
  fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });

after(() => routing.close?.());

const patterns = some(
  '*',
  'claude-*',
  'claude-opus-*',
  'claude-opus-5',
  'claude-opus-5-20260101',
  '*-5',
  'everyday',
  'small',
);
const to = some('everyone', 'team payments', ada.name ?? '', ada.id, 'service payments-ci', ci.id, `key ${ada.key}`);
const entry = fc
  .record(
    {
      effect: fc.constantFrom('allow', 'allow', 'deny', 'ask'),
      models: patterns,
      to,
      mode: fc.constantFrom('enforce', 'enforce', 'observe'),
      until: fc.constantFrom('2020-01-01', '2030-01-01T00:00:00Z'),
    },
    { requiredKeys: ['effect', 'models', 'to'] },
  )
  .map(({ effect, models, ...rest }) => ({ [effect]: models, ...rest }));
const document = fc.record(
  {
    access: fc.array(entry, { maxLength: 5 }),
    models: fc.record(
      { allowed: patterns, aliases: fc.constant({ everyday: ['claude-haiku-*', 'small'] }) },
      { requiredKeys: ['aliases'] },
    ),
  },
  { requiredKeys: ['models'] },
);
const asked = fc.tuple(
  fc.constantFrom(ada, ci, { ...ada, teams: [], team: null }),
  fc.constantFrom('claude-opus-5', 'claude-opus-5-20260101', 'claude-haiku-4', 'small', 'everyday', 'large'),
);

test('P8: a policy allows exactly what a plain reading of the document allows', () => {
  const seen = { allowed: 0, refused: 0 };
  fc.assert(
    fc.property(document, fc.array(asked, { minLength: 4, maxLength: 8 }), (written, questions) => {
      const text = JSON.stringify({ teams: { payments: {} }, ...written });
      const loaded = loadPolicy({ text, file: 'p.json', now: NOW });
      assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.problems));
      for (const [subject, name] of questions) {
        const question = { subject, resource: { kind: 'model', name } as const, now: NOW };
        const allowed: boolean = loaded.policy.decide(question).effect === 'allow';
        assert.equal(allowed, allows(documentOf(text), question), `${name}: ${text}`);
        seen[allowed ? 'allowed' : 'refused']++;
      }
    }),
    RUNS,
  );
  assert.ok(seen.allowed > 40 && seen.refused > 40, JSON.stringify(seen));
});

const type = fc.constantFrom(
  'custom',
  'bash_20250124',
  'web_search_20260318',
  'code_execution',
  'mcp_toolset',
  'new_tool',
);
const source = fc.record({ type: fc.constantFrom('url', 'file', 'base64', 'text') });
const block = fc.record(
  { type: fc.constantFrom('text', 'image', 'document', 'tool_result'), source },
  { requiredKeys: ['type'] },
);
const nested = fc.tuple(block, fc.array(block, { maxLength: 2 })).map(([outer, content]) => ({ ...outer, content }));
const body = fc.record(
  {
    model: fc.constantFrom('claude-opus-5-5', 'a/b@c:d'),
    max_tokens: fc.nat(),
    stream: fc.boolean(),
    tools: fc.array(fc.record({ max_uses: fc.nat(9), name: fc.string(), type }, { requiredKeys: ['name'] }), {
      maxLength: 4,
    }),
    messages: fc.array(fc.record({ content: fc.oneof(fc.string(), fc.array(nested, { maxLength: 3 })) }), {
      maxLength: 3,
    }),
    fallbacks: fc.array(fc.record({ model: fc.constantFrom('b', 'c') }), { maxLength: 2 }),
    mcp_servers: fc.array(fc.constant({ url: 'x' }), { maxLength: 1 }),
    container: fc.constantFrom(null, 'c'),
  },
  { requiredKeys: ['model'] },
);

test('P4: what a request asks of the provider is seen, whatever stands before it and behind it', () => {
  let capabilities = 0;
  fc.assert(
    fc.property(body, (request) => {
      const fields = fieldsIn(Buffer.from(JSON.stringify(request)));
      const expected = askedIn(request as unknown as { [key: string]: Value });
      const names = (list: readonly { capability: string }[]): string[] =>
        [...new Set(list.map(({ capability }) => capability))].sort();
      assert.deepEqual(names(fields.serverSide.asked), names(expected.capabilities));
      for (const { capability, uses } of expected.capabilities) {
        assert.ok(fields.serverSide.asked.some((one) => one.capability === capability && one.uses === uses));
      }
      assert.deepEqual([...fields.serverSide.models].sort(), [...new Set(expected.models)].sort());
      if (expected.opaque) assert.ok(fields.serverSide.opaque);
      capabilities += expected.capabilities.length;
    }),
    RUNS,
  );
  assert.ok(capabilities > 100);
});

const KEYS = [
  'model_list',
  'model_name',
  'litellm_params',
  'model',
  'api_key',
  'api_base',
  'model_info',
  'team_id',
  'litellm_settings',
  'general_settings',
  'max_budget',
  'budget_duration',
  'rpm_limit',
  'tpm_limit',
  'models',
  'default_team_settings',
  'default_key_generate_params',
  'router_settings',
  'model_group_alias',
  'upstreams',
  'managed',
  'policies',
  'match',
  'groups',
  'cli',
  'availableModels',
  'admin',
  'targets',
  'provider',
  'override_params',
  'usage_limits',
  'rate_limits',
  'credit_limit',
  'type',
  'unit',
  'value',
  'periodic_reset',
  'group_by',
  'conditions',
  'strategy',
  'mode',
  'virtual_keys',
  '__proto__x',
  'constructor',
];
const leaf = fc.oneof(
  fc.constantFrom<Value>(
    null,
    true,
    0,
    -1,
    1e21,
    5e-7,
    100,
    'anthropic',
    'anthropic/claude-opus-5-5',
    'claude-*',
    '*',
    'monthly',
    '30d',
    'rpm',
    'tokens',
    'cost',
    'fallback',
    'os.environ/K',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const { tree } = fc.letrec<{ tree: Value }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 5 }),
  ),
}));
const config = fc.dictionary(fc.constantFrom(...KEYS), tree, { minKeys: 1, maxKeys: 6 });

test('P8: a translated configuration loads and opens nothing but models of Claude, whatever its settings hold', () => {
  fc.assert(
    fc.property(config, (value) => imports.run(Buffer.from(JSON.stringify(value))) as undefined),
    { ...RUNS, numRuns: 250 },
  );
});

const segment = fc.constantFrom(
  'v1',
  'messages',
  'models',
  'count_tokens',
  'files',
  '',
  '.',
  '..',
  '%2e%2e',
  'a',
  'a%2fb',
  '%2e.',
  '..;',
  'V1',
  '%761',
  '%00',
);
const start = fc.constantFrom(
  '/v1/models',
  '/v1/models/a',
  '/v1/models/',
  '/v1',
  'http://127.0.0.1/v1/models',
  'http://user@example.com:80',
);
const step = fc.tuple(fc.constantFrom('/', '/', '', '//', '\\', '%2f', '%5c'), segment);
const target = fc.tuple(
  fc.constantFrom('GET', 'GET', 'GET', 'POST', 'PUT', 'HEAD', 'OPTIONS'),
  start,
  fc.array(step, { maxLength: 3 }),
  fc.constantFrom('', '?beta=true', '?/../x', '#x', '??', '?a=%00', ';b'),
);

test('P4: no path leads to another place at the provider than one of ours', async () => {
  const line = target.map(([method, origin, path, query]) => `${method} ${origin}${path.flat().join('')}${query}`);
  await fc.assert(
    fc.asyncProperty(line, async (text) => routing.run(Buffer.from(text))),
    { ...RUNS, numRuns: 400 },
  );
  assert.ok(forwardedSoFar() > 30, 'hardly anything reached the provider, so hardly anything was checked');
});
