import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { diffPolicies, isEmptyDiff, mergeDiffs, type PolicyDiff } from '../../src/policy/diff.ts';
import { formatDiff } from '../../src/policy/diff-text.ts';
import { capabilitiesNamedBy, modelsNamedBy } from '../../src/policy/names.ts';
import { callers, MODELS, policies } from './arbitraries.ts';
import { ada, alan, bot, EVERYONE, NOW, person, policy, rule, team } from './support.ts';

const RUNS = { seed: 20260302, numRuns: 300 };
const everyone = [ada, alan, bot];
const allowAll = policy({ rules: [rule('allow', 'claude-*')] });

function compare(
  before: typeof allowAll,
  after: typeof allowAll,
  more: { subjects?: typeof everyone; models?: string[] } = {},
) {
  return diffPolicies({
    before,
    after,
    subjects: () => more.subjects ?? everyone,
    models: more.models ?? MODELS,
    now: NOW,
  });
}

test('lost, gained and changed are found with the rules that decide, and equal changes are one entry', () => {
  const after = policy({
    rules: [
      rule('allow', 'claude-*'),
      rule('deny', 'claude-opus-*', { to: team('payments') }),
      rule('ask', 'claude-haiku-*'),
      rule('allow', 'other', { to: team('research') }),
    ],
  });
  const { access, limits, content, tried } = compare(allowAll, after);
  const brief = access.map((one) => [
    one.change,
    one.names,
    one.who.map((who) => who.id),
    one.by.before?.path,
    one.by.after?.path,
  ]);
  assert.deepEqual(brief, [
    ['changed', ['claude-haiku-5-5'], ['per_ada', 'per_alan', 'svc_bot'], 'access[0]', 'access[2]'],
    ['lost', ['claude-opus-5-5'], ['per_ada', 'svc_bot'], 'access[0]', 'access[1]'],
    ['gained', ['other'], ['per_alan'], undefined, 'access[3]'],
  ]);
  assert.deepEqual([limits, content], [[], []]);
  assert.deepEqual(tried, { parties: 3, models: 4, capabilities: 0 });
});

test('a rule that comes to be observed, and other uses of a capability, are changes', () => {
  const search = (maxUses: number | null) => rule('allow', 'web_search', { resource: 'capability', maxUses });
  const before = policy({ rules: [rule('allow', 'claude-*'), search(null)] });
  const after = policy({
    rules: [rule('allow', 'claude-*'), search(3), rule('deny', 'claude-opus-*', { mode: 'observe' })],
  });
  const { access } = compare(before, after, { subjects: [ada] });
  assert.deepEqual(access.map(({ names, from, to }) => [names, from, to]).sort(), [
    [
      ['claude-opus-5-5'],
      { effect: 'allow', observed: false, maxUses: null },
      { effect: 'allow', observed: true, maxUses: null },
    ],
    [
      ['web_search'],
      { effect: 'allow', observed: false, maxUses: null },
      { effect: 'allow', observed: false, maxUses: 3 },
    ],
  ]);
});

test('teams are those that each policy gives', () => {
  const research = policy({ rules: [rule('allow', 'claude-*', { to: team('research') })] });
  const same = policy({ rules: [rule('allow', 'claude-*', { to: team('research') })] });
  const subjects = (of: typeof research) => [person('ada', of === same ? ['payments'] : ['research'])];
  const { access } = diffPolicies({ before: research, after: same, subjects, models: MODELS, now: NOW });
  assert.deepEqual(
    access.map((one) => [one.change, one.names.length]),
    [['lost', 3]],
  );
});

