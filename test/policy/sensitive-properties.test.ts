import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyTeams } from '../../src/policy/membership.ts';
import type { AccessRule, CompiledPolicy, Subject, TwoPeopleKind } from '../../src/policy/model.ts';
import { sensitiveChanges } from '../../src/policy/sensitive.ts';
import { isFor } from '../policy-tools/support.ts';
import { fits } from '../support/glob.ts';
import { ada, ci, KEY_ID, load } from './support.ts';

const RUN = { seed: 90_210, numRuns: 250 };

const PATTERNS = ['*', 'claude-*', 'claude-opus-*', 'claude-opus-5', 'claude-haiku-4', '*-4', 'small'];
const MODELS = ['claude-opus-5', 'claude-opus-6', 'claude-haiku-4', 'small', 'large'];
const CAPABILITIES = ['web_search', 'web_fetch', 'files'];
const GROUPS = ['okta/x', 'okta/X'];
const SUBJECTS = [
  'everyone',
  'team a',
  'team b',
  'ada@example.com',
  'service payments-ci',
  `key ${KEY_ID}`,
  'group okta/x',
];
const PROVIDER = {
  name: 'okta',
  oidc: { issuer: 'https://o.example', client_id: 'c', client_secret: 'env:A', groups: 'g' },
};

interface Document {
  readonly access: readonly Rule[];
  readonly server_side: readonly Rule[];
  readonly models?: { readonly allowed: readonly string[] };
  readonly rates: readonly Record<string, unknown>[];
  readonly budgets: readonly Record<string, unknown>[];
  readonly teams: Readonly<Record<string, { readonly members: readonly string[] }>>;
  readonly retention: { readonly content: Readonly<Record<string, 'none' | 'full'>> };
}

interface Rule {
  readonly effect: 'allow' | 'ask' | 'deny';
  readonly names: readonly string[];
  readonly to: readonly string[];
  readonly until?: string;
  readonly max_uses?: number;
  readonly mode: 'enforce' | 'observe';
}

const some = (values: readonly string[]) => fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 });
const mode = fc.constantFrom('enforce', 'enforce', 'enforce', 'observe');
const until = fc.constantFrom('2030-01-01', '2031-01-01');

const ruleOf = (effects: readonly Rule['effect'][], names: readonly string[]) =>
  fc.record(
    { effect: fc.constantFrom(...effects), names: some(names), to: some(SUBJECTS), until, mode },
    { requiredKeys: ['effect', 'names', 'to', 'mode'] },
  ) as fc.Arbitrary<Rule>;

const capability = fc
  .tuple(ruleOf(['allow', 'deny'], [...CAPABILITIES, 'web_*']), fc.constantFrom(undefined, 1, 2))
  .map(([rule, uses]) => (rule.effect === 'deny' || uses === undefined ? rule : { ...rule, max_uses: uses }));

const scope = fc.constantFrom<Record<string, unknown>>(
  { each: 'person' },
  { each: 'team' },
  { for: 'team a' },
  { for: ['team b', 'team a'] },
  { for: 'organization' },
);
const rate = fc.tuple(scope, fc.constantFrom(1, 2, 3), mode).map(([whom, count, how]) => {
  return { ...whom, requests: `${count}/min`, mode: how };
});
const budget = fc
  .tuple(scope, fc.constantFrom(1, 2, 3), fc.constantFrom('strict', 'strict', 'estimate'), mode)
  .map(([whom, limit, hold, how]) => ({ ...whom, limit: `${limit} USD/month`, hold, mode: how }));
const members = fc.uniqueArray(
  fc.constantFrom('ada@example.com', 'service payments-ci', 'group okta/x', 'group okta/X'),
  {
    maxLength: 2,
  },
);
const kept = fc.uniqueArray(
  fc.tuple(fc.constantFrom('default', ...SUBJECTS.slice(1), 'group okta/X'), fc.constantFrom('none', 'full')),
  { selector: ([name]) => name, maxLength: 4 },
);

