import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decision } from '../../src/policy/model.ts';
import { ada, capability, ci, load, model, NOW } from './support.ts';

function decide(text: string, question = model('claude-opus-5-5')): Decision {
  return load(text).policy.decide(question);
}

const TEAMS = 'teams: {payments: {}, research: {}}\n';

test('P8: an empty document denies everything', () => {
  for (const text of ['{}', '# nothing\n', 'organization: acme\n', 'access: []\n', 'models: {allowed: ["*"]}\n']) {
    for (const question of [
      model('claude-opus-5-5'),
      model(''),
      model('claude-opus-5-5', ci),
      capability('web_search'),
    ]) {
      const decision = decide(text, question);
      assert.equal(decision.effect, 'deny', text);
      assert.equal(decision.place, null);
      assert.deepEqual(decision.observed, []);
    }
  }
});

test('P8: nothing allows what no rule names, and the reason says so without naming anybody', () => {
  const decision = decide('access: [{allow: claude-haiku-*, to: everyone}]');
  assert.equal(decision.reason, 'no rule allows claude-opus-5-5 to this person');
  assert.equal(decision.place, null);
  assert.equal(decide('{}', capability('files', ci)).reason, 'no rule allows files to this service');
});

test('P8: the ceiling comes first, and its reason says which models there are', () => {
  const text = 'models: {allowed: [claude-haiku-5-5, claude-sonnet-*]}\naccess: [{allow: "*", to: everyone}]';
  const decision = decide(text);
  assert.equal(decision.effect, 'deny');
  assert.equal(decision.reason, 'models.allowed permits only claude-haiku-5-5, claude-sonnet-*');
  assert.deepEqual(decision.place, { path: 'models.allowed', line: 1, text: 'only claude-haiku-5-5, claude-sonnet-*' });
  assert.equal(decide(text, model('claude-sonnet-5-5')).effect, 'allow');
  assert.equal(decide(text, model('claude-haiku-5-5-20260101')).effect, 'allow');
  const many = `models: {allowed: [${Array.from({ length: 10 }, (_, i) => `m${i}`).join(', ')}]}`;
  assert.equal(decide(many).reason, 'models.allowed permits only m0, m1, m2, m3, m4, m5, m6, m7 and 2 more');
});

test('the ceiling of models is none for capabilities', () => {
  const text = 'models: {allowed: [claude-haiku-5-5]}\nserver_side: [{allow: web_search, to: everyone}]';
  assert.equal(decide(text, capability('web_search')).effect, 'allow');
  assert.equal(decide(text, model('web_search')).effect, 'deny');
});

test('P8: any matching deny wins, then ask, then allow, in every order', () => {
  const entries = [
    '{allow: "*", to: ada@example.com, because: fine}',
    '{ask: claude-opus-*, to: everyone, because: dear}',
    '{deny: claude-opus-5-5, to: team payments, because: no}',
  ];
  const effects = (kept: readonly number[]) =>
    decide(`${TEAMS}access: [${kept.map((i) => entries[i]).join(', ')}]`).effect;
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ]) {
    assert.equal(effects(order), 'deny');
    assert.equal(effects(order.filter((i) => i !== 2)), 'ask');
    assert.equal(effects(order.filter((i) => i === 0)), 'allow');
    assert.equal(effects(order.filter((i) => i === 1)), 'ask');
  }
});

