import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '../../src/kernel/config.ts';
import { type Assertion, loadAssertions, runAssertions } from '../../src/policy/assertions.ts';
import { policyOf } from '../support/governance.ts';
import { NOW, policy, rule, team } from './support.ts';

function load(text: string): readonly Assertion[] {
  const loaded = loadAssertions({ text, file: 'tests.yaml' });
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
  return loaded.assertions;
}

function problems(text: string): string[] {
  const loaded = loadAssertions({ text, file: 'tests.yaml' });
  assert.ok(!loaded.ok);
  return loaded.problems.map(formatProblem);
}

const acme = policy({
  timeZone: 'Europe/Berlin',
  memberships: new Map([
    ['ada@example.com', ['payments', 'research']],
    ['ci', ['payments']],
  ]),
  rules: [
    rule('allow', 'claude-*'),
    rule('deny', 'claude-opus-*', { to: team('payments'), until: Date.UTC(2027, 5, 29, 22) }),
    rule('ask', 'web_search', { resource: 'capability', to: team('guests') }),
  ],
  budgets: [
    { scope: 'organization', limit: 900_000_000 },
    { scope: 'person', limit: 300_000_000 },
    { scope: 'team', only: ['research'], limit: 1_500_000 },
    { scope: 'person', limit: 5, mode: 'observe' },
  ],
});

test('assertions that hold pass: by person, service, team, time and deciding line', () => {
  const assertions = load(`
tests:
  - { person: Ada@Example.com, model: claude-opus-5-5, expect: deny, by: "access[1]" }
  - { person: ada@example.com, model: claude-opus-5-5, expect: deny, at: 2027-06-29 }
  - { person: ada@example.com, model: claude-opus-5-5, expect: allow, at: 2027-06-30 }
  - { person: ada@example.com, model: claude-opus-5-5, expect: deny, at: "2027-06-29T23:59:59+02:00" }
  - { person: ada@example.com, model: claude-opus-5-5, expect: allow, at: "2027-06-30T00:00:00+02:00" }
  - { service: ci, model: claude-opus-5-5, expect: deny }
  - { person: guest@example.com, model: claude-opus-5-5, expect: allow, by: "access[0]" }
  - { person: guest@example.com, teams: [guests], capability: web_search, expect: ask }
  - { person: guest@example.com, capability: web_search, expect: deny, by: nothing }
  - { person: ada@example.com, model: claude-opus-5-5, budget: month, limit: 300 USD }
  - { person: ada@example.com, team: Research, model: claude-opus-5-5, budget: month, limit: 1.50 USD }
  - { service: ci, model: claude-opus-5-5, budget: month, limit: 900 USD }
  - { person: ada@example.com, model: claude-opus-5-5, budget: day, limit: none }
`);
  assert.deepEqual(runAssertions(acme, assertions, NOW), { passed: 13, failed: [] });
});

test('a day is asked about at its noon in the zone of the policy', () => {
  // Auckland is 12 hours ahead in June: its noon is midnight UTC, the same day.
  const until = Date.UTC(2027, 5, 29, 23, 59);
  const auckland = policy({ timeZone: 'Pacific/Auckland', rules: [rule('allow', 'm', { until })] });
  const assertions = load(`tests:
  - { person: a@example.com, model: m, expect: allow, at: 2027-06-29 }
  - { person: a@example.com, model: m, expect: deny, at: 2027-06-30 }
`);
  assert.deepEqual(runAssertions(auckland, assertions, NOW).failed, []);
});

test('one that fails says its line, what was expected, what came, and which line decided', () => {
  const assertions = load(`tests:
  - name: Opus for payments
    person: ada@example.com
    model: claude-opus-5-5
    expect: allow
  - { service: ci, model: claude-opus-5-5, expect: deny, by: "access[0]" }
  - { person: x@example.com, model: gpt, expect: allow }
  - { person: x@example.com, model: gpt, budget: month, limit: 299.999999 USD }
  - { person: ada@example.com, team: finance, model: claude-opus-5-5, expect: deny }
`);
  const { passed, failed } = runAssertions(acme, assertions, NOW);
  assert.equal(passed, 0);
  const decider = 'access[1] (line 11): deny claude-opus-*';
  assert.deepEqual(failed, [
    { name: 'Opus for payments', line: 2, expected: 'allow', got: 'deny', decidedBy: decider },
    {
      name: 'ci: claude-opus-5-5',
      line: 6,
      expected: 'deny by access[0]',
      got: 'deny by access[1]',
      decidedBy: decider,
    },
    { name: 'x@example.com: gpt', line: 7, expected: 'allow', got: 'deny', decidedBy: null },
    {
      name: 'x@example.com: budget for the month on gpt',
      line: 8,
      expected: '299.999999 USD',
      got: '300 USD',
      decidedBy: 'budgets[1] (line 71): budget of each person',
    },
    {
      // Charging a team one is not in would be refused at the door: the test is wrong, not the policy.
      name: 'ada@example.com: claude-opus-5-5',
      line: 9,
      expected: 'member of team finance',
      got: 'only payments, research',
      decidedBy: null,
    },
  ]);
});

