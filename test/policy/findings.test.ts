import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownNames } from '../../src/policy/findings.ts';
import { ADA_ID, CI_ID, found, KEY_ID, load, NOW, PROVIDERS } from './support.ts';

/** Nothing is uncapped with this. */
const CAP = 'budgets: [{for: organization, limit: 1 USD/month}]\n';
const TEAMS = 'teams: {payments: {}, research: {}}\n';
const access = (...entries: string[]) => `${CAP}${TEAMS}access: [${entries.join(', ')}]`;

test('an empty document has nothing odd', () => {
  assert.deepEqual(found('{}', NOW), []);
});

test('what has expired is noted, and judges no other rule', () => {
  const text = access('{allow: "*", to: everyone}', '{deny: "*", to: everyone, until: 2026-11-23}');
  assert.deepEqual(found(text, NOW), ['expired access[1]']);
  assert.deepEqual(found(text), []);
  assert.deepEqual(found(access('{allow: "*", to: everyone, until: 2026-11-24}'), NOW), []);
  assert.deepEqual(found('prices: [{models: x1, discount: 5%, until: 2026-11-23}]', NOW), ['expired prices[0]']);
});

test('rules outside the ceiling never apply', () => {
  const ceiling = 'models: {allowed: [claude-opus-5, claude-haiku-*]}\n';
  const of = (pattern: string) => found(ceiling + access(`{allow: ${pattern}, to: everyone}`));
  assert.deepEqual(of('claude-sonnet-*'), ['never_applies access[0]']);
  assert.deepEqual(of('claude-opus-5-5'), ['never_applies access[0]']);
  assert.deepEqual(of('[claude-sonnet-5, claude-fable-*]'), ['never_applies access[0]']);
  for (const pattern of [
    '"*"',
    'claude-opus-5-20260101',
    'claude-opus-*',
    '"*-5"',
    '[claude-sonnet-5, claude-haiku-5]',
  ]) {
    assert.deepEqual(of(pattern), [], pattern);
  }
  assert.deepEqual(found(`${ceiling}${CAP}server_side: [{allow: files, to: everyone}]`), []);
});

test('an allow or ask that denies cover wholly never applies', () => {
  for (const [allow, ...denies] of [
    ['{allow: claude-opus-5, to: team research}', '{deny: claude-opus-*, to: everyone}'],
    ['{ask: claude-opus-5, to: ada@example.com}', '{deny: "*", to: ada@example.com}'],
    ['{allow: claude-opus-5-20260101, to: everyone}', '{deny: claude-opus-5, to: everyone}'],
    ['{allow: [a1, b1], to: everyone}', '{deny: a1, to: everyone}', '{deny: b1, to: everyone}'],
    [
      '{allow: a1, to: [team payments, team research]}',
      '{deny: a1, to: team payments}',
      '{deny: a1, to: team research}',
    ],
    ['{allow: a1, to: everyone, until: 2027-01-01}', '{deny: "*", to: everyone, until: 2027-01-01}'],
    ['{allow: a1, to: team payments}', '{ask: "*", to: everyone}'],
  ] as const) {
    assert.deepEqual(found(access(...denies, allow)), [`never_applies access[${denies.length}]`], allow);
    assert.deepEqual(found(access(allow, ...denies)), ['never_applies access[0]'], allow);
  }
});

test('no alarm where the rule can still decide', () => {
  for (const [rule, other] of [
    ['{allow: claude-*, to: everyone}', '{deny: claude-opus-*, to: everyone}'],
    ['{allow: a1, to: everyone}', '{deny: a1, to: team research}'],
    ['{allow: a1, to: everyone}', '{deny: a1, to: everyone, until: 2027-01-01}'],
    ['{allow: a1, to: everyone, until: 2027-01-02}', '{deny: a1, to: everyone, until: 2027-01-01}'],
    ['{allow: a1, to: everyone}', '{deny: "*", to: everyone, mode: observe}'],
    ['{ask: a1, to: everyone}', '{ask: "*", to: everyone}'],
    ['{ask: a1, to: everyone}', '{allow: "*", to: everyone}'],
    ['{deny: a1, to: everyone}', '{deny: "*", to: everyone}'],
    ['{allow: claude-opus-5, to: everyone}', '{deny: claude-opus-5-20260101, to: everyone}'],
    ['{allow: a1, to: [everyone, team payments]}', '{deny: a1, to: team payments}'],
  ] as const) {
    const codes = found(access(rule, other)).filter((line) => !line.startsWith('observes'));
    assert.deepEqual(codes, [], rule);
  }
});