test('the smallest enforced limit of each scope and period is compared, with its exceptions', () => {
  const before = policy({
    budgets: [
      { scope: 'person', limit: 300_000_000 },
      { scope: 'person', limit: 500_000_000 },
      { scope: 'team', limit: 5_000_000_000 },
      { scope: 'person', limit: 9, period: 'day', mode: 'observe' },
    ],
    rates: [{ scope: 'person', requests: 60, concurrent: 12 }],
  });
  const after = policy({
    budgets: [
      { scope: 'person', limit: 300_000_000, except: new Map([['alan@example.com', 250_000_000]]) },
      { scope: 'team', limit: 4_000_000_000 },
      { scope: 'person', limit: 9, period: 'day', models: ['claude-opus-*'] },
    ],
    rates: [{ scope: 'person', requests: 60 }],
  });
  const { limits } = compare(before, after);
  const brief = limits.map(({ limit, models, from, to, who }) => {
    return [`${limit.measure} ${limit.scope} ${limit.period}`, models, from, to, who.map(({ id }) => id)];
  });
  assert.deepEqual(brief, [
    ['budget person day', ['claude-opus-5-5'], null, 9, ['per_ada', 'per_alan']],
    ['budget team month', null, 5_000_000_000, 4_000_000_000, ['per_ada', 'per_alan']],
    ['concurrent person null', null, 12, null, ['per_ada', 'per_alan']],
    ['budget person month', null, 300_000_000, 250_000_000, ['per_alan']],
  ]);
});

test('a policy that turns to observing enforces no limit', () => {
  const budgets = [{ scope: 'organization' as const, limit: 7 }];
  const { limits } = compare(policy({ budgets }), policy({ budgets, mode: 'observe' }), { subjects: [ada] });
  assert.deepEqual(
    limits.map(({ from, to }) => [from, to]),
    [[7, null]],
  );
});

test('whose content is kept from now on, and whose no longer', () => {
  const one = policy({ keeps: ({ id }) => id === 'per_ada' });
  const two = policy({ keeps: ({ id }) => id === 'per_alan' });
  assert.deepEqual(
    compare(one, two)
      .content.map(({ kept, who }) => [kept, who.map(({ id }) => id)])
      .sort(),
    [
      [false, ['per_ada']],
      [true, ['per_alan']],
    ],
  );
});

test('a diff reads: who loses what, up to five names, then how many more', () => {
  const many = Array.from({ length: 12 }, (_, i) => person(`p${String(i).padStart(2, '0')}`));
  const after = policy({
    rules: [rule('allow', 'claude-*'), rule('deny', 'claude-opus-*', { to: [{ kind: 'everyone' }] })],
    budgets: [{ scope: 'person', limit: 12_500_000, period: 'day', models: ['other'] }],
    keeps: ({ kind }) => kind === 'service',
  });
  const lines = formatDiff(compare(allowAll, after, { subjects: [...many, bot] }));
  const names = 'p00@example.com, p01@example.com, p02@example.com, p03@example.com, p04@example.com';
  assert.deepEqual(lines, [
    `claude-opus-5-5: lost by 12 people and 1 service: bot, ${names.split(', ').slice(0, 4).join(', ')} and 8 more`,
    '  before: allow, access[0] (line 10): allow claude-*',
    '  after: deny, access[1] (line 11): deny claude-opus-*',
    `Budget for the day (person) on other changes from none to 12.50 USD/day for 12 people: ${names} and 7 more`,
    'Content of calls is kept from now on for 1 service: bot',
    '13 people and services, 4 models and 0 capabilities were tried.',
  ]);
  assert.deepEqual(formatDiff(compare(after, after)), [
    'Nothing changes. 3 people and services, 4 models and 0 capabilities were tried.',
  ]);
});

test('names worth trying are those written out, and the known ones of a pattern or the pattern itself', () => {
  const named = policy({
    rules: [
      rule('allow', 'claude-opus-*'),
      rule('deny', 'future-*'),
      rule('allow', 'exact'),
      rule('allow', 'web_*', { resource: 'capability' }),
      rule('allow', 'code_execution', { resource: 'capability' }),
    ],
    ceiling: ['exact', 'ceiling-model'],
    budgets: [{ scope: 'model', only: ['by-budget'], models: null }],
    rates: [{ scope: 'person', models: ['by-rate'] }],
  });
  assert.deepEqual(modelsNamedBy(named, MODELS), [
    'by-budget',
    'by-rate',
    'ceiling-model',
    'claude-opus-5-5',
    'exact',
    'future-*',
  ]);
  assert.deepEqual(capabilitiesNamedBy(named), ['code_execution', 'web_*']);
});

