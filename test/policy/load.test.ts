import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { ADA_ID, ada, CI_ID, load } from './support.ts';

test('P8: a document of nothing is a fault, not a policy: a file that is being written anew closes nothing', () => {
  for (const text of ['', ' \n\t\n']) {
    const loaded = loadPolicy({ text, file: 'p.yaml' });
    assert.ok(!loaded.ok);
    assert.match(loaded.problems[0]?.message ?? '', /empty; .*access: \[\]/);
  }
});

test('a document that says nothing has defaults and nothing else', () => {
  const { policy } = load('{}');
  assert.equal(policy.organization, null);
  assert.equal(policy.timeZone, 'UTC');
  assert.equal(policy.mode, 'enforce');
  assert.equal(policy.ceiling, null);
  assert.equal(policy.unknownPrice, 'pessimistic');
  assert.equal(policy.keepsContent(ada), false);
  assert.deepEqual(
    [policy.rules, policy.rates, policy.budgets, policy.prices, [...policy.teams], [...policy.memberships]],
    [[], [], [], [], [], []],
  );
});

test('teams hold their members in the order of the document', () => {
  const { policy } = load(
    [
      'teams:',
      '  payments: {members: [Ada@Example.com, service CI, service constructor], cost_center: CC-1, lead: Ada@example.com}',
      `  Research: {members: [ada@example.com, ${ADA_ID}, ${CI_ID}]}`,
      '  empty: {}',
    ].join('\n'),
  );
  const none = { costCenter: null, lead: null, leads: [], groups: [] };
  const lead = 'ada@example.com';
  assert.deepEqual(
    [...policy.teams],
    [
      ['payments', { ...none, name: 'payments', costCenter: 'CC-1', lead, leads: [{ kind: 'person', id: lead }] }],
      ['Research', { ...none, name: 'Research' }],
      ['empty', { ...none, name: 'empty' }],
    ],
  );
  assert.deepEqual(
    [...policy.memberships],
    [
      ['ada@example.com', ['payments', 'Research']],
      ['ci', ['payments']],
      ['constructor', ['payments']],
      [ADA_ID, ['Research']],
      [CI_ID, ['Research']],
    ],
  );
});

test('rules are compiled in order, with place, sentence and aliases resolved', () => {
  const { policy } = load(
    [
      'time_zone: Europe/Berlin',
      'teams: {Research: {}}',
      'models: {aliases: {everyday: [claude-sonnet-*, claude-haiku-*]}}',
      'access:',
      '  - allow: [everyday, claude-haiku-*, claude-opus-5]',
      '    to: [team research, person Ada@example.com]',
      '    until: 2027-06-30',
      '    because: " approved in SEC-214 "',
      '  - { deny: "*", to: everyone, mode: observe }',
      'server_side:',
      '  - { allow: [web_search, "web_*"], to: everyone, max_uses: 5 }',
    ].join('\n'),
  );
  assert.deepEqual(policy.rules, [
    {
      place: {
        path: 'access[0]',
        line: 5,
        text: 'allow everyday, claude-haiku-*, claude-opus-5 to team research, person Ada@example.com until 2027-06-30',
      },
      effect: 'allow',
      resource: 'model',
      patterns: ['claude-sonnet-*', 'claude-haiku-*', 'claude-opus-5'],
      to: [
        { kind: 'team', id: 'research' },
        { kind: 'person', id: 'ada@example.com' },
      ],
      // 2027-06-30T22:00:00Z
      until: 1_814_392_800_000,
      because: 'approved in SEC-214',
      mode: 'enforce',
      maxUses: null,
    },
    {
      place: { path: 'access[1]', line: 9, text: 'deny * to everyone, observing' },
      effect: 'deny',
      resource: 'model',
      patterns: ['*'],
      to: [{ kind: 'everyone' }],
      until: null,
      because: null,
      mode: 'observe',
      maxUses: null,
    },
    {
      place: { path: 'server_side[0]', line: 11, text: 'allow web_search, web_* to everyone at most 5 times a call' },
      effect: 'allow',
      resource: 'capability',
      patterns: ['web_search', 'web_*'],
      to: [{ kind: 'everyone' }],
      until: null,
      because: null,
      mode: 'enforce',
      maxUses: 5,
    },
  ]);
});

test('the ceiling is compiled with aliases, and its line is known', () => {
  const { policy } = load(
    '# a line\nmodels:\n  aliases: {big: [x-*, y1]}\n  allowed: [big, z1]\n  unknown_price: refuse\n',
  );
  assert.deepEqual(policy.ceiling, {
    place: { path: 'models.allowed', line: 4, text: 'only big, z1' },
    patterns: ['x-*', 'y1', 'z1'],
  });
  assert.equal(policy.unknownPrice, 'refuse');
});