test('the same allowed and denied to the same is a contradiction, whatever the order of names', () => {
  assert.deepEqual(
    found(
      access('{allow: [a1, b1], to: [team payments, everyone]}', '{deny: [b1, a1], to: [everyone, team Payments]}'),
    ),
    ['contradiction access[0]'],
  );
  const text = `${CAP}server_side: [{deny: files, to: everyone}, {allow: files, to: everyone}]`;
  assert.deepEqual(found(text), ['contradiction server_side[1]']);
});

test('what is said twice is noted', () => {
  assert.deepEqual(
    found(access('{allow: [a1, b1], to: everyone}', '{allow: [b1, a1], to: everyone, because: again}')),
    ['duplicate access[1]'],
  );
  assert.deepEqual(found(access('{allow: a1, to: everyone}', '{allow: a1, to: everyone, until: 2027-01-01}')), []);
  assert.deepEqual(found('teams: {payments: {members: [ada@example.com, Ada@example.com]}}'), [
    'duplicate teams.payments.members[1]',
  ]);
});

test('two budgets or rates for the same contradict or repeat each other', () => {
  const budgets = (...entries: string[]) => found(`${TEAMS}budgets: [${entries.join(', ')}]`);
  const month = '{each: person, limit: 300 USD/month}';
  assert.deepEqual(budgets(month, '{each: person, limit: 200 USD/month}'), ['contradiction budgets[1]']);
  assert.deepEqual(budgets(month, '{each: person, limit: 300 USD/month, hold: strict}'), ['contradiction budgets[1]']);
  assert.deepEqual(budgets(month, '{each: person, limit: 300.00 USD/month}'), ['duplicate budgets[1]']);
  assert.deepEqual(
    budgets('{for: [team payments, team research], limit: 3 USD}', '{for: team Research, limit: 4 USD/lifetime}'),
    ['contradiction budgets[1]'],
  );
  for (const other of [
    '{each: person, limit: 20 USD/day}',
    '{each: service, limit: 200 USD/month}',
    '{each: person, limit: 200 USD/month, models: claude-opus-*}',
    '{for: ada@example.com, limit: 200 USD/month}',
  ]) {
    assert.deepEqual(budgets(month, other), [], other);
  }
  assert.deepEqual(budgets(month, '{each: person, limit: 200 USD/month, mode: observe}'), ['observes budgets[1]']);
  const rates = (...entries: string[]) => found(`rates: [${entries.join(', ')}]`);
  assert.deepEqual(rates('{each: person, requests: 60/min}', '{each: person, requests: 50/min}'), [
    'contradiction rates[1]',
  ]);
  assert.deepEqual(rates('{each: person, requests: 60/min}', '{each: person, requests: 60/min}'), [
    'duplicate rates[1]',
  ]);
  assert.deepEqual(rates('{each: person, requests: 60/min}', '{each: person, concurrent: 5}'), []);
  assert.deepEqual(
    rates('{each: key, models: [a1, b1], concurrent: 4}', '{each: key, models: [b1, a1], concurrent: 5}'),
    ['contradiction rates[1]'],
  );
});

test('callers whom a rule lets in and no enforced budget counts are named, without naming a person', () => {
  const messages = (to: string, budgets: string, rest = '') =>
    load(`${rest === '' ? TEAMS : rest}access: [{allow: a1, to: ${to}}]\nbudgets: [${budgets}]`).findings.map(
      ({ code, message }) => `${code}: ${message}`,
    );
  const none = (who: string) => `uncapped: no enforced budget counts ${who}`;
  const person = '{each: person, limit: 1 USD/day}';
  const service = '{each: service, limit: 1 USD/day}';
  const team = '{each: team, limit: 1 USD/day}';
  assert.deepEqual(messages('everyone', ''), [none('people'), none('services')]);
  assert.deepEqual(messages('everyone', person), [none('services')]);
  assert.deepEqual(messages('everyone', team), [
    none('people that are in no team'),
    none('services that are in no team'),
  ]);
  assert.deepEqual(messages('everyone', `${person}, ${service}`), []);
  for (const all of [
    '{for: organization, limit: 0 USD/day}',
    '{each: key, limit: 1 USD}',
    '{each: model, limit: 1 USD}',
  ]) {
    assert.deepEqual(messages('everyone', all), [], all);
  }
  assert.deepEqual(messages('everyone', '{for: organization, models: a*, limit: 1 USD}'), [
    none('people'),
    none('services'),
  ]);
  assert.deepEqual(messages('everyone', '{for: organization, models: "*", limit: 1 USD}'), []);
  assert.deepEqual(
    messages('everyone', '{for: organization, models: a*, limit: 1 USD}', 'models: {allowed: [a1, a2]}\n'),
    [],
  );
  assert.deepEqual(messages('team research', person), [none('services of team research')]);
  assert.deepEqual(messages('team research', '{for: team research, limit: 1 USD}'), []);
  assert.deepEqual(messages('team research', '{for: team payments, limit: 1 USD}'), [
    none('people and services of team research'),
  ]);
  assert.deepEqual(messages('ada@example.com', team), [none('a person whom access[0] names')]);
  const member = 'teams: {Payments: {members: [ada@example.com]}}\n';
  assert.deepEqual(messages('ada@example.com', team, member), []);
  assert.deepEqual(messages('ada@example.com', '{for: team payments, limit: 1 USD}', member), []);
  assert.deepEqual(messages('ada@example.com', '{for: ada@example.com, limit: 1 USD}'), []);
  assert.deepEqual(messages('service ci', person), [none('service ci')]);
  assert.deepEqual(messages(`key ${KEY_ID}`, person), [none('the key that access[0] names')]);
  assert.deepEqual(messages(`key ${KEY_ID}`, `${person}, ${service}`), []);
  const observing = '{for: organization, limit: 1 USD, mode: observe}';
  assert.deepEqual(messages('ada@example.com', observing).slice(0, 1), [none('a person whom access[0] names')]);
});

