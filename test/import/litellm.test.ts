import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled, may, places, translate } from './support.ts';

const MODELS = `
model_list:
  - { model_name: sonnet, litellm_params: { model: anthropic/claude-sonnet-5-5 } }
  - { model_name: opus, litellm_params: { model: anthropic/claude-opus-5-5 } }
`;

function budgetOf(text: string) {
  const [line] = compiled('litellm', text).budgets;
  return line === undefined ? null : [line.scope, line.limit, line.period];
}

test('only models of the Claude API are allowed; every other deployment is noted', () => {
  const rows = [
    'anthropic/claude-opus-5-5',
    'claude-haiku-5-5',
    'bedrock/anthropic.claude-opus-4-8-v1:0',
    'bedrock/converse/us.anthropic.claude-sonnet-5-5',
    'vertex_ai/claude-sonnet-4-6@20260101',
    'azure_ai/claude-fable-5',
    'openrouter/anthropic/claude-fable-5-1',
    'openai/gpt-4o',
    'gemini/gemini-pro',
    '*',
  ];
  const text = JSON.stringify({
    model_list: rows.map((model) => ({ model_name: model, litellm_params: { model } })),
  });
  const policy = compiled('litellm', text);
  assert.deepEqual(policy.ceiling?.patterns, ['claude-opus-5-5', 'claude-haiku-5-5']);
  for (const model of ['claude-opus-5-5', 'claude-haiku-5-5']) assert.ok(may(policy, model), model);
  for (const model of ['claude-fable-5', 'claude-sonnet-4-6', 'gpt-4o']) assert.ok(!may(policy, model), model);
  const noted = places(translate('litellm', text)).filter((place) => /^untranslated model_list\[\d\]$/.test(place));
  assert.equal(noted.length, 8);
});

test('custom_llm_provider decides, and a wildcard says that it is one', () => {
  const text = `
model_list:
  - { model_name: a, litellm_params: { model: claude-opus-5-5, custom_llm_provider: bedrock } }
  - { model_name: b, litellm_params: { model: anthropic/claude-haiku-*, custom_llm_provider: anthropic } }
`;
  const policy = compiled('litellm', text);
  assert.ok(!may(policy, 'claude-opus-5-5'));
  assert.ok(may(policy, 'claude-haiku-9'));
  assert.ok(places(translate('litellm', text)).includes('check model_list[1].litellm_params.model'));
});

test('P8: no model list allows nothing', () => {
  const policy = compiled('litellm', 'litellm_settings: { max_budget: 5 }');
  assert.equal(policy.rules.length, 0);
  assert.ok(!may(policy, 'claude-opus-5-5'));
});

test('P8: lists of models restrict, by the names that clients used; of several only what all hold is allowed', () => {
  const restricted = compiled(
    'litellm',
    `${MODELS}litellm_settings: { default_internal_user_params: { models: [sonnet] } }`,
  );
  assert.ok(may(restricted, 'claude-sonnet-5-5') && !may(restricted, 'claude-opus-5-5'));
  const both = compiled(
    'litellm',
    `${MODELS}litellm_settings:
  default_internal_user_params: { models: [sonnet, opus] }
  default_key_generate_params: { models: [opus] }`,
  );
  assert.ok(!may(both, 'claude-sonnet-5-5') && may(both, 'claude-opus-5-5'));
  for (const all of ['[]', '["*"]', '[all-proxy-models]']) {
    const open = compiled('litellm', `${MODELS}litellm_settings: { default_internal_user_params: { models: ${all} } }`);
    assert.ok(may(open, 'claude-sonnet-5-5') && may(open, 'claude-opus-5-5'), all);
  }
});

test('P8: people without models of their own get what a team has, and nobody else does', () => {
  const policy = compiled(
    'litellm',
    `${MODELS}litellm_settings:
  default_internal_user_params: { models: [no-default-models] }
  default_team_settings: [{ team_id: payments, models: [opus] }]`,
  );
  assert.ok(!may(policy, 'claude-opus-5-5') && !may(policy, 'claude-sonnet-5-5'));
  assert.ok(may(policy, 'claude-opus-5-5', ['payments']) && !may(policy, 'claude-sonnet-5-5', ['payments']));
});

test('P8: a model of one team stays with it, unless another deployment offers it to everybody', () => {
  const own = `${MODELS}  - { model_name: f, litellm_params: { model: anthropic/claude-fable-5 }, model_info: { team_id: Lab A } }
  - { model_name: o, litellm_params: { model: anthropic/claude-opus-5-5 }, model_info: { team_id: Lab A } }
  - { model_name: b, litellm_params: { model: anthropic/claude-haiku-5-5 }, model_info: { blocked: true } }
`;
  const policy = compiled('litellm', own);
  assert.ok(!may(policy, 'claude-fable-5') && may(policy, 'claude-fable-5', ['lab-a']));
  assert.ok(may(policy, 'claude-opus-5-5'));
  assert.ok(!may(policy, 'claude-haiku-5-5'));
});

