import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadAssertions, runAssertions } from '../../src/policy/assertions.ts';
import { diffPolicies, isEmptyDiff } from '../../src/policy/diff.ts';
import { explain } from '../../src/policy/explain.ts';
import { formatExplanation } from '../../src/policy/explain-text.ts';
import type { CompiledPolicy, Resource, Subject } from '../../src/policy/model.ts';
import { capabilitiesNamedBy, modelsNamedBy } from '../../src/policy/names.ts';
import { policyOf } from '../support/governance.ts';
import { CAPABILITIES, callers, MODELS, PER_B } from './arbitraries.ts';
import { NOW } from './support.ts';

const EXAMPLE = readFileSync(new URL('../../docs/examples/policy.yaml', import.meta.url), 'utf8');

const example = policyOf(EXAMPLE);

function subjectsOf(policy: CompiledPolicy): Subject[] {
  return ['ada@example.com', 'alan@example.com', 'payments-ci'].map((name): Subject => {
    const teams = policy.memberships.get(name) ?? [];
    const kind = name.includes('@') ? 'person' : 'service';
    return { kind, id: name, name, key: '', teams, team: teams[0] ?? null, groups: [] };
  });
}

test('assertions about the example policy hold, and those of its opposite do not', () => {
  const text = `tests:
  - { person: ada@example.com, model: claude-sonnet-5-5, expect: allow, by: "access[0]" }
  - { person: ada@example.com, model: claude-opus-5-5, expect: deny, by: nothing }
  - { person: alan@example.com, model: claude-opus-5-5, expect: allow, at: 2027-06-30 }
  - { person: alan@example.com, model: claude-opus-5-5, expect: deny, at: 2027-07-01 }
  - { person: alan@example.com, model: claude-opus-4-1, expect: deny, by: models.allowed }
  - { service: payments-ci, teams: [research], model: claude-opus-5-5, expect: deny, by: "access[2]" }
  - { person: alan@example.com, capability: web_search, expect: allow }
  - { person: ada@example.com, capability: web_search, expect: deny }
  - { person: ada@example.com, model: claude-haiku-5-5, budget: month, limit: 300 USD }
  - { service: payments-ci, model: claude-haiku-5-5, budget: month, limit: 200 USD }
  - { service: payments-ci, model: claude-haiku-5-5, budget: week, limit: none }
`;
  const loaded = loadAssertions({ text, file: 'tests.yaml' });
  assert.ok(loaded.ok);
  assert.deepEqual(runAssertions(example, loaded.assertions, NOW), { passed: 11, failed: [] });
  const opposite = loadAssertions({ text: text.replaceAll('expect: deny', 'expect: ask'), file: 'tests.yaml' });
  assert.ok(opposite.ok);
  const { failed } = runAssertions(example, opposite.assertions, NOW);
  assert.deepEqual(
    failed.map(({ line }) => line),
    [3, 5, 6, 7, 9],
  );
});

test('an explanation of the example names its lines', () => {
  const lineOf = (start: string) => EXAMPLE.split('\n').findIndex((line) => line.trim().startsWith(start)) + 1;
  const ci = subjectsOf(example)[2]!;
  const found = explain(example, { subject: ci, resource: { kind: 'model', name: 'claude-opus-5-5' }, now: NOW });
  assert.deepEqual(
    found.rules.map(({ place, standing }) => [place.line, standing]),
    [
      [lineOf('- { allow: everyday'), 'other_resource'],
      [lineOf('- { allow: claude-opus-*'), 'other_subject'],
      [lineOf('- { deny: claude-opus-*'), 'decides'],
    ],
  );
  assert.deepEqual(
    found.budgets.map(({ place }) => place.line),
    [lineOf('- { for: organization, limit'), lineOf('- { each: team, limit'), lineOf('- { each: service, limit')],
  );
  assert.deepEqual(
    found.rates.map(({ place, mode }) => [place.line, mode]),
    [
      [lineOf('- { each: service, requests'), 'enforce'],
      [lineOf('- { for: organization, models'), 'observe'],
    ],
  );
  const [verdict, , because] = formatExplanation(found);
  assert.match(verdict ?? '', /^payments-ci may not call claude-opus-5-5: /);
  assert.equal(because, 'Because: pipelines need no Opus');
});