test('what only observes is noted', () => {
  assert.deepEqual(found(`mode: observe\n${access('{allow: a1, to: everyone}')}`), ['observes mode']);
  assert.deepEqual(found(access('{deny: a1, to: everyone, mode: observe}')), ['observes access[0]']);
  assert.deepEqual(found('rates: [{each: key, concurrent: 3, mode: observe}]'), ['observes rates[0]']);
});

test('a mistyped alias or capability is told, a model is not taken for one', () => {
  const aliases = 'models: {aliases: {everyday: [claude-haiku-*], opus: [claude-opus-*]}}\n';
  const of = (pattern: string) => load(aliases + access(`{deny: ${pattern}, to: everyone}`)).findings;
  assert.deepEqual(
    of('everday').map(({ code, message }) => [code, message]),
    [['unknown_name', 'everday is no alias; did you mean everyday?']],
  );
  for (const pattern of ['everyday', 'opus-5', 'opus*', 'claude-sonnet-5']) assert.deepEqual(of(pattern), [], pattern);
  const server = (name: string) => found(`${CAP}server_side: [{deny: ${name}, to: everyone}]`);
  assert.deepEqual(server('web_serach'), ['unknown_name server_side[0]']);
  assert.deepEqual(server('computer_use'), []);
});

test('names that nobody has are found in every section', () => {
  const { policy } = load(
    [
      'teams:',
      '  payments: {members: [ada@example.com, ghost@example.com, service ci]}',
      'access:',
      `  - {allow: "*", to: [${ADA_ID}, key ${KEY_ID}, service CI, everyone, team payments]}`,
      'rates: [{for: service cd, concurrent: 1}]',
      `budgets: [{each: person, limit: 3 USD, except: {Ghost@example.com: 2 USD}}]`,
      `retention: {content: {${CI_ID}: full}}`,
    ].join('\n'),
  );
  const paths = (people: string[], services: string[], keys: string[]) =>
    unknownNames(policy, { people: new Set(people), services: new Set(services), keys: new Set(keys) })
      .map(({ code, place }) => `${code} ${place.path} ${place.line}`)
      .sort();
  assert.deepEqual(paths(['ada@example.com', ADA_ID], ['ci'], []), [
    'unknown_name access[0].to[1] 4',
    'unknown_name budgets[0].except."Ghost@example.com" 6',
    'unknown_name rates[0].for 5',
    `unknown_name retention.content.${CI_ID} 7`,
    'unknown_name teams.payments.members[1] 2',
  ]);
  assert.deepEqual(paths(['ada@example.com', 'ghost@example.com', ADA_ID], ['ci', 'cd', CI_ID], [KEY_ID]), []);
});

test('a group that nobody has is told only where the groups that people have are known', () => {
  const { policy } = load(`${PROVIDERS}access: [{deny: a1, to: [group okta/eng, group OKTA/Eng]}]`);
  const known = { people: new Set<string>(), services: new Set<string>(), keys: new Set<string>() };
  assert.deepEqual(unknownNames(policy, known), []);
  const found = unknownNames(policy, { ...known, groups: new Set(['okta/eng']) });
  assert.deepEqual(
    found.map(({ code, place, message }) => [code, place.path, message]),
    [['unknown_name', 'access[0].to[1]', 'nobody who has signed in is in this group']],
  );
});
