import { counterOf, limitOf, modeOf } from './counted.ts';
import type {
  AccessRule,
  CompiledPolicy,
  Counted,
  Decision,
  Effect,
  Mode,
  Period,
  Place,
  Question,
  Resource,
  Subject,
} from './model.ts';
import { matches } from './patterns.ts';
import { applies } from './subjects.ts';
import { moment, placeName } from './wording.ts';

/** How a rule stands to a question; the first that holds, from the bottom: what is for another resource is not asked further. */
export type Standing =
  | 'decides'
  | 'outranked'
  | 'outside_ceiling'
  | 'observes'
  | 'expired'
  | 'other_subject'
  | 'other_resource';

export interface RuleVerdict {
  readonly place: Place;
  readonly effect: Effect;
  /** Resource, subject and time fit; whether it decides is another matter. */
  readonly matched: boolean;
  readonly standing: Standing;
  /** Why it does not decide, a sentence without its full stop; null for the rule that does. */
  readonly why: string | null;
}

export interface BudgetVerdict {
  readonly place: Place;
  /** What it counts by, see counterOf. */
  readonly counter: string;
  readonly period: Period;
  /** Micro-dollars, for this caller. */
  readonly limit: number;
  readonly mode: Mode;
}

export interface RateVerdict {
  readonly place: Place;
  readonly counter: string;
  readonly mode: Mode;
}

export interface Explanation {
  readonly subject: Subject;
  readonly resource: Resource;
  /** `observe`: the policy as a whole records and refuses nothing. */
  readonly mode: Mode;
  readonly decision: Decision;
  /** The line that decides: a rule, the ceiling, or the mode of a policy that only observes; null when nothing allows. */
  readonly deciding: Place | null;
  /** Every rule for this kind of resource, in the order of the document. */
  readonly rules: readonly RuleVerdict[];
  /** The rates and budgets that would count such a call. Of a capability: those that count whatever the model is. */
  readonly rates: readonly RateVerdict[];
  readonly budgets: readonly BudgetVerdict[];
}

/** Why the answer is what it is: the decision, how every rule stands to it, and what would count the call. */
export function explain(policy: CompiledPolicy, question: Question): Explanation {
  const { subject, resource } = question;
  const decision = policy.decide(question);
  const judge = new Judge(policy, question, decision);
  const call = { subject, model: resource.kind === 'model' ? resource.name : null };
  const counting = <T extends Counted & { readonly mode: Mode; readonly place: Place }>(lines: readonly T[]) =>
    lines.flatMap((line) => {
      const counter = counterOf(line, call);
      return counter === null ? [] : [{ line, place: line.place, counter, mode: modeOf(policy, line) }];
    });
  return {
    subject,
    resource,
    mode: policy.mode,
    decision,
    deciding: decision.place,
    rules: policy.rules.filter((rule) => rule.resource === resource.kind).map((rule) => judge.verdict(rule)),
    rates: counting(policy.rates).map(({ place, counter, mode }) => ({ place, counter, mode })),
    budgets: counting(policy.budgets).map(({ line, place, counter, mode }) => {
      return { place, counter, mode, period: line.period, limit: limitOf(line, call) };
    }),
  };
}

class Judge {
  readonly #policy: CompiledPolicy;
  readonly #question: Question;
  readonly #deciding: string | null;
  /** What would decide if the policy as a whole did not only observe; else what decides. Null for closed by default. */
  readonly #winner: Place | null;

  constructor(policy: CompiledPolicy, question: Question, { place, observed }: Decision) {
    this.#policy = policy;
    this.#question = question;
    this.#deciding = place?.path ?? null;
    const places = [
      ...policy.rules.map((rule) => rule.place),
      ...(policy.ceiling === null ? [] : [policy.ceiling.place]),
    ];
    const find = (path: string | undefined) => places.find((one) => one.path === path);
    // In such a policy its mode decides, and the first of what it observes names the line that would have refused.
    this.#winner = find(place?.path) ?? find(policy.mode === 'observe' ? observed[0]?.rule : undefined) ?? null;
  }

  verdict(rule: AccessRule): RuleVerdict {
    const miss = this.#miss(rule);
    const [standing, why] = miss ?? this.#rank(rule);
    return { place: rule.place, effect: rule.effect, matched: miss === null, standing, why };
  }

  /** Why the rule has nothing to say of this question; null when it has. */
  #miss(rule: AccessRule): readonly [Standing, string] | null {
    const { subject, resource, now } = this.#question;
    if (!rule.patterns.some((pattern) => matches(pattern, resource.name))) {
      return ['other_resource', `it is for another ${resource.kind}`];
    }
    if (!applies(rule.to, subject)) return ['other_subject', `it is not for this ${subject.kind}`];
    if (rule.until !== null && now >= rule.until) {
      return ['expired', `it ended on ${moment(rule.until, this.#policy.timeZone)}`];
    }
    return null;
  }

  #rank({ place, mode, effect }: AccessRule): readonly [Standing, string | null] {
    const winner = this.#winner;
    if (place.path === this.#deciding) return ['decides', null];
    if (mode === 'observe') return ['observes', `it only observes: it records and does not ${verb(effect)}`];
    if (place.path === winner?.path)
      return ['observes', `the whole policy only observes, else it would ${verb(effect)}`];
    if (winner !== null && winner.path === this.#policy.ceiling?.place.path) {
      return ['outside_ceiling', `the model is outside ${placeName(winner)}`];
    }
    const other = this.#policy.rules.find((candidate) => candidate.place.path === winner?.path);
    const name = winner === null ? 'another line' : placeName(winner);
    if (other?.effect === effect) return ['outranked', `${name} says the same and stands before it`];
    return ['outranked', `${name} is stronger: deny wins over ask, and ask over allow`];
  }
}

function verb(effect: Effect): string {
  return effect === 'deny' ? 'refuse' : effect;
}
