import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Explanation, explain, type Standing } from '../../src/policy/explain.ts';
import { formatExplanation } from '../../src/policy/explain-text.ts';
import type { Resource } from '../../src/policy/model.ts';
import { fits } from '../support/glob.ts';
import { CAPABILITIES, callers, MODELS, policies } from './arbitraries.ts';
import { ada, alan, bot, isFor, NOW, policy, rule, team } from './support.ts';

const model = (name: string): Resource => ({ kind: 'model', name });

const acme = policy({
  timeZone: 'Europe/Berlin',
  ceiling: ['claude-opus-5-5', 'claude-haiku-5-5'],
  rules: [
    rule('allow', 'claude-haiku-*'),
    rule('allow', 'claude-*', { to: team('payments') }),
    rule('deny', 'claude-opus-*', { to: [{ kind: 'person', id: 'ada@example.com' }], because: 'no budget' }),
    rule('allow', 'claude-opus-*', { until: Date.UTC(2027, 1, 28, 23) }),
    rule('deny', 'claude-haiku-*', { mode: 'observe' }),
    rule('allow', 'web_search', { resource: 'capability', maxUses: 5 }),
    rule('ask', 'claude-opus-*', { to: team('research') }),
    rule('allow', 'claude-opus-*', { to: team('research') }),
  ],
  budgets: [
    { scope: 'organization', limit: 40_000_000_000 },
    { scope: 'person', limit: 300_000_000, except: new Map([['ada@example.com', 12_500_000]]) },
    { scope: 'service', limit: 1 },
    { scope: 'team', only: ['research'], limit: 2 },
    { scope: 'model', only: ['claude-opus-*'], limit: 3, mode: 'observe', period: 'day' },
    { scope: 'key', models: ['claude-haiku-*'], limit: 4 },
  ],
  rates: [
    { scope: 'person', requests: 60 },
    { scope: 'team', only: ['payments'], requests: 6 },
    { scope: 'service', requests: 9 },
  ],
});

const standings = ({ rules }: Explanation) => rules.map((verdict) => verdict.standing);

test('every rule for the kind of resource says how it stands to the question', () => {
  const found = explain(acme, { subject: ada, resource: model('claude-opus-5-5'), now: NOW });
  assert.equal(found.decision.effect, 'deny');
  assert.equal(found.deciding?.path, 'access[2]');
  const expected: Standing[] = [
    'other_resource',
    'outranked',
    'decides',
    'expired',
    'other_resource',
    'other_subject',
    'other_subject',
  ];
  assert.deepEqual(standings(found), expected);
  assert.deepEqual(
    found.rules.map((verdict) => verdict.why),
    [
      'it is for another model',
      'access[2] (line 12) is stronger: deny wins over ask, and ask over allow',
      null,
      'it ended on 2027-03-01 00:00 Europe/Berlin',
      'it is for another model',
      'it is not for this person',
      'it is not for this person',
    ],
  );
  assert.deepEqual(
    found.rules.map((verdict) => verdict.matched),
    [false, true, true, false, false, false, false],
  );
});

test('an observing rule, a second allow and a ceiling are told apart', () => {
  const haiku = explain(acme, { subject: ada, resource: model('claude-haiku-5-5'), now: NOW });
  assert.deepEqual(standings(haiku).slice(0, 5), [
    'decides',
    'outranked',
    'other_resource',
    'other_resource',
    'observes',
  ]);
  assert.equal(haiku.rules[1]?.why, 'access[0] (line 10) says the same and stands before it');
  assert.equal(haiku.rules[4]?.why, 'it only observes: it records and does not refuse');
  const beyond = explain(acme, { subject: ada, resource: model('claude-sonnet-5-5'), now: NOW });
  assert.equal(beyond.deciding?.path, 'models.allowed');
  assert.equal(beyond.rules[1]?.standing, 'outside_ceiling');
  assert.equal(beyond.rules[1]?.why, 'the model is outside models.allowed (line 3)');
});

