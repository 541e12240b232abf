import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sensitiveChanges } from '../../src/policy/sensitive.ts';
import { ADA_ID, load, PROVIDERS } from './support.ts';

/** `kind path` of each change, sorted, each once. */
function changes(before: string, after: string): string[] {
  const found = sensitiveChanges(load(before).policy, load(after).policy);
  return [...new Set(found.map(({ kind, place }) => `${kind} ${place.path}`))].sort();
}

type Case = readonly [before: string, after: string, ...expected: string[]];

function check(cases: readonly Case[], head = ''): void {
  for (const [before, after, ...expected] of cases) {
    assert.deepEqual(changes(head + before, head + after), expected, `${before}\n→ ${after}`);
  }
}

const TEAMS = 'teams: {a: {}, b: {}}\n';

test('the first policy needs nobody else', () => {
  assert.deepEqual(sensitiveChanges(null, load('mode: observe').policy), []);
});

test('P8: a deny or an ask that is removed, narrowed, shortened or softened is a weaker control', () => {
  const weaker = 'controls access[0]';
  const deny = 'access: [{deny: claude-*, to: [team a, everyone]}]';
  const ask = 'access: [{ask: claude-*, to: everyone}]';
  check(
    [
      [deny, 'access: []', weaker],
      [deny, 'access: [{deny: claude-opus-*, to: everyone}]', weaker],
      [deny, 'access: [{deny: [claude-opus-*, claude-sonnet-*], to: everyone}]', weaker],
      [deny, 'access: [{deny: claude-*, to: team a}]', weaker],
      [deny, 'access: [{ask: claude-*, to: everyone}]', weaker],
      [deny, 'access: [{allow: claude-*, to: everyone}]', weaker],
      [deny, 'access: [{deny: claude-*, to: everyone, until: 2030-01-01}]', weaker],
      [deny, 'access: [{deny: claude-*, to: everyone, mode: observe}]', weaker],
      [deny, 'server_side: [{deny: "*", to: everyone}]', weaker],
      [ask, 'access: [{allow: claude-*, to: everyone}]', weaker],
      [ask, 'access: [{ask: claude-opus-*, to: everyone}]', weaker],
      ['server_side: [{deny: files, to: everyone}]', 'access: []', 'controls server_side[0]'],
      [
        'access: [{deny: a1, to: everyone, until: 2030-01-02}]',
        'access: [{deny: a1, to: everyone, until: 2030-01-01}]',
        weaker,
      ],
    ],
    TEAMS,
  );
});

test('what denies as much or more is no weaker control, however it is written', () => {
  check(
    [
      ['access: [{deny: claude-*, to: team a}]', 'access: [{deny: "*", to: everyone}]'],
      ['access: [{ask: claude-*, to: team a}]', 'access: [{deny: claude-*, to: team a}]'],
      [
        'access: [{deny: [a1, b1], to: [team a, team b]}]',
        'access: [{deny: b1, to: [team b, team a]}, {deny: a1, to: team a}, {deny: a1, to: team b}]',
      ],
      ['access: [{deny: a1, to: everyone, until: 2030-01-01}]', 'access: [{deny: a1, to: everyone}]'],
      [
        'models: {aliases: {x: [a1, b1]}}\naccess: [{deny: x, to: everyone}]',
        'access: [{deny: [b1, a1], to: everyone, because: "as before"}]',
      ],
      ['access: [{deny: a1, to: everyone}, {deny: a1, to: everyone}]', 'access: [{deny: a1, to: everyone}]'],
      ['access: [{deny: a1, to: everyone, mode: observe}]', 'access: []'],
      ['access: []', 'access: [{allow: "*", to: everyone}]'],
      ['access: [{allow: a1, to: team a}]', 'access: [{allow: "*", to: everyone}, {deny: a2, to: team b}]'],
    ],
    TEAMS,
  );
});

test('P8: a wider ceiling is a weaker control', () => {
  const ceiling = 'models: {allowed: [claude-sonnet-*, claude-haiku-5]}';
  check([
    [ceiling, 'models: {allowed: [claude-*]}', 'controls models.allowed'],
    [ceiling, 'models: {allowed: [claude-sonnet-*, claude-haiku-5, gpt-5]}', 'controls models.allowed'],
    [ceiling, 'access: []', 'controls models.allowed'],
    [ceiling, 'allowedModels: ["*"]', 'controls allowedModels'],
    [ceiling, 'models: {allowed: [claude-haiku-5]}'],
    [ceiling, 'models: {allowed: [claude-haiku-5, claude-haiku-5-20260101, claude-sonnet-5]}'],
    ['access: []', ceiling],
  ]);
});

