import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { problems } from './support.ts';

const TEAMS = 'teams: {payments: {}, Research: {}}\n';

test('P8: a team that nobody described is a fault with a suggestion, wherever it is named', () => {
  for (const entry of [
    'access: [{deny: "*", to: team payment}]',
    'access: [{allow: "*", to: [everyone, team payment]}]',
    'server_side: [{deny: files, to: team payment}]',
    'rates: [{for: team payment, concurrent: 1}]',
    'budgets: [{for: team payment, limit: 1 USD}]',
    'budgets: [{each: team, limit: 1 USD, except: {payment: 2 USD}}]',
    'retention: {content: {team payment: full}}',
  ]) {
    const [only, ...more] = problems(TEAMS + entry);
    assert.match(
      only ?? '',
      /^p\.yaml:2:\d+: .*: names a team that is not under teams\. Did you mean "payments"\?$/,
      entry,
    );
    assert.deepEqual(more, [], entry);
  }
});

test('faults stand at their place, and say what to write', () => {
  for (const [text, ...expected] of [
    ['acess: []', '1: acess: unknown key. Did you mean "access"?'],
    ['access: [{allow: "*"}]', '1: access[0].to: is required.'],
    ['access: [{to: everyone}]', '1: access[0]: write exactly one of allow, ask and deny.'],
    ['access: [{allow: a1, deny: a2, to: everyone}]', '1: access[0].deny: write exactly one of allow, ask and deny.'],
    [
      'server_side: [{ask: files, to: everyone}]',
      '1: server_side[0]: write exactly one of allow and deny.',
      '1: server_side[0].ask: unknown key.',
    ],
    [
      'server_side: [{deny: files, to: everyone, max_uses: 1}]',
      '1: server_side[0].max_uses: belongs to an allow; what is denied has no uses.',
    ],
    [
      'allowedModels: [a1]\nmodels: {allowed: [b1]}',
      '1: allowedModels: says the same as models.allowed; write one of them.',
    ],
    ['models: {aliases: {a: [b], b: c1}}', '1: models.aliases.a: an alias cannot name an alias; write the models out.'],
    [
      'rates: [{each: person, for: organization, concurrent: 1}]',
      '1: rates[0].for: write exactly one of each and for.',
    ],
    [
      'rates: [{for: everyone, concurrent: 1}]',
      '1: rates[0].for: write organization, team NAME, person EMAIL, an e-mail address, service NAME, key key_…, per_…, svc_… or model NAME.',
    ],
    [
      'rates: [{each: key, requests: 60}]',
      '1: rates[0].requests: write a count a minute, such as "60/min", "200k/min" or "2M/min".',
    ],
    [
      'budgets: [{each: person, limit: 3 USD/day, except: {ada@example.com: 3 USD/week}}]',
      '1: budgets[0].except."ada@example.com": must be of the same period as the limit.',
    ],
    [
      'budgets: [{each: person, limit: 3 USD/day, except: {ada: 3 USD/day}}]',
      '1: budgets[0].except.ada: write an e-mail address or per_….',
    ],
    [
      'budgets: [{for: ada@example.com, limit: 3 USD/day, except: {payments: 3 USD/day}}]',
      '1: budgets[0].except.payments: belongs to `each`; write an entry of its own.',
    ],
    [
      'prices: [{models: a1, input: 1, from: 2026-01-02, until: 2026-01-01}]',
      '1: prices[0].until: must be later than from.',
    ],
    ['teams: {a: {}, A: {}}', '1: teams.A: is given twice: names of teams are compared in lower case.'],
    [
      'retention: {content: {ada@example.com: full, person ADA@example.com: none}}',
      '1: retention.content."person ADA@example.com": is given twice: names are compared in lower case.',
    ],
    [
      'access: [{allow: a1, to: everyone, because: ask ada@example.com}]',
      '1: access[0].because: stays in the audit trail for good: no e-mail address in it.',
    ],
  ] as const) {
    // Whether a fault stands at a key or at its value is the loader's own test; here the line and the words count.
    const got = problems(text).map((line) => line.replace(/^p\.yaml:(\d+):\d+/, '$1'));
    assert.deepEqual(got, expected, text);
  }
});

test('one rate or budget counts one kind: of several, the first stranger is the fault', () => {
  const fault = 'is of another kind than the first; write an entry for each kind.';
  for (const [targets, index] of [
    ['[team payments, ada@example.com]', 1],
    ['[organization, team payments]', 1],
    ['[team payments, team research, organization]', 2],
    ['[model claude-opus-5, service ci]', 1],
  ] as const) {
    const [only = '', ...more] = problems(`${TEAMS}budgets: [{for: ${targets}, limit: 1 USD}]`);
    assert.ok(only.endsWith(` budgets[0].for[${index}]: ${fault}`), only);
    assert.deepEqual(more, []);
  }
});

test('problems quote no value of the file', () => {
  const secret = 'sk-ant-hunter2';
  for (const text of [
    `access: [{allow: "${secret} ?", to: "${secret}"}]`,
    `time_zone: ${secret}`,
    `mode: ${secret}`,
    `budgets: [{each: ${secret}, limit: ${secret}, warn: [${secret}]}]`,
    `prices: [{models: a1, discount: ${secret}}]`,
    `access: [{deny: "*", to: team ${secret}}]`,
  ]) {
    assert.ok(!problems(text).join('\n').includes('hunter2'), text);
  }
});

test('problems in both stages are told, at most fifty, and none of the policy is handed out', () => {
  const entries = Array.from({ length: 60 }, () => '{deny: "*", to: team nowhere}').join(', ');
  const loaded = loadPolicy({ text: `access: [${entries}]`, file: 'p.yaml' });
  assert.ok(!loaded.ok);
  assert.equal(loaded.problems.length, 50);
});