test('P7: a reason names rule, pattern and kind of subject, never a person or a key', () => {
  const rule = (entry: string, question = model('claude-opus-5-5')) =>
    decide(`${TEAMS}access:\n  - ${entry}`, question);
  const denied = rule(
    '{deny: [claude-haiku-*, claude-opus-*], to: [grace@example.com, ada@example.com], because: "no Opus"}',
  );
  assert.equal(denied.reason, 'access[0] denies claude-opus-* to this person');
  assert.equal(denied.because, 'no Opus');
  assert.equal(denied.place?.line, 3);
  assert.equal(denied.place?.text, 'deny claude-haiku-*, claude-opus-* to grace@example.com, ada@example.com');
  assert.equal(rule('{allow: "*", to: team payments}').reason, 'access[0] allows * to team payments');
  assert.equal(rule('{ask: "*", to: everyone}').reason, 'access[0] asks before it allows * to everyone');
  const service = rule('{deny: "*", to: service payments-ci}', model('claude-opus-5-5', ci));
  assert.equal(service.reason, 'access[0] denies * to service payments-ci');
  assert.equal(rule('{deny: "*", to: key key_01cccccccccccccccccccccccc}').reason, 'access[0] denies * to this key');
});

test('control characters of a requested name reach no reason', () => {
  assert.equal(decide('{}', model('a\u001b[2Jb')).reason, 'no rule allows a\\u{1b}[2Jb to this person');
});

test('the first of several denies and of several allows is named', () => {
  const text = 'access: [{deny: x*, to: everyone}, {deny: claude-*, to: everyone}, {deny: "*", to: ada@example.com}]';
  assert.equal(decide(text).place?.path, 'access[1]');
  const allows = 'access: [{allow: "*", to: everyone}, {allow: claude-opus-5-5, to: everyone}]';
  assert.equal(decide(allows).place?.path, 'access[0]');
});

test('a rule applies through its last day in the time zone, and not a millisecond longer', () => {
  const text = 'time_zone: Europe/Berlin\naccess: [{allow: "*", to: everyone, until: 2026-10-25}]';
  // 25 October 2026 has 25 hours in Berlin and ends at 23:00 UTC.
  const end = Date.parse('2026-10-25T23:00:00Z');
  assert.equal(decide(text, model('m', ada, end - 1)).effect, 'allow');
  assert.equal(decide(text, model('m', ada, end)).effect, 'deny');
  const instant = 'access: [{allow: "*", to: everyone}, {deny: "*", to: everyone, until: "2026-10-25T12:00:00Z"}]';
  const noon = Date.parse('2026-10-25T12:00:00Z');
  assert.equal(decide(instant, model('m', ada, noon - 1)).effect, 'deny');
  assert.equal(decide(instant, model('m', ada, noon)).effect, 'allow');
});

test('capabilities are closed unless named, and the largest of the matching bounds holds', () => {
  const text = [
    TEAMS,
    'access: [{allow: "*", to: everyone}]',
    'server_side:',
    '  - {allow: web_search, to: everyone, max_uses: 3}',
    '  - {allow: "web_*", to: team payments, max_uses: 8}',
    '  - {allow: web_search, to: team research}',
    '  - {deny: code_execution, to: everyone}',
    '  - {allow: "*", to: service payments-ci, max_uses: 1}',
  ].join('\n');
  const uses = (name: string, subject = ada) => {
    const { effect, maxUses } = decide(text, capability(name, subject));
    return [effect, maxUses];
  };
  assert.deepEqual(uses('web_search'), ['allow', 8]);
  assert.deepEqual(uses('web_fetch'), ['allow', 8]);
  assert.deepEqual(uses('web_search', { ...ada, teams: [] }), ['allow', 3]);
  assert.deepEqual(uses('web_search', { ...ada, teams: ['payments', 'research'] }), ['allow', null]);
  assert.deepEqual(uses('files'), ['deny', null]);
  assert.deepEqual(uses('files', ci), ['allow', 1]);
  assert.deepEqual(uses('code_execution', ci), ['deny', null]);
});