test('P8: a policy that comes to observe, or takes unknown prices, is a weaker control', () => {
  check([
    ['mode: enforce', 'mode: observe', 'controls mode'],
    ['mode: observe', 'mode: enforce'],
    [
      'models: {unknown_price: refuse}',
      'models: {unknown_price: pessimistic}',
      'billing models.unknown_price',
      'controls models.unknown_price',
    ],
    ['models: {unknown_price: pessimistic}', 'models: {unknown_price: refuse}', 'billing models.unknown_price'],
  ]);
});

test('P8: a capability that opens is a weaker control', () => {
  const one = 'server_side: [{allow: web_search, to: team a, max_uses: 5, until: 2030-01-01}]';
  const opened = 'controls server_side[0]';
  check(
    [
      ['access: []', one, opened],
      [one, 'server_side: [{allow: web_search, to: team a, max_uses: 6, until: 2030-01-01}]', opened],
      [one, 'server_side: [{allow: web_search, to: team a, until: 2030-01-01}]', opened],
      [one, 'server_side: [{allow: web_search, to: team a, max_uses: 5, until: 2030-01-02}]', opened],
      [one, 'server_side: [{allow: web_search, to: team a, max_uses: 5}]', opened],
      [one, 'server_side: [{allow: "web_*", to: team a, max_uses: 5, until: 2030-01-01}]', opened],
      [one, 'server_side: [{allow: web_search, to: everyone, max_uses: 5, until: 2030-01-01}]', opened],
      [one, 'server_side: [{allow: web_search, to: team a, max_uses: 4, until: 2029-01-01}]'],
      [one, 'server_side: [{allow: web_search, to: team b, mode: observe}]'],
      [one, 'access: []'],
    ],
    TEAMS,
  );
});

test('P8: a rate that is gone, higher or counts less is a weaker control', () => {
  const rate = 'rates: [{each: person, requests: 60/min, concurrent: 5}]';
  const weaker = 'controls rates[0]';
  const named = 'rates: [{for: [team a, team b], models: [claude-opus-*, claude-sonnet-*], output_tokens: 1k/min}]';
  const narrower = (text: string) => named.replace('[claude-opus-*, claude-sonnet-*]', text);
  check(
    [
      [rate, 'rates: []', weaker],
      [rate, 'rates: [{each: person, requests: 61/min, concurrent: 5}]', weaker],
      [rate, 'rates: [{each: person, requests: 60/min}]', weaker],
      [rate, 'rates: [{each: person, requests: 60/min, concurrent: 5, mode: observe}]', weaker],
      [rate, 'rates: [{each: person, models: "*", requests: 60/min, concurrent: 5}]', weaker],
      [rate, 'rates: [{each: key, requests: 60/min, concurrent: 5}]', weaker],
      [named, named.replace('[team a, team b]', 'team a'), weaker],
      [named, narrower('claude-opus-*'), weaker],
      // Two sums of 1k are more than one.
      [named, `${narrower('claude-opus-*').slice(0, -1)}, ${narrower('claude-sonnet-*').slice(8)}`, weaker],
      ['rates: [{for: model a1, requests: 5/min}]', 'rates: [{for: model b1, requests: 5/min}]', weaker],
      [rate, 'rates: [{each: person, concurrent: 4}, {each: person, requests: 59/min, input_tokens: 1/min}]'],
      [named, named.replace('[team a, team b]', '[team b, team a]')],
      [named, 'rates: [{each: team, output_tokens: 1k/min}]'],
      [named, narrower('claude-*')],
      ['rates: [{for: model a1, requests: 5/min}]', 'rates: [{each: model, requests: 5/min}]'],
      ['rates: [{each: person, requests: 5/min, mode: observe}]', 'rates: []'],
    ],
    TEAMS,
  );
});

