import type { Place, TwoPeopleKind } from '../model.ts';

/** Something in a new policy that two people must agree on, where its kind is among `two_people` of the policy in force. */
export interface SensitiveChange {
  readonly kind: TwoPeopleKind;
  /** Of what was weakened; of what is new where only that shows. Its text may name people. */
  readonly place: Place;
  /** What changes, a sentence without its full stop. Names no person. */
  readonly message: string;
}

/** A place that is no single line. */
export function section(path: string): Place {
  return { path, line: 0, text: path };
}

/** Steps that comparing two documents is worth: hostile ones could ask for billions. What is not compared counts as weakened. */
export interface Work {
  left: number;
}

/** True where `other` ends no sooner than `rule`. */
export function lasts(other: { readonly until: number | null }, rule: { readonly until: number | null }): boolean {
  return other.until === null || (rule.until !== null && rule.until <= other.until);
}