const document: fc.Arbitrary<Document> = fc
  .record(
    {
      access: fc.array(ruleOf(['allow', 'ask', 'deny', 'deny'], PATTERNS), { maxLength: 4 }),
      server_side: fc.array(capability, { maxLength: 3 }),
      models: fc.record({ allowed: some(PATTERNS) }),
      rates: fc.array(rate, { maxLength: 2 }),
      budgets: fc.array(budget, { maxLength: 2 }),
      teams: fc.record({ a: fc.record({ members }), b: fc.record({ members }) }),
      retention: kept.map((lines) => ({ content: Object.fromEntries(lines) })),
    },
    { requiredKeys: ['access', 'server_side', 'rates', 'budgets', 'teams', 'retention'] },
  )
  .map((made) => made as Document);

function written({ access, server_side, ...rest }: Document): string {
  const entries = (rules: readonly Rule[]) => rules.map(({ effect, names, ...more }) => ({ [effect]: names, ...more }));
  const identity = { providers: [PROVIDER] };
  return JSON.stringify({ ...rest, identity, access: entries(access), server_side: entries(server_side) });
}

function kinds(before: Document, after: Document): Set<TwoPeopleKind> {
  const found = sensitiveChanges(load(written(before)).policy, load(written(after)).policy);
  return new Set(found.map(({ kind }) => kind));
}

/** Callers as the gateway would see them under a policy: its teams, each of them charged once. */
function callers(policy: CompiledPolicy): Subject[] {
  const people = [[], GROUPS, ['okta/x'], ['okta/X']].flatMap((groups) => [
    { ...ada, groups, teams: [] },
    {
      ...ada,
      id: 'per_01zzzzzzzzzzzzzzzzzzzzzzzz',
      name: 'eve@example.com',
      key: 'key_01zzzzzzzzzzzzzzzzzzzzzzzz',
      groups,
    },
  ]);
  return [...people, { ...ci, key: '' }].map((who) => {
    const teams = policyTeams(policy, who);
    return { ...who, teams, team: teams[0] ?? null };
  });
}

function pairs(before: CompiledPolicy, after: CompiledPolicy): [Subject, Subject][] {
  const now = callers(after);
  return callers(before).map((subject, i) => [subject, now[i] ?? subject]);
}

const RANK = { allow: 0, ask: 1, deny: 2 };
const TIMES = [Date.UTC(2029, 0), Date.UTC(2030, 6), Date.UTC(2040, 0)];

/** How strongly rules hold back this caller: 2 for a deny, 1 for an ask; a plain reading of them. */
function bound(
  policy: CompiledPolicy,
  asked: { kind: AccessRule['resource']; name: string; at: number; who: Subject },
) {
  const { kind, name, at, who } = asked;
  const found = policy.rules.filter(
    (rule) =>
      rule.mode === 'enforce' &&
      rule.resource === kind &&
      (rule.until === null || at < rule.until) &&
      isFor(rule.to, who) &&
      rule.patterns.some((pattern) => fits(pattern, name)),
  );
  const strength = Math.max(0, ...found.map(({ effect }) => RANK[effect]));
  const uses = found.filter(({ effect }) => effect === 'allow').map(({ maxUses }) => maxUses ?? 1_000);
  return { strength, uses: Math.max(0, ...uses) };
}

function isWeaker(before: CompiledPolicy, after: CompiledPolicy): boolean {
  return pairs(before, after).some(([old, now]) =>
    TIMES.some((at) => {
      const model = MODELS.some((name) => {
        const asked = { kind: 'model', name, at } as const;
        return bound(before, { ...asked, who: old }).strength > bound(after, { ...asked, who: now }).strength;
      });
      const opened = CAPABILITIES.some((name) => {
        const asked = { kind: 'capability', name, at } as const;
        const [one, two] = [bound(before, { ...asked, who: old }), bound(after, { ...asked, who: now })];
        return one.strength > two.strength || (two.uses > one.uses && two.strength < 2);
      });
      return model || opened;
    }),
  );
}

function permits({ ceiling }: CompiledPolicy, name: string): boolean {
  return ceiling === null || ceiling.patterns.some((pattern) => fits(pattern, name));
}

/** The smallest strict budget, or rate, that counts a person who is charged to this team; a plain reading. */
function lowest(
  lines: readonly (CompiledPolicy['rates'][number] | CompiledPolicy['budgets'][number])[],
  team: string | null,
) {
  const limits = lines.map((line) => {
    if (line.mode !== 'enforce' || ('hold' in line && line.hold !== 'strict')) return 1e9;
    const counts = line.scope !== 'team' || (team !== null && (line.only === null || line.only.includes(team)));
    if (!counts) return 1e9;
    return 'hold' in line ? line.limit : (line.requests ?? 1e9);
  });
  return Math.min(1e9, ...limits);
}