test('P8: a strict budget that is gone, higher, an estimate, or begins anew is a weaker control', () => {
  const weaker = 'controls budgets[0]';
  const budget =
    'budgets: [{each: person, limit: 100 USD/month, hold: strict, except: {ada@example.com: 50 USD/month}}]';
  const named = 'budgets: [{for: [team a, team b], limit: 100 USD/month, hold: strict}]';
  check(
    [
      [budget, 'budgets: []', weaker],
      [budget, budget.replace('100', '101'), weaker],
      [budget, budget.replace('strict', 'estimate'), weaker],
      [budget, budget.replace('hold: strict', 'hold: strict, mode: observe'), weaker],
      [budget, budget.replace('50 USD', '51 USD'), weaker],
      [budget, budget.replace(', except: {ada@example.com: 50 USD/month}', ''), weaker],
      [budget, budget.replace('ada@example.com: 50', 'eve@example.com: 50'), weaker],
      [budget, budget.replace('except: {', 'except: {eve@example.com: 200 USD/month, '), weaker],
      // Of somebody named by address and by id, the id's exception counts.
      [budget, budget.replace('except: {', `except: {${ADA_ID}: 90 USD/month, `), weaker],
      [budget, budget.replaceAll('/month', '/week'), weaker],
      [budget, budget.replaceAll('/month', '/day'), weaker],
      // Spending is found again by scope, models and period: another set of models begins at nothing.
      [budget, budget.replace('limit: 100', 'models: "*", limit: 100'), weaker],
      [named, 'budgets: [{each: team, limit: 100 USD/month, hold: strict}]', weaker],
      [named, named.replace('[team a, team b]', 'team a'), weaker],
      [`time_zone: UTC\n${budget}`, `time_zone: Europe/Berlin\n${budget}`, 'controls time_zone'],
      [budget, budget.replace('100', '99')],
      [budget, budget.replace('except: {', 'except: {eve@example.com: 20 USD/month, ')],
      [
        named,
        'budgets: [{for: team b, limit: 100 USD/month, hold: strict}, {for: team a, limit: 9 USD/month, hold: strict}]',
      ],
      ['budgets: [{each: person, limit: 1 USD/day}]', 'budgets: []'],
      ['budgets: [{each: person, limit: 1 USD/day, hold: strict, mode: observe}]', 'budgets: []'],
    ],
    TEAMS,
  );
});

test('who leaves a team that is bound, or joins one that is open, is a weaker control', () => {
  const members = (a: string, b: string) => `teams: {a: {members: [${a}]}, b: {members: [${b}]}}\n`;
  const [one, none, moved] = [members('ada@example.com', ''), members('', ''), members('', 'ada@example.com')];
  const both = members('ada@example.com', 'ada@example.com');
  const with_ = (teams: string, rest: string) => teams + rest;
  const rule = (teams: string, rest: string, next = rest): [string, string] => [with_(one, rest), with_(teams, next)];
  const left = 'controls teams';
  check([
    [...rule(none, 'access: [{deny: a1, to: team a}]'), left],
    [...rule(none, 'access: [{ask: a1, to: team a}]'), left],
    [...rule(none, 'rates: [{for: team a, requests: 1/min}]'), left],
    [...rule(none, 'rates: [{each: team, requests: 1/min}]'), left],
    [...rule(moved, 'budgets: [{for: team a, limit: 1 USD, hold: strict}]'), left],
    [...rule(both, 'budgets: [{for: team a, limit: 1 USD, hold: strict}]'), left],
    [...rule(both, 'budgets: [{each: team, limit: 1 USD, hold: strict, except: {b: 5 USD}}]'), left],
    [...rule(both, 'server_side: [{allow: files, to: team b}]'), left],
    [...rule(both, 'budgets: [{each: team, limit: 1 USD, hold: strict}]')],
    [...rule(none, 'access: [{allow: a1, to: team a}]')],
    [...rule(none, 'budgets: [{for: team a, limit: 1 USD}]')],
    [...rule(both, 'access: [{deny: a1, to: team a}]')],
    [...rule(both, 'access: [{allow: a1, to: team b}]')],
    [members('ada@example.com, eve@example.com', ''), members('eve@example.com, ada@example.com', '')],
  ]);
  const group = (members_: string) =>
    `${PROVIDERS}teams: {a: {members: [${members_}]}}\naccess: [{deny: a1, to: team a}]`;
  check([
    [group('group okta/x, group okta/y'), group('group okta/y'), left],
    [group('group okta/x'), group('group okta/X'), left],
    [group('group okta/x'), group('group Okta/x, group okta/y')],
  ]);
});

