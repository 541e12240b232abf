import { counterOf, limitOf, MEASURES, modeOf } from './counted.ts';
import type { CompiledPolicy, Effect, Period, Place, Resource, Scope, Subject } from './model.ts';

/** What a policy answers one caller about one resource. */
export interface Access {
  readonly effect: Effect;
  /** Allowed, but a rule that only observes, or a policy that does, records a would-be refusal. */
  readonly observed: boolean;
  readonly maxUses: number | null;
}

/** One side of a comparison. */
export interface Side {
  readonly policy: CompiledPolicy;
  /** Null where this side does not know the caller. */
  readonly subject: Subject | null;
}

const NOTHING: Access = { effect: 'deny', observed: false, maxUses: null };

/** The answer, and the line that gave it. */
export function accessOf(
  { policy, subject }: Side,
  resource: Resource,
  now: number,
): { readonly access: Access; readonly by: Place | null } {
  if (subject === null) return { access: NOTHING, by: null };
  const { effect, observed, maxUses, place } = policy.decide({ subject, resource, now });
  return { access: { effect, observed: effect !== 'deny' && observed.length > 0, maxUses }, by: place };
}

/** What a limit bounds. */
export interface LimitKind {
  readonly measure: 'budget' | Measure;
  readonly scope: Scope;
  /** Of a budget; rates are for 60 seconds, or for calls open at once. */
  readonly period: Period | null;
}

type Measure = (typeof MEASURES)[number];

/**
 * The smallest enforced limit of each kind for this caller and model. By scope, because a person's own budget would hide what
 * changed of the team's. Keys name the kind.
 */
export function limitsOf({ policy, subject }: Side, model: string | null): Map<string, Limit> {
  const limits = new Map<string, Limit>();
  if (subject === null) return limits;
  const call = { subject, model };
  const note = (kind: LimitKind, value: number | null): void => {
    if (value === null) return;
    const key = `${kind.measure} ${kind.scope} ${kind.period ?? ''}`;
    limits.set(key, { kind, value: Math.min(value, limits.get(key)?.value ?? value) });
  };
  for (const line of policy.budgets) {
    if (modeOf(policy, line) === 'observe' || counterOf(line, call) === null) continue;
    note({ measure: 'budget', scope: line.scope, period: line.period }, limitOf(line, call));
  }
  for (const line of policy.rates) {
    if (modeOf(policy, line) === 'observe' || counterOf(line, call) === null) continue;
    for (const measure of MEASURES) note({ measure, scope: line.scope, period: null }, line[measure]);
  }
  return limits;
}

export interface Limit {
  readonly kind: LimitKind;
  readonly value: number;
}
