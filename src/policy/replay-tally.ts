import type { Action } from '../journal/bodies.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { CompiledPolicy, Decision, Place, Subject } from './model.ts';
import { type Top, TopGroups } from './top-groups.ts';

/** One call of the past, from its intent or refusal record. */
export interface PastCall {
  /** The caller with the teams that the candidate gives it. */
  readonly subject: Subject;
  readonly action: Action;
  /** Null for listings. */
  readonly model: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Code of its refusal; null where it was let through. */
  readonly refused: string | null;
  /** A grant approved it at the time: then what the candidate would ask an approval for is let through. False unless given. */
  readonly approved?: boolean;
}

/** Refusals of a policy: another one can turn them. */
const OF_POLICY: ReadonlySet<string> = new Set<ErrorCode>(['not_permitted', 'approval_required', 'no_policy']);

/** What the candidate would have refused. */
export interface ReplayRefusal {
  readonly code: ErrorCode;
  /** `Place.path` of the rule; null for closed by default. */
  readonly rule: string | null;
  /** The rule as a sentence, else the reason. */
  readonly text: string;
}

/**
 * What this policy would have decided of a past call, at the time of the call: null when it lets it through, as it does
 * with listings, which name no model. Only the model is asked about: records do not say which capabilities a call used.
 */
export function replayDecision(policy: CompiledPolicy, call: PastCall): null | ReplayRefusal {
  const decision = decisionOn(policy, call);
  return decision === null ? null : refusalOf(decision, call);
}

function decisionOn(policy: CompiledPolicy, { subject, model, at }: PastCall): Decision | null {
  return model === null ? null : policy.decide({ subject, resource: { kind: 'model', name: model }, now: at });
}

function refusalOf({ effect, place, reason }: Decision, { approved }: PastCall): null | ReplayRefusal {
  if (effect === 'allow' || (effect === 'ask' && approved === true)) return null;
  const code = effect === 'ask' ? 'approval_required' : 'not_permitted';
  return { code, rule: place?.path ?? null, text: place?.text ?? reason };
}

/** What a rule did; `rule` is null for closed by default. */
export interface RuleGroup {
  readonly rule: string | null;
  readonly text: string;
}

export type PersonGroup = Pick<Subject, 'kind' | 'id' | 'name'>;

export interface Turned {
  readonly calls: number;
  readonly byRule: Top<RuleGroup>;
  readonly byPerson: Top<PersonGroup>;
}

export interface TallyResult {
  readonly seen: number;
  /** Were let through, and would be refused. */
  readonly newlyRefused: Turned;
  /** Were refused by policy (`not_permitted`, `approval_required`, `no_policy`), and would be let through. */
  readonly newlyAllowed: Turned;
  /** Everything else: refusals with other codes too, which a policy cannot judge again. */
  readonly unchanged: number;
  /** Of those let through: would be refused if what only observes were enforced. */
  readonly observed: number;
}

/** Adds up, call by call, what a candidate would have changed. Memory is bounded. */
export class ReplayTally {
  readonly #policy: CompiledPolicy;
  readonly #refused = new TurnedCount();
  readonly #allowed = new TurnedCount();
  #seen = 0;
  #observed = 0;

  constructor(policy: CompiledPolicy) {
    this.#policy = policy;
  }

  /** Returns what the candidate says, as replayDecision does. */
  add(call: PastCall): null | ReplayRefusal {
    this.#seen += 1;
    const decision = decisionOn(this.#policy, call);
    if (decision === null) return null;
    const refusal = refusalOf(decision, call);
    if (refusal === null && decision.observed.length > 0) this.#observed += 1;
    if (refusal !== null && call.refused === null) this.#refused.add(call, refusal);
    if (refusal === null && call.refused !== null && OF_POLICY.has(call.refused))
      this.#allowed.add(call, ruleOf(decision.place, decision));
    return refusal;
  }

  result(): TallyResult {
    const newlyRefused = this.#refused.result();
    const newlyAllowed = this.#allowed.result();
    const unchanged = this.#seen - newlyRefused.calls - newlyAllowed.calls;
    return { seen: this.#seen, newlyRefused, newlyAllowed, unchanged, observed: this.#observed };
  }
}

function ruleOf(place: Place | null, { reason }: Decision): RuleGroup {
  return { rule: place?.path ?? null, text: place?.text ?? reason };
}

class TurnedCount {
  readonly #byRule = new TopGroups<RuleGroup>();
  readonly #byPerson = new TopGroups<PersonGroup>();

  add({ subject: { kind, id, name }, at }: PastCall, { rule, text }: RuleGroup): void {
    this.#byRule.add(rule ?? '', { rule, text }, at);
    this.#byPerson.add(id, { kind, id, name }, at);
  }

  result(): Turned {
    return { calls: this.#byRule.total, byRule: this.#byRule.top(), byPerson: this.#byPerson.top() };
  }
}