test('in a policy that only observes, the rule that would refuse says so', () => {
  const rules = [rule('allow', '*'), rule('deny', 'claude-opus-*', { to: team('payments') })];
  const found = explain(policy({ mode: 'observe', rules }), {
    subject: ada,
    resource: model('claude-opus-5-5'),
    now: NOW,
  });
  assert.deepEqual([found.decision.effect, found.deciding?.path], ['allow', 'mode']);
  assert.deepEqual(
    found.rules.map((verdict) => verdict.why),
    [
      'access[1] (line 11) is stronger: deny wins over ask, and ask over allow',
      'the whole policy only observes, else it would refuse',
    ],
  );
  const lines = formatExplanation(found);
  assert.ok(lines.includes('The whole policy only observes: it records what it would refuse, and refuses nothing.'));
  assert.ok(lines.includes('Would be refused by access[1] (not_permitted) if it were enforced.'));
});

test('a capability is explained by the rules for capabilities alone', () => {
  const found = explain(acme, { subject: bot, resource: { kind: 'capability', name: 'web_search' }, now: NOW });
  assert.deepEqual(
    found.rules.map((verdict) => verdict.place.path),
    ['server_side[5]'],
  );
  assert.equal(found.decision.maxUses, 5);
  // Whatever its model is: lines for some models, and those by model, are left out.
  assert.deepEqual(
    found.budgets.map((line) => line.place.path),
    ['budgets[0]', 'budgets[2]'],
  );
});

test('budgets and rates that would count the call name their counter and the limit for this caller', () => {
  const budgets = (found: Explanation) =>
    found.budgets.map(({ place, counter, limit, mode }) => [place.path, counter, limit, mode]);
  const opus = explain(acme, { subject: ada, resource: model('claude-opus-5-5'), now: NOW });
  assert.deepEqual(budgets(opus), [
    ['budgets[0]', 'organization', 40_000_000_000, 'enforce'],
    ['budgets[1]', 'per_ada', 12_500_000, 'enforce'],
    ['budgets[4]', 'claude-opus-5-5', 3, 'observe'],
  ]);
  assert.deepEqual(
    opus.rates.map(({ place, counter }) => [place.path, counter]),
    [
      ['rates[0]', 'per_ada'],
      ['rates[1]', 'payments'],
    ],
  );
  const haiku = explain(acme, { subject: alan, resource: model('claude-haiku-5-5'), now: NOW });
  assert.deepEqual(budgets(haiku), [
    ['budgets[0]', 'organization', 40_000_000_000, 'enforce'],
    ['budgets[1]', 'per_alan', 300_000_000, 'enforce'],
    ['budgets[3]', 'research', 2, 'enforce'],
    ['budgets[5]', 'key_alan', 4, 'enforce'],
  ]);
  // The service belongs to a team but is charged to none.
  const service = explain(acme, { subject: bot, resource: model('other'), now: NOW });
  assert.deepEqual(
    service.rates.map(({ place }) => place.path),
    ['rates[2]'],
  );
});

test('an explanation reads: verdict, deciding line, the others with their why, what counts it', () => {
  const lines = formatExplanation(explain(acme, { subject: ada, resource: model('claude-opus-5-5'), now: NOW }));
  assert.deepEqual(lines.slice(0, 7), [
    'ada@example.com may not call claude-opus-5-5: access[2] decides.',
    'Decided by access[2] (line 12): deny claude-opus-*',
    'Because: no budget',
    '',
    'Other rules:',
    '  access[0] (line 10): allow claude-haiku-*. Does not match: it is for another model.',
    '  access[1] (line 11): allow claude-*. Matches, but access[2] (line 12) is stronger: deny wins over ask, and ask over allow.',
  ]);
  assert.ok(lines.includes('  budgets[1] (line 71): budget of each person; here 12.50 USD/month, counted for per_ada'));
  assert.ok(
    lines.includes(
      '  budgets[4] (line 74): budget of each model; here 0.000003 USD/day, counted for claude-opus-5-5 (only observes)',
    ),
  );
  assert.equal(lines.filter((line) => line.includes('access[2] (line 12): ')).length, 1, 'the decider is said once');
  assert.ok(lines.includes('  rates[0] (line 50): rate of each person, counted for per_ada'));
  const ask = formatExplanation(explain(acme, { subject: alan, resource: model('claude-opus-5-5'), now: NOW }));
  assert.equal(ask[0], 'alan@example.com needs an approval to call claude-opus-5-5: access[6] decides.');
  const search = { kind: 'capability', name: 'web_search' } as const;
  const uses = formatExplanation(explain(acme, { subject: bot, resource: search, now: NOW }));
  assert.equal(uses[0], 'bot may use web_search (at most 5 uses in a call): server_side[5] decides.');
});

