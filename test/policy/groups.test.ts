import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subject } from '../../src/policy/model.ts';
import { applies, parseSubject, showForCaller, showSubject } from '../../src/policy/subjects.ts';
import { ada, found, load, model, PROVIDERS, problems } from './support.ts';

function of(...groups: string[]): Subject {
  return { ...ada, teams: [], team: null, groups };
}

test('groups are read with their provider in lower case and their name as it is', () => {
  for (const [text, id] of [
    ['group okta/eng', 'okta/eng'],
    ['group OKTA/Eng', 'okta/Eng'],
    ['Group  okta/eng payments ', 'okta/eng payments'],
    ['group ad/CN=Eng,OU=Groups,DC=acme,DC=com', 'ad/CN=Eng,OU=Groups,DC=acme,DC=com'],
    ['group keycloak//eng/payments', 'keycloak//eng/payments'],
    ['group google/Platform-Admins@acme.com', 'google/Platform-Admins@acme.com'],
    ['group entra/AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee', 'entra/AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee'],
    ['group okta/Ä "quoted" <b>', 'okta/Ä "quoted" <b>'],
    ['group okta/everyone', 'okta/everyone'],
    ['group okta/__proto__', 'okta/__proto__'],
    [`group okta/${'x'.repeat(256)}`, `okta/${'x'.repeat(256)}`],
  ] as const) {
    assert.deepEqual(parseSubject(text), { kind: 'group', id }, text);
  }
});

test('what names no group of one provider is no subject', () => {
  for (const text of [
    'group',
    'group eng',
    'group okta/',
    'group /eng',
    'group okta/ eng',
    'group okta/eng-*',
    'group */eng',
    'group -okta/eng',
    'group ok_ta/eng',
    `group ${'o'.repeat(33)}/eng`,
    `group okta/${'x'.repeat(257)}`,
    'group okta/e\u200bng',
    'group okta/e\nng',
    'okta/eng',
  ]) {
    assert.equal(parseSubject(text), null, JSON.stringify(text));
  }
});

test('P8: a group is matched by its provider in any case and by its name in the same case', () => {
  const rule = [{ kind: 'group', id: 'okta/Eng' } as const];
  for (const [groups, expected] of [
    [['okta/Eng'], true],
    [['OKTA/Eng'], true],
    [['okta/other', 'okta/Eng'], true],
    [['okta/eng'], false],
    [['okta/ENG'], false],
    [['entra/Eng'], false],
    [['okta/Eng '], false],
    [['okta/Engineering'], false],
    [['Eng'], false],
    [[], false],
  ] as const) {
    assert.equal(applies(rule, of(...groups)), expected, groups.join());
  }
  assert.equal(applies([{ kind: 'team', id: 'okta/eng' }], of('okta/eng')), false);
  assert.equal(applies(rule, { ...of(), name: 'okta/Eng', teams: ['okta/Eng'] }), false);
});

test('P8: rules for groups decide as those for others do, and say so', () => {
  const { policy } = load(`${PROVIDERS}access:
  - { allow: "*", to: group okta/research }
  - { deny: claude-opus-5, to: group Okta/Contractors }
`);
  const denied = policy.decide(model('claude-opus-5', of('okta/research', 'okta/Contractors')));
  assert.equal(denied.effect, 'deny');
  assert.equal(denied.reason, 'access[1] denies claude-opus-5 to whoever is in group okta/Contractors');
  assert.equal(policy.decide(model('claude-opus-5', of('okta/research', 'okta/contractors'))).effect, 'allow');
  assert.equal(policy.decide(model('claude-opus-5', of('plain/research'))).effect, 'deny');
});

test('P7: a group that looks like an address is not named in what enters the trail', () => {
  const group = { kind: 'group', id: 'google/ada@acme.com' } as const;
  assert.equal(showForCaller(group), 'whoever is in a group of google');
  assert.equal(showSubject(group), 'group google/ada@acme.com');
  assert.equal(showForCaller({ kind: 'group', id: 'okta/eng' }), 'whoever is in group okta/eng');
});

