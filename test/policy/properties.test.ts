import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadPolicy } from '../../src/policy/load.ts';
import type { Effect, Question, Subject } from '../../src/policy/model.ts';
import { ADA_ID, CI_ID, KEY_ID, load, NOW } from './support.ts';

const RUN = { seed: 4_217, numRuns: 250 };

interface Entry {
  readonly effect: Effect;
  readonly patterns: readonly string[];
  readonly to: readonly string[];
  readonly until?: string;
  readonly mode: 'enforce' | 'observe';
}

const PATTERNS = ['*', 'claude-*', 'claude-opus-*', 'claude-opus-5', 'claude-opus-5-20260101', '*-5', 'small'];
const SUBJECTS = ['everyone', 'team a', 'team b', 'ada@example.com', ADA_ID, 'service ci', CI_ID, `key ${KEY_ID}`];

const some = (values: readonly string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
const entryOf = (effects: readonly Effect[]) =>
  fc.record(
    {
      effect: fc.constantFrom(...effects),
      patterns: some(PATTERNS),
      to: some(SUBJECTS),
      until: fc.constantFrom('2026-01-01', '2027-01-01'),
      mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'observe'),
    },
    { requiredKeys: ['effect', 'patterns', 'to', 'mode'] },
  ) as fc.Arbitrary<Entry>;
const entry = entryOf(['allow', 'ask', 'deny']);

const head = fc.record({ models: fc.record({ allowed: some(PATTERNS) }) }, { requiredKeys: [] }) as fc.Arbitrary<
  Record<string, unknown>
>;

const teams = fc.constantFrom<readonly string[]>([], ['a'], ['b'], ['a', 'B']);
const subject: fc.Arbitrary<Subject> = fc
  .tuple(fc.constantFrom('person', 'service'), teams, fc.boolean())
  .map(([kind, teamsOf, named]) => ({
    kind: kind as Subject['kind'],
    id: kind === 'person' ? ADA_ID : CI_ID,
    name: !named ? null : kind === 'person' ? 'ada@example.com' : 'ci',
    key: KEY_ID,
    teams: teamsOf,
    team: teamsOf[0] ?? null,
    groups: [],
  }));
const question: fc.Arbitrary<Question> = fc
  .tuple(subject, fc.constantFrom('claude-opus-5', 'claude-opus-5-20260101', 'small', 'large', 'claude-haiku-4'))
  .map(([who, name]) => ({ subject: who, resource: { kind: 'model', name }, now: NOW }));

function textOf(document: Record<string, unknown>, entries: readonly Entry[]): string {
  const access = entries.map(({ effect, patterns, ...rest }) => ({ [effect]: patterns, ...rest }));
  return JSON.stringify({ teams: { a: {}, b: {} }, ...document, access });
}

const RANK = { deny: 0, ask: 1, allow: 2 };

function effectOf(document: Record<string, unknown>, entries: readonly Entry[], asked: Question): Effect {
  return load(textOf(document, entries)).policy.decide(asked).effect;
}

const entries = fc.array(entry, { maxLength: 6 });

test('P8: adding a deny never permits more', () => {
  let changed = 0;
  fc.assert(
    fc.property(head, entries, entryOf(['deny']), fc.nat(6), question, (document, before, deny, at, asked) => {
      const [old, now] = [before, before.toSpliced(at, 0, deny)].map((list) => effectOf(document, list, asked));
      assert.ok(RANK[now!] <= RANK[old!], `${old} became ${now}`);
      if (old !== now) changed++;
    }),
    RUN,
  );
  assert.ok(changed > 5, `only ${changed} cases changed`);
});

test('P8: adding an allow never refuses more', () => {
  let changed = 0;
  fc.assert(
    fc.property(head, entries, entryOf(['allow']), fc.nat(6), question, (document, before, allow, at, asked) => {
      const [old, now] = [before, before.toSpliced(at, 0, allow)].map((list) => effectOf(document, list, asked));
      assert.ok(RANK[now!] >= RANK[old!], `${old} became ${now}`);
      if (old !== now) changed++;
    }),
    RUN,
  );
  assert.ok(changed > 5, `only ${changed} cases changed`);
});

test('P8: the order of the rules never changes an effect', () => {
  const shuffled = entries.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
  );
  fc.assert(
    fc.property(head, shuffled, question, (document, [one, other], asked) => {
      const a = load(textOf(document, one)).policy.decide(asked);
      const b = load(textOf(document, other)).policy.decide(asked);
      assert.equal(a.effect, b.effect);
      assert.equal(a.maxUses, b.maxUses);
      assert.equal(a.observed.length, b.observed.length);
    }),
    RUN,
  );
});

test('P8: a rule that observes changes no effect', () => {
  fc.assert(
    fc.property(head, entries, question, (document, list, asked) => {
      const enforced = list.filter(({ mode }) => mode === 'enforce');
      assert.equal(effectOf(document, list, asked), effectOf(document, enforced, asked));
    }),
    RUN,
  );
});

test('P8: a model outside the ceiling is never permitted', () => {
  fc.assert(
    fc.property(entries, question, (list, asked) => {
      assert.equal(effectOf({ models: { allowed: ['other-*'] } }, list, asked), 'deny');
    }),
    RUN,
  );
});

test('P8: findings tell no lies: without a rule that never applies, every effect is the same', () => {
  let dropped = 0;
  fc.assert(
    fc.property(head, entries, fc.array(question, { minLength: 5, maxLength: 5 }), (document, list, asked) => {
      const whole = load(textOf(document, list), NOW);
      const never = new Set(
        whole.findings
          .filter(({ code }) => ['never_applies', 'contradiction', 'expired', 'duplicate'].includes(code))
          .map(({ place }) => place.path),
      );
      const kept = list.filter((_, i) => !never.has(`access[${i}]`));
      dropped += list.length - kept.length;
      for (const one of asked) {
        assert.equal(effectOf(document, kept, one), whole.policy.decide(one).effect, [...never].join());
      }
    }),
    RUN,
  );
  assert.ok(dropped > 50, `only ${dropped} rules were dropped`);
});

test('P8: a document that fails to load yields no policy, whatever is wrong with it', () => {
  const broken = fc.constantFrom(
    { acess: [] },
    { mode: 'observ' },
    { access: [{ allow: '*' }] },
    { access: [{ deny: '*', to: 'team c' }] },
    { access: [{ allow: '*', deny: '*', to: 'everyone' }] },
    { budgets: [{ each: 'person', limit: '300' }] },
    { rates: [{ each: 'person' }] },
    { models: { allow: ['*'] } },
    { retention: { content: { 'team c': 'full' } } },
  );
  fc.assert(
    fc.property(entries, broken, (list, fault) => {
      const text = JSON.stringify({ teams: { a: {}, b: {} }, ...JSON.parse(textOf({}, list)), ...fault });
      const loaded = loadPolicy({ text, file: 'p.json' });
      assert.equal(loaded.ok, false);
      assert.equal('policy' in loaded, false);
    }),
    RUN,
  );
});