test('P8: a test that checks less than it seems to is a mistake with line and column', () => {
  assert.deepEqual(problems('tests: []').length, 1);
  const misspelt = problems('tests:\n  - { person: a, modell: x, expect: deny }');
  assert.ok(misspelt.includes('tests.yaml:2:18: tests[0].modell: unknown key. Did you mean "model"?'));
  const cases: readonly (readonly [string, string])[] = [
    ['{ model: x, expect: deny }', 'tests[0]: give one of person and service'],
    ['{ person: a, service: b, model: x, expect: deny }', 'tests[0]: give one of person and service'],
    ['{ person: a, expect: deny }', 'tests[0]: give one of model and capability'],
    ['{ person: a, model: x, capability: y, expect: deny }', 'tests[0]: give one of model and capability'],
    ['{ person: a, model: x }', 'tests[0]: needs expect (allow, ask or deny), or budget and limit'],
    [
      '{ person: a, model: x, budget: month }',
      'tests[0]: a test of a budget needs its limit, such as "300 USD", or none',
    ],
    ['{ person: a, budget: month, limit: none }', 'tests[0]: a test of a budget needs a model'],
    ['{ person: a, model: x, expect: deny, limit: 3 USD }', 'tests[0].limit: needs budget: the period it is for'],
    [
      '{ person: a, model: x, budget: day, limit: none, expect: deny }',
      'tests[0].expect: does not belong to a test of a budget',
    ],
    ['{ person: a, model: x, budget: day, limit: 300 }', 'tests[0].limit: '],
    [
      '{ person: a, model: x, budget: day, limit: 300 EUR }',
      'tests[0].limit: write an amount such as "300 USD", or none',
    ],
    ['{ person: a, model: x, expect: deny, at: 2027-02-30 }', 'tests[0].at: write a day, such as 2027-06-30'],
    ['{ person: a, model: x, expect: dney }', 'tests[0].expect: '],
  ];
  for (const [entry, message] of cases) {
    const found = problems(`tests:\n  - ${entry}`);
    assert.equal(found.length, 1, `${entry}: ${found.join(' | ')}`);
    assert.match(found[0] ?? '', /^tests\.yaml:2:\d+: /);
    assert.ok(found[0]?.includes(message), `${found[0]} should say ${message}`);
  }
});

test('a test names groups of the person, which rules and teams of the policy know', () => {
  const grouped = policyOf(`
identity: { providers: [ { name: okta, oidc: { issuer: "https://o.example", client_id: c, token_auth: none, groups: g } } ] }
teams: { eng: { members: group okta/eng } }
access: [ { allow: a1, to: group okta/Leads }, { allow: b1, to: team eng } ]
`);
  const text = `tests:
  - { person: ada@example.com, groups: [OKTA/Leads], model: a1, expect: allow, by: "access[0]" }
  - { person: ada@example.com, groups: [okta/leads], model: a1, expect: deny, by: nothing }
  - { person: ada@example.com, groups: [okta/eng], team: eng, model: b1, expect: allow, by: "access[1]" }
  - { person: ada@example.com, model: b1, expect: deny }
`;
  assert.deepEqual(runAssertions(grouped, load(text), NOW), { passed: 4, failed: [] });
  for (const fault of [
    '{ person: ada@example.com, groups: [eng], model: a1, expect: deny }',
    '{ service: ci, groups: [okta/eng], model: a1, expect: deny }',
  ]) {
    assert.equal(problems(`tests: [${fault}]`).length, 1, fault);
  }
});