test('durations become the calendar period that never allows more', () => {
  const cases: [duration: string, period: string, noted: boolean][] = [
    ['24h', 'day', false],
    ['1d', 'day', false],
    ['30s', 'day', true],
    ['12h', 'day', true],
    ['7d', 'week', true],
    ['3d', 'week', true],
    ['30d', 'month', true],
    ['1mo', 'month', true],
    ['10d', 'month', true],
    ['31d', 'lifetime', true],
    ['2mo', 'lifetime', true],
    ['soon', 'lifetime', true],
  ];
  for (const [duration, period, noted] of cases) {
    const text = `litellm_settings: { max_budget: 12.5, budget_duration: ${duration} }`;
    assert.deepEqual(budgetOf(text), ['organization', 12_500_000, period], duration);
    const found = places(translate('litellm', text)).includes('changed litellm_settings.budget_duration');
    assert.equal(found, noted, duration);
  }
  assert.deepEqual(budgetOf('litellm_settings: { max_budget: 0 }'), ['organization', 0, 'lifetime']);
  assert.deepEqual(budgetOf('litellm_settings: { max_budget: 1e-6, budget_duration: 1d }'), ['organization', 1, 'day']);
  assert.deepEqual(budgetOf('litellm_settings: { max_budget: "5", budget_duration: 1d }'), [
    'organization',
    5e6,
    'day',
  ]);
});

test('an amount that no budget can have is noted and writes none', () => {
  for (const amount of ['-1', '.inf', '.nan', '1e300', 'lots', '[1]']) {
    const text = `litellm_settings: { max_budget: ${amount}, budget_duration: 1d }`;
    assert.equal(budgetOf(text), null, amount);
    assert.ok(
      places(translate('litellm', text)).some((place) => place.startsWith('untranslated litellm_settings.max_budget')),
    );
  }
});

test('of two budgets for the same callers and period the tighter one stays', () => {
  const text = `litellm_settings:
  default_internal_user_params: { max_budget: 90, budget_duration: 30d }
  max_internal_user_budget: 40
  internal_user_budget_duration: 1mo`;
  assert.deepEqual(budgetOf(text), ['person', 40_000_000, 'month']);
  assert.deepEqual(budgetOf(text.replace('40', '140')), ['person', 90_000_000, 'month']);
});

test('prices a token become prices a million tokens, exactly; zero is no price', () => {
  const price = (info: string) =>
    compiled(
      'litellm',
      `model_list: [{ model_name: a, litellm_params: { model: anthropic/claude-opus-5-5 }, model_info: { ${info} } }]`,
    ).prices.map(({ usd }) => usd);
  assert.deepEqual(price('input_cost_per_token: 0.000003, output_cost_per_token: 1.5e-05'), [
    { input: '3', output: '15' },
  ]);
  assert.deepEqual(price('cache_creation_input_token_cost_above_1hr: 6e-6, cache_read_input_token_cost: 3e-7'), [
    { cache_write_1h: '6', cache_read: '0.3' },
  ]);
  assert.deepEqual(price('input_cost_per_token: 1.234e-13'), [], 'finer than a price can be');
  assert.deepEqual(price('input_cost_per_token: 1.2e-13'), [{ input: '0.00000012' }]);
  assert.deepEqual(price('input_cost_per_token: 0, output_cost_per_token: 0'), []);
});

test('rates are for each person, each key and each model as they were', () => {
  const text = `
model_list:
  - { model_name: a, litellm_params: { model: anthropic/claude-opus-5-5, rpm: 100, tpm: 5000 } }
  - { model_name: a, litellm_params: { model: anthropic/claude-opus-5-5, rpm: 80 } }
litellm_settings:
  default_internal_user_params: { rpm_limit: 60 }
  default_key_generate_params: { rpm_limit: 9, max_parallel_requests: 3 }
  upperbound_key_generate_params: { rpm_limit: 20 }
`;
  const lines = compiled('litellm', text).rates.map((line) => {
    return [line.scope, line.models, line.requests, line.inputTokens, line.outputTokens, line.concurrent];
  });
  assert.deepEqual(lines, [
    ['organization', ['claude-opus-5-5'], 80, 5000, 5000, null],
    ['person', null, 60, null, null, null],
    ['key', null, 9, null, null, 3],
  ]);
});
