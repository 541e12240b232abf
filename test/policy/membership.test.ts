import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyTeams } from '../../src/policy/membership.ts';
import { standing } from '../../src/policy/roles.ts';
import { subjectOf } from '../../src/steps/attribute.ts';
import { governanceOf, PERSON, partyRow } from '../support/governance.ts';
import { ADA_ID, load, PROVIDERS, problems } from './support.ts';

const TEAMS = `${PROVIDERS}teams:
  eng: { members: [group okta/eng, group okta/Eng 2] }
  payments: { members: [ada@example.com, group okta/eng], lead: Bob@example.com, leads: [group okta/leads, eve@example.com] }
  "odd name": { members: group okta/odd, leads: ${ADA_ID} }
`;

const { policy } = load(TEAMS);

test('teams by name, id and group are one list, each once', () => {
  const teams = (name: string | null, ...groups: string[]) => policyTeams(policy, { id: 'per_x', name, groups });
  assert.deepEqual(teams('ada@example.com'), ['payments']);
  assert.deepEqual(teams('ada@example.com', 'okta/eng'), ['payments', 'eng']);
  assert.deepEqual(teams('x@example.com', 'okta/eng', 'okta/odd'), ['eng', 'payments', 'odd name']);
  assert.deepEqual(teams('x@example.com', 'okta/ENG', 'entra/eng', 'okta/eng 2'), []);
  assert.deepEqual(teams(null, 'OKTA/Eng 2'), ['eng']);
  assert.deepEqual(teams(null), []);
});

test('members that are no people, services or groups, and leads that are no people or groups, are faults', () => {
  for (const [team, message] of [
    [
      'members: everyone',
      'teams.a.members: a member is group PROVIDER/NAME, an e-mail address, service NAME, per_… or svc_….',
    ],
    [
      'members: [team b]',
      'teams.a.members[0]: a member is group PROVIDER/NAME, an e-mail address, service NAME, per_… or svc_….',
    ],
    ['leads: everyone', 'teams.a.leads: a lead is an e-mail address, per_… or group PROVIDER/NAME.'],
    ['leads: [service ci]', 'teams.a.leads[0]: a lead is an e-mail address, per_… or group PROVIDER/NAME.'],
    ['lead: somebody', 'teams.a.lead: must be an e-mail address.'],
  ] as const) {
    const [only = '', ...more] = problems(`teams: {a: {${team}}, b: {}}`);
    assert.ok(only.endsWith(message), only);
    assert.deepEqual(more, []);
  }
});

test('P7: a lead who was erased stands there by the id', () => {
  const { policy: erased } = load(`teams: {a: {lead: ${ADA_ID}}}`);
  assert.deepEqual(standing(erased, { id: ADA_ID, name: null, groups: [], teams: [] }).leads, ['a']);
});

const ROLES = TEAMS.replace(
  'identity:',
  `identity:
  roles:
    admin: [group okta/admins, team eng, root@example.com]
    auditor: group okta/Audit`,
);

test('P8: the highest role counts, its reason names the rule and no person', () => {
  const { policy: roles } = load(ROLES);
  const who = (name: string, groups: string[] = [], teams: string[] = []) =>
    standing(roles, { id: 'per_x', name, groups, teams });
  assert.deepEqual(who('x@example.com', ['okta/Audit', 'okta/admins']), {
    role: 'admin',
    reason: 'identity.roles.admin names whoever is in group okta/admins',
    leads: [],
  });
  assert.deepEqual(who('Root@Example.com', ['okta/leads']), {
    role: 'admin',
    reason: 'identity.roles.admin names this person',
    leads: ['payments'],
  });
  assert.deepEqual(who('x@example.com', [], ['Eng']).reason, 'identity.roles.admin names team eng');
  assert.deepEqual(who('bob@example.com', ['okta/Audit']), {
    role: 'auditor',
    reason: 'identity.roles.auditor names whoever is in group okta/Audit',
    leads: ['payments'],
  });
  assert.deepEqual(who('bob@example.com'), {
    role: 'team_lead',
    reason: 'teams.payments.lead names this person',
    leads: ['payments'],
  });
  assert.equal(
    who('x@example.com', ['okta/leads']).reason,
    'teams.payments.leads names whoever is in group okta/leads',
  );
  assert.equal(who('eve@example.com').reason, 'teams.payments.leads names this person');
  const both = standing(roles, { id: ADA_ID, name: 'bob@example.com', groups: [], teams: [] });
  assert.deepEqual(both.leads, ['payments', 'odd name']);
  for (const groups of [['okta/audit'], ['okta/ADMINS'], ['plain/admins'], ['admins']]) {
    assert.deepEqual(who('x@example.com', groups), {
      role: 'member',
      reason: 'no rule of the policy gives another role',
      leads: [],
    });
  }
});

test('a caller stands in the teams of the groups that the directory has, after the directory team', () => {
  const base = governanceOf(TEAMS, {
    parties: [
      partyRow({ team: 'tea_home', name: 'ada@example.com' }),
      partyRow({ id: 'svc_x', kind: 'service', name: 'ci' }),
    ],
    teams: [{ id: 'tea_home', name: 'home', createdAt: 0 }],
  });
  const governance = { ...base, directory: { ...base.directory, groupsOf: () => ['okta/odd'] } };
  const ask = (id: string, kind: 'person' | 'service') => {
    const principal = { kind, id, keyTeam: null, credential: { id: 'key_x' } };
    return subjectOf({ principal, governance, asked: undefined }).subject;
  };
  const person = ask(PERSON, 'person');
  assert.deepEqual(person.teams, ['home', 'payments', 'odd name']);
  assert.equal(person.team, 'home');
  assert.deepEqual(person.groups, ['okta/odd']);
  const service = ask('svc_x', 'service');
  assert.deepEqual([service.teams, service.groups], [[], []]);
});