test('a change of the example shows in its diff: a member moves, a limit falls, a model leaves', () => {
  assert.deepEqual(modelsNamedBy(example, ['claude-opus-5-5', 'claude-sonnet-5-5']), [
    'claude-haiku-*',
    'claude-haiku-5-5',
    'claude-opus-5-5',
    'claude-sonnet-5-5',
  ]);
  assert.deepEqual(capabilitiesNamedBy(example), ['web_search']);
  const base = { before: example, subjects: subjectsOf, models: ['claude-haiku-5-5', 'claude-opus-5-5'], now: NOW };
  assert.ok(isEmptyDiff(diffPolicies({ ...base, after: policyOf(EXAMPLE) })));
  const changed = EXAMPLE.replace('[ada@example.com, grace@', '[grace@')
    .replace('[alan@example.com, katherine', '[ada@example.com, alan@example.com, katherine')
    .replace('{ each: person, limit: 300', '{ each: person, limit: 250')
    .replace('claude-sonnet-5-5, claude-haiku-5-5]', 'claude-sonnet-5-5]');
  const { access, limits, content } = diffPolicies({ ...base, after: policyOf(changed) });
  const ids = (who: readonly { readonly id: string }[]) => who.map(({ id }) => id).join(' ');
  assert.deepEqual(
    access.map((one) => [one.change, one.names, ids(one.who)]),
    [
      ['lost', ['claude-haiku-5-5'], 'ada@example.com alan@example.com payments-ci'],
      ['gained', ['web_search'], 'ada@example.com'],
      ['gained', ['claude-opus-5-5'], 'ada@example.com'],
    ],
  );
  assert.deepEqual(
    limits.map(({ limit, from, to, who }) => [limit.scope, limit.period, from, to, ids(who)]),
    [
      ['person', 'month', 300_000_000, 250_000_000, 'ada@example.com alan@example.com'],
      ['team', 'month', 5_000_000_000, 12_000_000_000, 'ada@example.com'],
    ],
  );
  assert.deepEqual(
    content.map(({ kept, who }) => [kept, ids(who)]),
    [[true, 'ada@example.com']],
  );
});

const to = fc.constantFrom(
  'everyone',
  'everyone',
  'team payments',
  'team research',
  'a@example.com',
  PER_B,
  'service bot',
);
const rule = (effects: readonly string[], names: readonly string[]) =>
  fc
    .record({
      effect: fc.constantFrom(...effects),
      what: fc.constantFrom(...names),
      to,
      mode: fc.constantFrom('enforce', 'enforce', 'observe'),
      until: fc.constantFrom('2027-03-14', '2027-03-15', '2027-04-01', '2027-05-01'),
    })
    .map(({ effect, what, ...rest }) => ({ [effect]: what, ...rest }));

const documents = fc.record({
  mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'observe'),
  teams: fc.constant({ payments: {}, research: {} }),
  models: fc.constantFrom({}, { allowed: ['claude-opus-*', 'claude-haiku-5-5'] }),
  access: fc.array(
    rule(['allow', 'ask', 'deny'], ['*', '*', 'claude-*', 'claude-opus-*', 'claude-haiku-5-5', 'other']),
    {
      maxLength: 5,
    },
  ),
  server_side: fc.array(rule(['allow', 'deny'], CAPABILITIES), { maxLength: 3 }),
});

const resources: fc.Arbitrary<Resource> = fc.oneof(
  fc.constantFrom(...MODELS).map((name): Resource => ({ kind: 'model', name })),
  fc.constantFrom(...CAPABILITIES).map((name): Resource => ({ kind: 'capability', name })),
);

test('P8: explanations of loaded documents agree with what they decide', () => {
  let ranked = 0;
  const agrees = fc.property(documents, callers, resources, (document, subjects, resource) => {
    const policy = policyOf(JSON.stringify(document));
    for (const subject of subjects) {
      const question = { subject, resource, now: NOW };
      const decision = policy.decide(question);
      const { rules, deciding, decision: explained } = explain(policy, question);
      assert.deepEqual([explained.effect, deciding], [decision.effect, decision.place]);
      const decider = rules.find(({ standing }) => standing === 'decides');
      // Where no rule decides, it is the ceiling, the mode of the document, or nothing at all.
      if (decider === undefined) assert.ok([undefined, 'models.allowed', 'mode'].includes(deciding?.path));
      else assert.deepEqual([decider.place, decider.effect, decider.matched], [deciding, decision.effect, true]);
      const strength = ['allow', 'ask', 'deny'];
      for (const { matched, standing, effect } of rules) {
        if (decider === undefined || !matched || standing !== 'outranked') continue;
        ranked += 1;
        assert.ok(strength.indexOf(effect) <= strength.indexOf(decider.effect));
      }
      const enforced = rules.filter(({ matched, standing }) => matched && standing !== 'observes');
      if (policy.mode === 'enforce' && deciding === null) assert.deepEqual(enforced, []);
    }
  });
  fc.assert(agrees, { seed: 20260305, numRuns: 300 });
  assert.ok(ranked > 20, `${ranked} were outranked`);
});