test('whose role the policy changes shows, and a service has none', () => {
  const group = { kind: 'group', id: 'okta/admins' } as const;
  const [none, some] = [policy({}), policy({ roles: { admin: [group], auditor: EVERYONE } })];
  const subjects = () => [{ ...ada, groups: ['okta/admins'] }, { ...alan, groups: ['okta/Admins'] }, bot];
  const diff = diffPolicies({ before: none, after: some, subjects, models: [], now: NOW });
  assert.deepEqual(
    diff.roles.map(({ from, to, who }) => [from, to, who.map(({ id }) => id)]),
    [
      ['member', 'admin', ['per_ada']],
      ['member', 'auditor', ['per_alan']],
    ],
  );
  assert.ok(!isEmptyDiff(diff));
  assert.equal(formatDiff(diff)[0], 'Role by the policy changes from member to admin for 1 person: ada@example.com');
});

/** A diff in an order of its own, and the one that the reverse change must give. */
function canonical(diff: PolicyDiff): string[] {
  return [...diff.access, ...diff.limits, ...diff.content, ...diff.roles].map((entry) => JSON.stringify(entry)).sort();
}

const OPPOSITE = { gained: 'lost', lost: 'gained', changed: 'changed' } as const;

function mirrored({ access, limits, content, roles, tried }: PolicyDiff): PolicyDiff {
  return {
    access: access.map((one) => ({
      ...one,
      change: OPPOSITE[one.change],
      from: one.to,
      to: one.from,
      by: { before: one.by.after, after: one.by.before },
    })),
    limits: limits.map((one) => ({ ...one, from: one.to, to: one.from })),
    content: content.map((one) => ({ ...one, kept: !one.kept })),
    roles: roles.map((one) => ({ ...one, from: one.to, to: one.from })),
    tried,
  };
}

test('the same policy twice gives an empty diff, the reverse change the mirrored one, parts add up to the whole', () => {
  let changes = 0;
  const mirror = fc.property(policies, policies, callers, callers, (one, two, before, after) => {
    const base = { models: MODELS, now: NOW };
    assert.ok(isEmptyDiff(diffPolicies({ ...base, before: one, after: one, subjects: () => before })));
    const subjects = (of: typeof one) => (of === one ? before : after);
    const forth = diffPolicies({ ...base, before: one, after: two, subjects });
    const back = diffPolicies({ ...base, before: two, after: one, subjects });
    changes += forth.access.length;
    const ids = [...new Set([...before, ...after].map(({ id }) => id))];
    const parts = ids.map((id) => {
      const own = (of: typeof one) => subjects(of).filter((subject) => subject.id === id);
      return diffPolicies({ ...base, before: one, after: two, subjects: own });
    });
    if (parts.length > 0) assert.deepEqual(mergeDiffs(parts), forth);
    assert.deepEqual(canonical(back), canonical(mirrored(forth)));
  });
  fc.assert(mirror, RUNS);
  assert.ok(changes > 300);
});

test('a diff misses nothing and invents nothing: asked one by one, both policies say so', () => {
  const whole = fc.property(policies, policies, callers, (before, after, subjects) => {
    const { access } = diffPolicies({ before, after, subjects: () => subjects, models: MODELS, now: NOW });
    const models = access.filter(({ resource }) => resource === 'model');
    const found = models.flatMap((one) =>
      one.who.flatMap(({ id }) => one.names.map((name) => `${id} ${name} ${one.from.effect} ${one.to.effect}`)),
    );
    const expected = subjects.flatMap((subject) =>
      MODELS.flatMap((name) => {
        const [one, two] = [before, after].map((of) =>
          of.decide({ subject, resource: { kind: 'model', name }, now: NOW }),
        );
        const observed = (of: typeof one) => of?.effect !== 'deny' && (of?.observed.length ?? 0) > 0;
        const equal = one?.effect === two?.effect && observed(one) === observed(two);
        return equal ? [] : [`${subject.id} ${name} ${one?.effect} ${two?.effect}`];
      }),
    );
    assert.deepEqual(found.sort(), expected.sort());
  });
  fc.assert(whole, RUNS);
});
