import fc from 'fast-check';
import type {
  AccessRule,
  BudgetLine,
  CompiledPolicy,
  RateLine,
  Subject,
  SubjectPattern,
} from '../../src/policy/model.ts';
import { DAY, NOW, policy } from './support.ts';

export const MODELS = ['claude-opus-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5', 'other'];
export const CAPABILITIES = ['web_search', 'code_execution'];
/** Shaped as an id, which a pattern must be to be compared with ids. */
export const PER_B = `per_${'b'.repeat(26)}`;
const TEAMS = ['payments', 'research'];
const GROUPS = ['okta/eng', 'okta/Eng'];

const modelPattern = fc.constantFrom('*', 'claude-*', 'claude-opus-*', 'claude-haiku-5-5', 'other', 'nothing-*');
const patternsOf = (one: fc.Arbitrary<string>) => fc.array(one, { minLength: 1, maxLength: 2 });

const to: fc.Arbitrary<SubjectPattern> = fc.oneof(
  fc.constant<SubjectPattern>({ kind: 'everyone' }),
  fc.constantFrom(...TEAMS).map((id): SubjectPattern => ({ kind: 'team', id })),
  fc.constantFrom(...GROUPS).map((id): SubjectPattern => ({ kind: 'group', id })),
  fc.constantFrom('a@example.com', PER_B).map((id): SubjectPattern => ({ kind: 'person', id })),
  fc.constant<SubjectPattern>({ kind: 'service', id: 'bot' }),
  fc.constant<SubjectPattern>({ kind: 'key', id: 'key_a' }),
);

const mode = fc.constantFrom('enforce' as const, 'enforce' as const, 'observe' as const);

const rule: fc.Arbitrary<Partial<AccessRule>> = fc
  .record({
    effect: fc.constantFrom('allow' as const, 'ask' as const, 'deny' as const),
    resource: fc.constantFrom('model' as const, 'model' as const, 'capability' as const),
    patterns: patternsOf(modelPattern),
    capabilities: patternsOf(fc.constantFrom('web_*', ...CAPABILITIES)),
    to: fc.array(to, { minLength: 1, maxLength: 2 }),
    until: fc.constantFrom(null, null, NOW, NOW - DAY, NOW + 1),
    mode,
  })
  .map(({ capabilities, ...rest }) => (rest.resource === 'model' ? rest : { ...rest, patterns: capabilities }));

const counted = {
  scope: fc.constantFrom(...(['organization', 'team', 'person', 'service', 'key'] as const)),
  models: fc.option(patternsOf(modelPattern), { nil: null }),
  mode,
};

const budget: fc.Arbitrary<Partial<BudgetLine>> = fc.record({
  ...counted,
  period: fc.constantFrom('day' as const, 'month' as const),
  limit: fc.integer({ min: 0, max: 3 }),
});

const rate: fc.Arbitrary<Partial<RateLine>> = fc.record({
  ...counted,
  requests: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
  concurrent: fc.option(fc.integer({ min: 1, max: 3 }), { nil: null }),
});

export const policies: fc.Arbitrary<CompiledPolicy> = fc
  .record({
    mode: fc.constantFrom('enforce' as const, 'enforce' as const, 'observe' as const),
    rules: fc.array(rule, { maxLength: 6 }),
    ceiling: fc.option(patternsOf(modelPattern), { nil: null }),
    budgets: fc.array(budget, { maxLength: 3 }),
    rates: fc.array(rate, { maxLength: 2 }),
    kept: fc.subarray(['per_a', 'svc_bot']),
    roles: fc.record({ admin: fc.array(to, { maxLength: 1 }), auditor: fc.array(to, { maxLength: 1 }) }),
  })
  .map(({ kept, ...parts }) => policy({ ...parts, keeps: ({ id }) => kept.includes(id) }));

const teams = fc.subarray(TEAMS);
const groups = fc.subarray(GROUPS);

/** Two people, one of them in groups, and a service, each in some teams. */
export const callers: fc.Arbitrary<readonly Subject[]> = fc.tuple(teams, teams, teams, groups).map(([a, b, c, own]) => [
  { kind: 'person', id: 'per_a', name: 'a@example.com', key: 'key_a', teams: a, team: a[0] ?? null, groups: own },
  { kind: 'person', id: PER_B, name: null, key: 'key_b', teams: b, team: b[0] ?? null, groups: [] },
  { kind: 'service', id: 'svc_bot', name: 'bot', key: 'key_bot', teams: c, team: c[0] ?? null, groups: [] },
]);
