import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled, may, places, translate } from './support.ts';

function budgets(policy: object) {
  return compiled('portkey', JSON.stringify({ usage_limits: [policy] })).budgets.map((line) => {
    return [line.scope, line.only, line.limit, line.period, line.models];
  });
}

test('a target of Anthropic allows the model it pins; without one, every model of Claude, and a note', () => {
  const pinned = compiled('portkey', '{"provider":"anthropic","override_params":{"model":"claude-opus-5-5"}}');
  assert.ok(may(pinned, 'claude-opus-5-5') && !may(pinned, 'claude-haiku-5-5'));
  const open = '{"targets":[{"provider":"anthropic","retry":{"attempts":2}}]}';
  assert.ok(may(compiled('portkey', open), 'claude-haiku-5-5'));
  const noted = places(translate('portkey', open));
  assert.ok(noted.includes('check targets[0]') && noted.includes('untranslated targets[0].retry'));
});

test('P8: other providers, and credentials of which nobody knows the provider, allow nothing', () => {
  for (const target of [
    { provider: 'bedrock', override_params: { model: 'anthropic.claude-opus-5-5' } },
    { provider: 'openai', override_params: { model: 'claude-opus-5-5' } },
    { provider: 'vertex-ai', override_params: { model: 'claude-opus-5-5' } },
    { virtual_key: 'anything' },
    { provider: '@anything' },
    { virtual_key: 'anything', override_params: { model: 'gpt-4o' } },
  ]) {
    const text = JSON.stringify({ targets: [target] });
    assert.equal(compiled('portkey', text).rules.length, 0, text);
    assert.ok(places(translate('portkey', text)).includes('untranslated targets[0]'), text);
  }
});

test('a slug means the provider that the file gives it', () => {
  const text = (provider: string) =>
    JSON.stringify({
      provider: '@main',
      providers: [{ slug: 'main', provider }],
      override_params: { model: '@main/claude-opus-5-5' },
    });
  assert.ok(may(compiled('portkey', text('anthropic')), 'claude-opus-5-5'));
  assert.equal(compiled('portkey', text('bedrock')).rules.length, 0);
});

test('P8: targets behind a condition that a client claims allow nothing', () => {
  const target = (name: string) => ({ name, provider: 'anthropic', override_params: { model: `claude-${name}-5-5` } });
  const strategy = { mode: 'conditional', conditions: [{ query: {} }], default: 'haiku' };
  const policy = compiled('portkey', JSON.stringify({ strategy, targets: [target('opus'), target('haiku')] }));
  assert.ok(may(policy, 'claude-haiku-5-5') && !may(policy, 'claude-opus-5-5'));
  const none = { ...strategy, default: undefined };
  assert.equal(compiled('portkey', JSON.stringify({ strategy: none, targets: [target('opus')] })).rules.length, 0);
});

test('policies of usage count whom they counted', () => {
  const base = { type: 'cost', credit_limit: 10, periodic_reset: 'monthly' };
  const any = [{ key: 'api_key', value: '*' }];
  const by = (key: string) => [{ key }];
  assert.deepEqual(budgets({ ...base, conditions: any, group_by: by('api_key') }), [
    ['key', null, 10e6, 'month', null],
  ]);
  assert.deepEqual(budgets({ ...base, conditions: any, group_by: by('metadata._user') }), [
    ['person', null, 10e6, 'month', null],
  ]);
  assert.deepEqual(budgets({ ...base, conditions: any, group_by: by('metadata.team') }), [
    ['team', null, 10e6, 'month', null],
  ]);
  assert.deepEqual(budgets({ ...base, conditions: any, group_by: by('workspace_id') }), [
    ['organization', null, 10e6, 'month', null],
  ]);
  assert.deepEqual(
    budgets({ ...base, conditions: [{ key: 'model', value: '@a/claude-opus-*' }], group_by: by('workspace_id') }),
    [['organization', null, 10e6, 'month', ['claude-opus-*']]],
  );
  assert.deepEqual(
    budgets({ ...base, conditions: [{ key: 'metadata.team', value: 'Ops' }], group_by: by('metadata.team') }),
    [['team', ['ops'], 10e6, 'month', null]],
  );
  assert.deepEqual(budgets({ ...base, periodic_reset: undefined }), [['organization', null, 10e6, 'lifetime', null]]);
  assert.deepEqual(budgets({ ...base, periodic_reset: 'quarterly' }), [['organization', null, 10e6, 'lifetime', null]]);
});

test('policies that count only some calls, or by something else, write nothing', () => {
  const base = { type: 'cost', credit_limit: 10, periodic_reset: 'monthly' };
  for (const policy of [
    { ...base, conditions: [{ key: 'metadata.region', value: 'eu' }] },
    { ...base, conditions: [{ key: 'api_key', value: '0b2c' }] },
    { ...base, conditions: [{ key: 'provider', value: 'openai' }] },
    { ...base, conditions: [{ key: 'workspace_id', value: '*', excludes: ['w'] }] },
    { ...base, group_by: [{ key: 'constructor' }] },
    { ...base, group_by: [{ key: 'api_key' }, { key: 'metadata._user' }] },
    { ...base, type: 'tokens' },
    { ...base, credit_limit: -3 },
  ]) {
    assert.deepEqual(budgets(policy), [], JSON.stringify(policy));
    const noted = places(translate('portkey', JSON.stringify({ usage_limits: [policy] })));
    assert.ok(noted.some((place) => place.startsWith('untranslated usage_limits[0]')));
  }
});

test('limits of a minute become rates; those of an hour or a day are noted', () => {
  const rates = (limit: object) => compiled('portkey', JSON.stringify({ rate_limits: [limit] })).rates;
  assert.equal(rates({ type: 'requests', unit: 'rpm', value: 30 })[0]?.requests, 30);
  const [tokens] = rates({ type: 'tokens', unit: 'rpm', value: 5000 });
  assert.deepEqual([tokens?.inputTokens, tokens?.outputTokens, tokens?.requests], [5000, 5000, null]);
  for (const unit of ['rph', 'rpd', 'constructor']) assert.deepEqual(rates({ type: 'requests', unit, value: 30 }), []);
  assert.deepEqual(rates({ type: 'requests', unit: 'rpm', value: 0 }), []);
});
