import { fold } from '../kernel/text.ts';
import type { BudgetLine, CompiledPolicy, Counted, Mode, RateLine, Subject } from './model.ts';
import { countsModel, undated } from './patterns.ts';

/** What a rate can limit. */
export const MEASURES = [
  'requests',
  'countTokens',
  'inputTokens',
  'outputTokens',
  'concurrent',
] as const satisfies readonly (keyof RateLine)[];

/** A call as rates and budgets see it. */
export interface CountedCall {
  readonly subject: Subject;
  /** Null where no model is known: then only lines for all models count. */
  readonly model: string | null;
}

/**
 * The counter in which a rate or budget counts this call: a person's, service's or key's id, a team's name in lower case, a
 * model's name without a date, or `organization`. Null when the line does not count it.
 */
export function counterOf(line: Counted, call: CountedCall): string | null {
  if (line.models !== null && !isOneOf(line.models, call.model)) return null;
  const names = namesOf(line, call);
  const counter = names[0];
  if (counter === undefined) return null;
  if (line.only === null) return counter;
  const named =
    line.scope === 'model' ? isOneOf(line.only, call.model) : names.some((name) => line.only?.includes(name));
  return named ? counter : null;
}

/** The limit of a budget for this call, micro-dollars: the one of `except` where it names the caller, else the line's own. */
export function limitOf(budget: BudgetLine, call: CountedCall): number {
  for (const name of namesOf(budget, call)) {
    const other = budget.except.get(name);
    if (other !== undefined) return other;
  }
  return budget.limit;
}

/** What becomes of a call that a line is against: in a policy that only observes, no line enforces. */
export function modeOf(policy: CompiledPolicy, line: { readonly mode: Mode }): Mode {
  return policy.mode === 'observe' ? 'observe' : line.mode;
}

/** How `only` and `except` can name what is counted; the counter first. None when the scope does not count this call. */
function namesOf({ scope }: Counted, { subject, model }: CountedCall): string[] {
  switch (scope) {
    case 'organization':
      return ['organization'];
    case 'team':
      return subject.team === null ? [] : [fold(subject.team)];
    case 'person':
    case 'service':
      if (subject.kind !== scope) return [];
      return subject.name === null ? [subject.id] : [subject.id, fold(subject.name)];
    case 'key':
      return [subject.key];
    case 'model':
      return model === null ? [] : [undated(model)];
  }
}

function isOneOf(patterns: readonly string[], model: string | null): boolean {
  return model !== null && patterns.some((pattern) => countsModel(pattern, model));
}