test('P8: whatever binds less, opens or is kept more is found, in any two documents', () => {
  const seen = { weaker: 0, ceiling: 0, content: 0, limits: 0, nothing: 0 };
  fc.assert(
    fc.property(document, document, (one, two) => {
      const [before, after] = [load(written(one)).policy, load(written(two)).policy];
      const found = kinds(one, two);
      if (isWeaker(before, after)) {
        assert.ok(found.has('controls'), 'a rule binds less');
        seen.weaker++;
      }
      if (MODELS.some((name) => !permits(before, name) && permits(after, name))) {
        assert.ok(found.has('controls'), 'the ceiling is wider');
        seen.ceiling++;
      }
      if (pairs(before, after).some(([old, now]) => !before.keepsContent(old) && after.keepsContent(now))) {
        assert.ok(found.has('content'), 'content is kept');
        seen.content++;
      }
      for (const team of [null, 'a', 'b']) {
        for (const lines of ['rates', 'budgets'] as const) {
          if (lowest(before[lines], team) >= lowest(after[lines], team)) continue;
          assert.ok(found.has('controls'), `${lines} are higher`);
          seen.limits++;
        }
      }
      if (found.size === 0) seen.nothing++;
    }),
    RUN,
  );
  for (const [what, count] of Object.entries(seen))
    assert.ok(count > (what === 'nothing' ? -1 : 20), `${what}: ${count}`);
});

test('P8: in any document, a deny that is taken out and that nothing else says is found', () => {
  let found = 0;
  fc.assert(
    fc.property(document, ruleOf(['deny'], PATTERNS), fc.nat(4), (base, deny, at) => {
      const enforced: Rule = { ...deny, mode: 'enforce' };
      const with_ = { ...base, access: base.access.toSpliced(at, 0, enforced) };
      const [before, after] = [load(written(with_)).policy, load(written(base)).policy];
      const others = after.rules.some(({ effect, mode: how }) => effect === 'deny' && how === 'enforce');
      const must = !others || isWeaker(before, after);
      if (must) found++;
      assert.ok(!must || kinds(with_, base).has('controls'));
      assert.deepEqual([...kinds(base, with_)], [], 'one deny more weakens nothing');
    }),
    RUN,
  );
  assert.ok(found > 100, `only ${found}`);
});

/** The same document in other words: other order of entries, names and subjects, entries twice or split, other layout. */
const reworded = document.chain((base) =>
  fc
    .tuple(
      shuffled(base.access),
      shuffled(base.server_side),
      shuffled(base.rates),
      shuffled(base.budgets),
      shuffled(Object.entries(base.retention.content)),
      fc.boolean(),
    )
    .map(([access, server_side, rates, budgets, content, split]) => {
      const again = (rules: readonly Rule[]) => {
        const turned = rules.map((rule) => ({ ...rule, names: rule.names.toReversed(), to: rule.to.toReversed() }));
        const parts = turned.flatMap((rule) => rule.names.map((name) => ({ ...rule, names: [name] })));
        return split ? [...parts, ...turned.slice(0, 1)] : turned;
      };
      const other: Document = {
        ...base,
        ...{ access: again(access), server_side: again(server_side), rates, budgets },
        retention: { content: Object.fromEntries(content) },
        ...(base.models === undefined ? {} : { models: { allowed: base.models.allowed.toReversed() } }),
      };
      return [base, other] as const;
    }),
);

function shuffled<T>(list: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...list], { minLength: list.length, maxLength: list.length });
}

test('a document in another order and other words has no sensitive changes, in either direction', () => {
  fc.assert(
    fc.property(reworded, ([one, other]) => {
      assert.deepEqual([...kinds(one, other), ...kinds(other, one)], []);
      const laidOut = JSON.stringify(JSON.parse(written(other)), null, 4);
      assert.deepEqual(sensitiveChanges(load(written(one)).policy, load(laidOut).policy), []);
    }),
    RUN,
  );
});
