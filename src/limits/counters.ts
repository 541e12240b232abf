/** Whom a budget counts a call for, and which limit is theirs. */
import { fold } from '../kernel/text.ts';
import type { BudgetLine, Counted, Scope } from '../policy/model.ts';

/** A call as budgets see it, settled when it was admitted: a later move of its caller changes nothing (see `Booking`). */
export interface CallFacts {
  /** `per_…` or `svc_…`. */
  readonly who: string;
  readonly kind: 'person' | 'service';
  /** E-mail address of a person, name of a service; null once erased. */
  readonly name: string | null;
  /** `key_…`. */
  readonly key: string;
  /** `tea_…` that is charged, or null. */
  readonly team: string | null;
  readonly teamName: string | null;
  /** The model asked for. */
  readonly model: string;
  /** `YYYY-MM-DD` in the policy's time zone, when it was admitted. */
  readonly day: string;
}

/** What of a call decides where it is charged: ids and the model, which every intent records, and no name. */
export type ChargedFacts = Pick<CallFacts, 'who' | 'kind' | 'key' | 'team' | 'model'>;

/** Whether a model pattern of the policy holds this model. */
export type Matches = (pattern: string, name: string) => boolean;

/** Something counted, by id, and the name that a policy may use for it. */
export interface Named {
  readonly subject: string;
  readonly name: string | null;
}

/**
 * Whose counter of this scope the call is charged to: `org`, the id of team, person, service or key, or the model's name. Null where
 * the scope or `models` leave it out. `only` is not asked: a line's id stays the same when its names change and people and teams are
 * renamed and erased, so spending is kept for everybody, found again, and replayed from ids alone (P10).
 */
export function chargedSubject(counted: Counted, facts: ChargedFacts, matches: Matches): string | null {
  const { models } = counted;
  if (models !== null && !models.some((pattern) => matches(pattern, facts.model))) return null;
  switch (counted.scope) {
    case 'organization':
      return 'org';
    case 'team':
      return facts.team;
    case 'person':
    case 'service':
      return facts.kind === counted.scope ? facts.who : null;
    case 'key':
      return facts.key;
    case 'model':
      return facts.model;
  }
}

/** Who the line counts this call for, as chargedSubject; null too where the line is for others only (`only`). */
export function subjectOf(counted: Counted, facts: CallFacts, matches: Matches): string | null {
  const subject = chargedSubject(counted, facts, matches);
  if (subject === null) return null;
  return isFor(counted, { subject, name: nameFor(counted.scope, facts) }, matches) ? subject : null;
}

/** Whether the line is for this one: everybody of the scope, or `only` holds the id or the lower-case name; a model by pattern. */
export function isFor(counted: Counted, { subject, name }: Named, matches: Matches): boolean {
  const { only, scope } = counted;
  if (only === null) return true;
  if (scope === 'model') return only.some((pattern) => matches(pattern, subject));
  return only.includes(subject) || (name !== null && only.includes(fold(name)));
}

/** What a policy may call the one that this scope counts the call for; null where only the id names it. */
export function nameFor(scope: Scope, facts: CallFacts): string | null {
  switch (scope) {
    case 'team':
      return facts.teamName;
    case 'person':
    case 'service':
      return facts.name;
    case 'model':
      return facts.model;
    case 'organization':
    case 'key':
      return null;
  }
}

/** The limit of this one, micro-dollars: what `except` says for its id or else its lower-case name, else the line's own. */
export function limitFor(line: BudgetLine, { subject, name }: Named): number {
  if (line.except.size === 0) return line.limit;
  const named = name === null ? undefined : line.except.get(fold(name));
  return line.except.get(subject) ?? named ?? line.limit;
}

/** The limit for the one this line counts the call for. Its own limit where it counts it for nobody. */
export function limitOf(line: BudgetLine, facts: CallFacts): number {
  const subject = chargedSubject({ ...line, models: null }, facts, () => true);
  return subject === null ? line.limit : limitFor(line, { subject, name: nameFor(line.scope, facts) });
}