test('more content that is kept is found, of whomever and however it is written', () => {
  const of = (content: string) => `retention: {content: {${content}}}`;
  const more = 'content retention.content';
  check(
    [
      ['access: []', of('default: full'), more],
      ['access: []', of('team a: full'), more],
      ['access: []', of('ada@example.com: full'), more],
      [of('default: full, team a: none'), of('default: full'), more],
      [of('default: full, team a: none'), of('default: full, team a: none, ada@example.com: full'), more],
      [of('team a: full, ada@example.com: none'), of('team a: full'), more],
      [of('team a: full'), of('team b: full'), more],
      [of('team a: full, service ci: full'), of('team a: full')],
      [of('default: full'), of('default: none')],
      [of('default: full'), of('default: full, team a: none')],
      [of('default: full, team a: full'), of('default: full')],
      [of('team a: full, team b: none'), of('team b: none, team a: full, default: none')],
      [of('default: none'), of('team a: none')],
    ],
    TEAMS,
  );
  const grouped = (content: string) => `${PROVIDERS}retention: {content: {${content}}}`;
  check([
    [grouped('default: full, group okta/x: none'), grouped('default: full'), more],
    [grouped('default: full, group okta/x: none'), grouped('default: full, group okta/X: none'), more],
    [grouped('group okta/x: full'), grouped('group okta/x: full, group okta/y: none')],
    // Whoever is in both was kept out by the second.
    [grouped('group okta/x: full, group okta/y: none'), grouped('group okta/x: full'), more],
  ]);
});

test('who comes to stand in a team whose content is kept is found', () => {
  const of = (a: string, b: string, content: string) =>
    `teams: {a: {members: [${a}]}, b: {members: [${b}]}}\nretention: {content: {${content}}}`;
  const ada = 'ada@example.com';
  const moved = 'content teams';
  check([
    [of('', '', 'team a: full'), of(ada, '', 'team a: full'), moved],
    [of('', ada, 'team a: full'), of(ada, ada, 'team a: full'), moved],
    [of(ada, '', 'default: full, team a: none'), of('', '', 'default: full, team a: none'), moved],
    [of(ada, '', 'default: full, team a: none'), of(ada, ada, 'default: full, team a: none'), moved],
    [of(ada, '', 'team a: full'), of('', '', 'team a: full')],
    [of('', ada, 'team b: full'), of(ada, ada, 'team b: full')],
    [of('', '', 'team a: none'), of(ada, '', 'team a: none')],
  ]);
  const order = (first: string, second: string) =>
    `teams: {${first}: {members: [${ada}]}, ${second}: {members: [${ada}]}}\nretention: {content: {team a: full}}`;
  // Who names no team is charged to the first.
  check([
    [order('b', 'a'), order('a', 'b'), moved],
    [order('a', 'b'), order('b', 'a')],
  ]);
});

test('providers, their secrets and roles are credentials', () => {
  const at = 'credentials identity.providers[0]';
  const base = PROVIDERS;
  const roles = (text: string) => base.replace('identity:', `identity:\n  roles: {${text}}`);
  const changed = (from: string, to: string): Case => [base, base.replace(from, to), at];
  check([
    changed('"env:OKTA"', '"env:OTHER"'),
    changed('https://acme.okta.com', 'https://evil.example'),
    changed('client_id: c1', 'client_id: c3'),
    changed('[example.com]', '[example.com, example.net]'),
    changed('groups: groups', 'groups: roles'),
    changed('groups: groups', 'groups: groups, trust_email: true'),
    changed('name: Okta', 'name: Okta\n      label: Acme'),
    [base, base.slice(0, base.indexOf('    - name: plain')), 'credentials identity.providers[1]'],
    ['access: []', base, at, 'credentials identity.providers[1]'],
    [base, roles('admin: group okta/admins'), 'credentials identity.roles.admin'],
    [roles('admin: group okta/admins'), roles('admin: group okta/Admins'), 'credentials identity.roles.admin'],
    [roles('auditor: [a@b.c, d@e.f]'), roles('auditor: a@b.c'), 'credentials identity.roles.auditor'],
    [roles('auditor: [a@b.c, d@e.f]'), roles('auditor: [d@e.f, a@b.c, A@B.c]')],
    [base, base.replace('[example.com]', '[Example.com]')],
  ]);
  const swapped = base.replace(/( {4}- name: Okta[\s\S]*)( {4}- name: plain[\s\S]*)/, '$2$1');
  assert.notEqual(swapped, base);
  assert.deepEqual(changes(base, swapped), []);
  const team = (members: string) => `teams: {a: {members: [${members}]}}\nidentity: {roles: {admin: team a}}`;
  check([
    [team(''), team('ada@example.com'), 'credentials teams'],
    [team('ada@example.com'), team(''), 'credentials teams'],
    ['teams: {a: {lead: a@b.c}}', 'teams: {a: {lead: d@e.f, leads: [a@b.c]}}'],
  ]);
});