test('what comes from outside cannot rewrite the terminal', () => {
  const hostile = { ...ada, name: 'ada\u001b[2J@example.com' };
  const nothing = policy({});
  const lines = formatExplanation(explain(nothing, { subject: hostile, resource: model('x\r\n\u202ey'), now: NOW }));
  assert.equal(lines[0], 'ada\\u{1b}[2J@example.com may not call x\\u{d}\\u{a}\\u{202e}y: no rule allows it.');
  assert.equal(lines[1], 'No line of the policy decides.');
});

const resources = fc.oneof(
  fc.constantFrom(...MODELS).map(model),
  fc.constantFrom(...CAPABILITIES).map((name): Resource => ({ kind: 'capability', name })),
);

test('P8: an explanation agrees with the decision, and its verdicts with a naive reading of the rules', () => {
  const seen = new Set<Standing>();
  const agrees = fc.property(policies, callers, resources, (asked, subjects, resource) => {
    for (const subject of subjects) {
      const question = { subject, resource, now: NOW };
      const decision = asked.decide(question);
      const found = explain(asked, question);
      assert.equal(found.decision.effect, decision.effect);
      assert.deepEqual(found.deciding, decision.place);
      const deciders = found.rules.filter((verdict) => verdict.standing === 'decides');
      const byRule = asked.rules.filter((one) => one.place.path === decision.place?.path);
      assert.deepEqual(
        deciders.map((one) => one.place),
        byRule.map((one) => one.place),
      );
      const rules = asked.rules.filter((one) => one.resource === resource.kind);
      assert.equal(found.rules.length, rules.length);
      for (const [i, one] of rules.entries()) {
        const verdict = found.rules[i]!;
        seen.add(verdict.standing);
        const live = one.until === null || NOW < one.until;
        const hits = one.patterns.some((pattern) => fits(pattern, resource.name)) && isFor(one.to, subject) && live;
        assert.equal(verdict.matched, hits);
        assert.equal(verdict.why === null, verdict.standing === 'decides');
      }
      // The strongest enforced rule that matched is the one that decides, unless the ceiling or the mode did.
      const strongest = (['deny', 'ask', 'allow'] as const)
        .map((effect) =>
          found.rules.find((one, i) => one.matched && one.effect === effect && rules[i]?.mode === 'enforce'),
        )
        .find((verdict) => verdict !== undefined);
      const observing = found.deciding?.path === 'mode';
      const ceiling = [found.deciding?.path, observing ? decision.observed[0]?.rule : null].includes('models.allowed');
      if (!ceiling && !observing) assert.deepEqual(found.deciding, strongest?.place ?? null);
      if (!ceiling && observing && strongest !== undefined) assert.equal(strongest.standing, 'observes');
      for (const one of found.rules) {
        if (one.standing === 'outside_ceiling') assert.ok(ceiling);
        if (one.standing === 'outranked') assert.ok(!ceiling && strongest !== undefined);
      }
    }
  });
  fc.assert(agrees, { seed: 20260301, numRuns: 400 });
  assert.equal(seen.size, 7, 'every standing was met');
});
