import { printable } from '../kernel/text.ts';
import type {
  AccessRule,
  CompiledPolicy,
  Decision,
  Effect,
  Observation,
  Place,
  Question,
  Resource,
  SubjectPattern,
} from './model.ts';
import { matches } from './patterns.ts';
import { applying, comparable, showForCaller } from './subjects.ts';
import { few } from './text.ts';

/** What a decision needs of a policy. */
export interface Deciding extends Pick<CompiledPolicy, 'mode' | 'rules' | 'ceiling'> {
  /** Where the document says its mode. */
  readonly modePlace: Place;
}

/** A rule that applies to the question. */
interface Match {
  readonly rule: AccessRule;
  readonly pattern: string;
  readonly who: SubjectPattern;
}

/** Would-be refusals that one decision names; a record has to hold them. */
const MAX_OBSERVED = 8;

/**
 * Answers a question: what the ceiling leaves out is denied; else any matching deny decides, then ask, then the first allow, else
 * nothing allows it (P8). The order of the rules never changes the effect. A rule that observes decides nothing: where it would
 * have refused what is now permitted, it is named in `observed`. A policy that observes allows everything and names what refused.
 */
export function decide(policy: Deciding, question: Question): Decision {
  const found = matching(policy.rules, question);
  const enforced = found.filter(({ rule }) => rule.mode === 'enforce');
  const outcome = decideEnforced(policy, question, enforced);
  const observing = found.filter(({ rule }) => rule.mode === 'observe');
  const decision = { ...outcome, observed: wouldRefuse(outcome.effect, observing) };
  return policy.mode === 'enforce' ? decision : observed(policy, question, decision);
}

function matching(rules: readonly AccessRule[], { subject, resource, now }: Question): Match[] {
  const found: Match[] = [];
  const asker = comparable(subject);
  for (const rule of rules) {
    if (rule.resource !== resource.kind || (rule.until !== null && now >= rule.until)) continue;
    const who = applying(rule.to, asker);
    if (who === null) continue;
    const pattern = rule.patterns.find((candidate) => matches(candidate, resource.name));
    if (pattern !== undefined) found.push({ rule, pattern, who });
  }
  return found;
}

type Outcome = Omit<Decision, 'observed'>;

function decideEnforced(policy: Deciding, question: Question, found: readonly Match[]): Outcome {
  const { ceiling } = policy;
  const { resource } = question;
  if (resource.kind === 'model' && ceiling !== null && !ceiling.patterns.some((p) => matches(p, resource.name))) {
    const reason = `${ceiling.place.path} permits only ${few(ceiling.patterns)}`;
    return { effect: 'deny', place: ceiling.place, reason, because: null, maxUses: null };
  }
  const first = (effect: Effect) => found.find(({ rule }) => rule.effect === effect);
  const match = first('deny') ?? first('ask') ?? first('allow');
  if (match === undefined) {
    const reason = `no rule allows ${printable(resource.name, 100)} to this ${question.subject.kind}`;
    return { effect: 'deny', place: null, reason, because: null, maxUses: null };
  }
  const { rule, pattern, who } = match;
  const reason = `${rule.place.path} ${VERBS[rule.effect]} ${pattern} to ${showForCaller(who)}`;
  const maxUses = rule.effect === 'allow' ? mostUses(found) : null;
  return { effect: rule.effect, place: rule.place, reason, because: rule.because, maxUses };
}

const VERBS = { allow: 'allows', ask: 'asks before it allows', deny: 'denies' } as const;

/** Rules add up: what one allows another does not take back. */
function mostUses(found: readonly Match[]): number | null {
  const bounds = found.filter(({ rule }) => rule.effect === 'allow').map(({ rule }) => rule.maxUses);
  return bounds.reduce((most, bound) => (most === null || bound === null ? null : Math.max(most, bound)));
}

/** Of the rules that observe, those that would have refused what this outcome permits: denies, and asks where none would ask. */
function wouldRefuse(effect: Effect, observing: readonly Match[]): Observation[] {
  if (effect === 'deny') return [];
  const of = (wanted: Effect) => observing.filter(({ rule }) => rule.effect === wanted);
  const denies = of('deny');
  const deciding = denies.length > 0 || effect === 'ask' ? denies : of('ask');
  const code = denies.length > 0 ? CODES.deny : CODES.ask;
  return deciding.slice(0, MAX_OBSERVED).map(({ rule }) => ({ code, rule: rule.place.path }));
}

const CODES = { deny: 'not_permitted', ask: 'approval_required' } as const;
/** Where a resource would have had to be allowed. */
const SECTIONS: Readonly<Record<Resource['kind'], string>> = { model: 'access', capability: 'server_side' };

function observed(policy: Deciding, { resource }: Question, decision: Decision): Decision {
  if (decision.effect === 'allow') return decision;
  const rule = decision.place?.path ?? SECTIONS[resource.kind];
  return {
    effect: 'allow',
    place: policy.modePlace,
    reason: `the policy only observes: ${decision.reason}`,
    because: null,
    observed: [{ code: CODES[decision.effect], rule }, ...decision.observed].slice(0, MAX_OBSERVED),
    maxUses: null,
  };
}