test('groups that come from elsewhere can slip out of what names them', () => {
  const other = PROVIDERS.replace('groups: groups', 'groups: roles');
  const renamed = PROVIDERS.replace('[example.com]', '[example.net]');
  const [credentials, controls, content] = ['credentials', 'controls', 'content'].map(
    (kind) => `${kind} identity.providers[0]`,
  ) as [string, string, string];
  for (const rest of [
    'access: [{deny: a1, to: group okta/x}]',
    'teams: {a: {members: group okta/x}}\naccess: [{ask: a1, to: team a}]',
  ]) {
    check([
      [PROVIDERS + rest, other + rest, controls, credentials],
      [PROVIDERS + rest, renamed + rest, credentials],
    ]);
  }
  const kept = 'retention: {content: {default: full, group okta/x: none}}';
  check([[PROVIDERS + kept, other + kept, content, credentials]]);
  const allowed = 'access: [{allow: a1, to: group okta/x}]';
  check([[PROVIDERS + allowed, other + allowed, credentials]]);
});

test('ways in that open are credentials and controls', () => {
  const sso = PROVIDERS.replace('identity:', 'identity:\n  require_sso: true');
  check([
    [sso, PROVIDERS, 'controls identity.require_sso', 'credentials identity.require_sso'],
    [PROVIDERS, sso],
  ]);
});

test('P8: a kind that is taken out of two_people is sensitive as itself and as a control', () => {
  check([
    ['two_people: [content]', 'two_people: []', 'content two_people', 'controls two_people'],
    ['two_people: [controls, billing]', 'access: []', 'billing two_people', 'controls two_people'],
    ['two_people: [content, billing]', 'two_people: [billing, content, controls]'],
    ['access: []', 'two_people: [credentials]'],
  ]);
});

test('prices and budgets of the organization are billing', () => {
  const [one, two] = ['{models: a1, discount: 5%}', '{models: b1, input: 3, until: 2030-01-01}'];
  const wide = '{models: "*", discount: 6%}';
  const budget = 'budgets: [{for: organization, limit: 5 USD/month}]';
  check([
    ['access: []', `prices: [${one}]`, 'billing prices'],
    [`prices: [${one}]`, `prices: [${one.replace('5%', '6%')}]`, 'billing prices'],
    [`prices: [${one}, ${two}]`, `prices: [${one}]`, 'billing prices'],
    // Of two prices for one model the first counts.
    [`prices: [${one}, ${wide}]`, `prices: [${wide}, ${one}]`, 'billing prices'],
    [`prices: [${one}, ${two}]`, `prices: [${two}, ${one}]`],
    ['access: []', budget, 'billing budgets'],
    [budget, 'budgets: []', 'billing budgets'],
    [budget, budget.replace('5 USD', '4 USD'), 'billing budgets'],
    [budget, budget.replace('for:', 'models: a1, for:'), 'billing budgets'],
    [`time_zone: UTC\n${budget}`, `time_zone: Asia/Tokyo\n${budget}`, 'billing time_zone'],
    [budget, `budgets: [{each: person, limit: 1 USD}, ${budget.slice(10)}`],
    ['budgets: [{each: team, limit: 1 USD}]', 'budgets: [{each: team, limit: 2 USD}]'],
  ]);
});

test('P7: what is said of a change names no person', () => {
  const before = load('access: [{deny: a1, to: ada@example.com}]\nidentity: {roles: {admin: ada@example.com}}');
  const found = sensitiveChanges(before.policy, load('{}').policy);
  assert.deepEqual(found.map(({ kind }) => kind).sort(), ['controls', 'credentials']);
  for (const { message, place } of found) assert.ok(!`${message} ${place.path}`.includes('ada'));
});

test('many changes of one kind hide none of another, and large documents are compared within bounds', () => {
  const rules = Array.from({ length: 5_000 }, (_, i) => `{deny: [a${i}, "b*${i}"], to: p${i}@example.com}`);
  const before = load(`access: [${rules.join(', ')}]\nprices: [{models: a1, discount: 5%}]`).policy;
  const after = load(`access: [${rules.map((rule) => rule.replace('deny: [', 'deny: [c, ')).join(', ')}]`).policy;
  assert.ok(sensitiveChanges(before, load('{}').policy).some(({ kind }) => kind === 'billing'));
  assert.ok(sensitiveChanges(before, load('{}').policy).length <= 100);
  assert.deepEqual(sensitiveChanges(before, before), []);
  sensitiveChanges(before, after);
});