test('P8: a rule that observes decides nothing and is named where it would have refused', () => {
  const deny = '{deny: "*", to: everyone, mode: observe}';
  const ask = '{ask: "*", to: everyone, mode: observe}';
  const allow = '{allow: "*", to: everyone}';
  const seen = (...entries: string[]) => {
    const { effect, observed } = decide(`access: [${entries.join(', ')}]`);
    return [effect, observed];
  };
  assert.deepEqual(seen(allow, deny), ['allow', [{ code: 'not_permitted', rule: 'access[1]' }]]);
  assert.deepEqual(seen(ask, allow), ['allow', [{ code: 'approval_required', rule: 'access[0]' }]]);
  assert.deepEqual(seen(ask, allow, deny), ['allow', [{ code: 'not_permitted', rule: 'access[2]' }]]);
  assert.deepEqual(seen('{ask: "*", to: everyone}', deny), ['ask', [{ code: 'not_permitted', rule: 'access[1]' }]]);
  assert.deepEqual(seen('{ask: "*", to: everyone}', ask), ['ask', []]);
  assert.deepEqual(seen('{deny: "*", to: everyone}', deny), ['deny', []]);
  assert.deepEqual(seen(deny), ['deny', []]);
  assert.deepEqual(seen('{allow: "*", to: everyone, mode: observe}'), ['deny', []]);
  assert.deepEqual(seen(allow, '{deny: "*", to: everyone, mode: observe, until: 2026-01-01}'), ['allow', []]);
});

test('a bound of a rule that observes is no bound and grants none', () => {
  const text =
    'server_side: [{allow: web_search, to: everyone, max_uses: 2}, {allow: web_search, to: everyone, mode: observe}]';
  assert.equal(decide(text, capability('web_search')).maxUses, 2);
});

test('a policy that observes allows everything and names what would have refused', () => {
  const observed = (text: string, question = model('claude-opus-5-5')) => {
    const decision = decide(`mode: observe\n${text}`, question);
    assert.equal(decision.effect, 'allow');
    assert.equal(decision.place?.path, 'mode');
    assert.equal(decision.place?.line, 1);
    assert.match(decision.reason, /^the policy only observes: /);
    return decision.observed;
  };
  assert.deepEqual(observed(''), [{ code: 'not_permitted', rule: 'access' }]);
  assert.deepEqual(observed('', capability('files')), [{ code: 'not_permitted', rule: 'server_side' }]);
  assert.deepEqual(observed('access: [{deny: "*", to: everyone}]'), [{ code: 'not_permitted', rule: 'access[0]' }]);
  assert.deepEqual(observed('models: {allowed: [x]}'), [{ code: 'not_permitted', rule: 'models.allowed' }]);
  assert.deepEqual(observed('access: [{ask: "*", to: everyone}, {deny: "*", to: everyone, mode: observe}]'), [
    { code: 'approval_required', rule: 'access[0]' },
    { code: 'not_permitted', rule: 'access[1]' },
  ]);
  const allowed = decide('mode: observe\naccess: [{allow: "*", to: everyone}]');
  assert.equal(allowed.place?.path, 'access[0]');
  assert.deepEqual(allowed.observed, []);
});

test('the spelling of the published guide is a ceiling and a rule for everyone', () => {
  const text = '{"allowedModels": ["claude-sonnet-4-5", "claude-haiku-4-5"]}';
  const allowed = decide(text, model('claude-sonnet-4-5-20250929', ci));
  assert.equal(allowed.effect, 'allow');
  assert.equal(allowed.place?.path, 'allowedModels');
  const denied = decide(text, model('claude-opus-4-5'));
  assert.equal(denied.effect, 'deny');
  assert.equal(denied.reason, 'allowedModels permits only claude-sonnet-4-5, claude-haiku-4-5');
  const wider = `${text.slice(0, -1)}, "access": [{"allow": "claude-opus-4-5", "to": "everyone"}]}`;
  assert.equal(decide(wider, model('claude-opus-4-5')).effect, 'deny');
  assert.equal(decide(text, capability('web_search')).effect, 'deny');
});

test('at most eight would-be refusals are named', () => {
  const rules = Array.from({ length: 20 }, () => '{deny: "*", to: everyone, mode: observe}').join(', ');
  const decision = decide(`access: [{allow: "*", to: everyone}, ${rules}]`, model('m', ada, NOW));
  assert.equal(decision.observed.length, 8);
});
