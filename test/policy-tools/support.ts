import type {
  AccessRule,
  BudgetLine,
  CompiledPolicy,
  Decision,
  Effect,
  Question,
  RateLine,
  Subject,
  SubjectPattern,
} from '../../src/policy/model.ts';
import { fits } from '../support/glob.ts';

/** 2027-03-15T12:00:00Z, a Monday. */
export const NOW = Date.UTC(2027, 2, 15, 12);
export const DAY = 86_400_000;

export const ada: Subject = person('ada', ['payments'], 'payments');
export const alan: Subject = person('alan', ['research'], 'research');
export const bot: Subject = {
  kind: 'service',
  id: 'svc_bot',
  name: 'bot',
  key: 'key_bot',
  teams: ['payments'],
  team: null,
  groups: [],
};

export function person(name: string, teams: readonly string[] = [], team: string | null = null): Subject {
  return {
    kind: 'person',
    id: `per_${name}`,
    name: `${name}@example.com`,
    key: `key_${name}`,
    teams,
    team,
    groups: [],
  };
}

export const EVERYONE: readonly SubjectPattern[] = [{ kind: 'everyone' }];

export function team(...names: string[]): SubjectPattern[] {
  return names.map((id) => ({ kind: 'team', id }));
}

/** The parts of a rule that matter to a test; the rest is plain. */
export function rule(effect: Effect, pattern: string, more: Partial<AccessRule> = {}): Partial<AccessRule> {
  return { effect, patterns: [pattern], ...more };
}

interface Parts {
  readonly mode?: CompiledPolicy['mode'];
  readonly timeZone?: string;
  readonly rules?: readonly Partial<AccessRule>[];
  readonly ceiling?: readonly string[] | null;
  readonly rates?: readonly Partial<RateLine>[];
  readonly budgets?: readonly Partial<BudgetLine>[];
  readonly memberships?: CompiledPolicy['memberships'];
  readonly keeps?: (subject: Subject) => boolean;
  readonly roles?: Partial<CompiledPolicy['identity']['roles']>;
}

/** A compiled policy by hand, with a naive decide() of its own. Rule n stands on line 10 + n. */
export function policy(parts: Parts): CompiledPolicy {
  const rules = (parts.rules ?? []).map((given, i): AccessRule => {
    const effect = given.effect ?? 'allow';
    const path = `${given.resource === 'capability' ? 'server_side' : 'access'}[${i}]`;
    return {
      place: { path, line: 10 + i, text: `${effect} ${(given.patterns ?? []).join(' ')}` },
      effect,
      resource: 'model',
      patterns: [],
      to: EVERYONE,
      until: null,
      because: null,
      mode: 'enforce',
      maxUses: null,
      ...given,
    };
  });
  const ceiling = parts.ceiling ?? null;
  const built: CompiledPolicy = {
    organization: 'acme',
    timeZone: parts.timeZone ?? 'UTC',
    mode: parts.mode ?? 'enforce',
    teams: new Map(),
    memberships: parts.memberships ?? new Map(),
    rules,
    ceiling:
      ceiling === null
        ? null
        : { place: { path: 'models.allowed', line: 3, text: `only ${ceiling.join(', ')}` }, patterns: ceiling },
    rates: (parts.rates ?? []).map((given, i): RateLine => {
      const place = { path: `rates[${i}]`, line: 50 + i, text: `rate of each ${given.scope}` };
      const none = { requests: null, countTokens: null, inputTokens: null, outputTokens: null, concurrent: null };
      return { place, mode: 'enforce', scope: 'person', only: null, models: null, ...none, ...given };
    }),
    budgets: (parts.budgets ?? []).map((given, i): BudgetLine => {
      const place = { path: `budgets[${i}]`, line: 70 + i, text: `budget of each ${given.scope}` };
      return {
        ...{
          place,
          mode: 'enforce',
          scope: 'person',
          only: null,
          models: null,
          id: `b${i}`,
          period: 'month',
          limit: 0,
        },
        ...{ except: new Map(), hold: 'estimate', warn: [], whenSpent: null, atCap: 'finish', ...given },
      };
    }),
    prices: [],
    unknownPrice: 'refuse',
    identity: {
      requireSso: false,
      providers: new Map(),
      roles: { admin: [], auditor: [], ...parts.roles },
    },
    twoPeople: new Set(),
    retention: { fallback: false, lines: [] },
    keepsContent: parts.keeps ?? (() => false),
    decide: (question) => decide(built, question),
  };
  return built;
}

export function isFor(to: readonly SubjectPattern[], subject: Subject): boolean {
  return to.some((one) => {
    if (one.kind === 'everyone') return true;
    if (one.kind === 'team') return subject.teams.includes(one.id);
    if (one.kind === 'group') return subject.groups.includes(one.id);
    if (one.kind === 'key') return subject.key === one.id;
    return subject.kind === one.kind && (subject.id === one.id || subject.name === one.id);
  });
}

function decide({ rules, ceiling, mode }: CompiledPolicy, { subject, resource, now }: Question): Decision {
  const live = rules.filter(
    (one) =>
      one.resource === resource.kind &&
      one.patterns.some((pattern) => fits(pattern, resource.name)) &&
      isFor(one.to, subject) &&
      (one.until === null || now < one.until),
  );
  const observing = live.filter((one) => one.mode === 'observe');
  const denies = observing
    .filter((one) => one.effect === 'deny')
    .map((one) => ({ code: 'not_permitted', rule: one.place.path }));
  const asks = observing
    .filter((one) => one.effect === 'ask')
    .map((one) => ({ code: 'approval_required', rule: one.place.path }));
  const answer = (effect: Effect, from: AccessRule | null, place = from?.place ?? null): Decision => {
    const reason = place === null ? 'no rule allows it' : `${place.path} decides`;
    const quieter = effect === 'allow' && denies.length === 0 ? asks : denies;
    const observed = effect === 'deny' ? [] : quieter;
    const decision = {
      effect,
      place,
      reason,
      because: from?.because ?? null,
      observed,
      maxUses: from?.maxUses ?? null,
    };
    if (mode === 'enforce' || effect === 'allow') return decision;
    const code = effect === 'ask' ? 'approval_required' : 'not_permitted';
    const rule = place?.path ?? (resource.kind === 'model' ? 'access' : 'server_side');
    return { ...decision, effect: 'allow', place: MODE, observed: [{ code, rule }, ...observed] };
  };
  if (resource.kind === 'model' && ceiling !== null && !ceiling.patterns.some((one) => fits(one, resource.name))) {
    return answer('deny', null, ceiling.place);
  }
  for (const effect of ['deny', 'ask', 'allow'] as const) {
    const first = live.find((one) => one.mode === 'enforce' && one.effect === effect);
    if (first !== undefined) return answer(effect, first);
  }
  return answer('deny', null);
}

const MODE = { path: 'mode', line: 2, text: 'mode: observe' };