test('P8: a group of a provider that is not there, or says no groups, is a fault wherever it is named', () => {
  const unknown = 'names a group of a provider that is not under identity.providers. Did you mean "Okta"?';
  const silent = 'names a group of a provider that says no groups; write `groups` under it.';
  for (const entry of [
    'access: [{deny: "*", to: group X/eng}]',
    'access: [{allow: "*", to: [everyone, group X/eng]}]',
    'server_side: [{deny: files, to: group X/eng}]',
    'retention: {content: {group X/eng: full}}',
    'teams: {a: {members: group X/eng}}',
    'teams: {a: {members: [ada@example.com, group X/eng]}}',
    'teams: {a: {leads: group X/eng}}',
  ]) {
    for (const [provider, message] of [
      ['okto', unknown],
      ['plain', silent],
    ] as const) {
      const [only = '', ...more] = problems(PROVIDERS + entry.replace('X', provider));
      assert.ok(only.endsWith(message), `${entry}: ${only}`);
      assert.deepEqual(more, [], entry);
    }
  }
  const role = PROVIDERS.replace('identity:', 'identity:\n  roles: {admin: group okto/eng}');
  assert.ok(problems(role).join().includes('identity.roles.admin: names a group'), problems(role).join());
});

test('groups are not counted by rates and budgets, and the fault says what to write', () => {
  const message = 'groups are not counted; make the group a member of a team, and write team NAME.';
  for (const entry of [
    'rates: [{for: group okta/eng, requests: 1/min}]',
    'rates: [{for: [team a, group okta/eng], requests: 1/min}]',
    'budgets: [{for: group okta/eng, limit: 1 USD}]',
  ]) {
    const [only = '', ...more] = problems(`${PROVIDERS}teams: {a: {}}\n${entry}`);
    assert.ok(only.endsWith(message), only);
    assert.deepEqual(more, [], entry);
  }
});

test('of a person whom several groups name, content is kept only if all of them say so', () => {
  const { policy } = load(`${PROVIDERS}teams: {a: {}}
retention:
  content:
    default: none
    team a: full
    group okta/yes: full
    group okta/no: none
    ada@example.com: full
`);
  const other = (...groups: string[]): Subject => ({ ...of(...groups), id: 'per_x', name: 'x@example.com' });
  const inTeam = { teams: ['a'], team: 'a' };
  assert.equal(policy.keepsContent(other('okta/yes')), true);
  assert.equal(policy.keepsContent(other('okta/yes', 'okta/no')), false);
  assert.equal(policy.keepsContent(other('okta/no', 'okta/yes')), false);
  assert.equal(policy.keepsContent({ ...other('okta/no'), ...inTeam }), false);
  assert.equal(policy.keepsContent({ ...other(), ...inTeam }), true);
  assert.equal(policy.keepsContent(of('okta/no')), true);
});

test('what covers a group, and what a group covers, is found; people in it without a cap are', () => {
  const head = `${PROVIDERS}access: `;
  assert.deepEqual(found(`${head}[{allow: a1, to: group okta/x}, {deny: "*", to: group Okta/x}]`), [
    'never_applies access[0]',
    'uncapped access[0]',
  ]);
  const cap = 'budgets: [{each: person, limit: 1 USD}]\n';
  assert.deepEqual(found(`${cap}${head}[{allow: a1, to: group okta/x}, {deny: "*", to: group okta/X}]`), []);
  const { findings } = load(`${head}[{allow: a1, to: group okta/x}]`);
  assert.equal(findings[0]?.message, 'no enforced budget counts people in the group that access[0] names');
  const teams = 'teams: {a: {members: group okta/x}}\nbudgets: [{for: team a, limit: 1 USD}]\n';
  assert.deepEqual(found(`${teams}${head}[{allow: a1, to: group okta/x}]`), []);
});
