import type { CompiledPolicy, TwoPeopleKind } from './model.ts';
import { billingChanges } from './sensitive/billing.ts';
import type { SensitiveChange } from './sensitive/change.ts';
import { contentChanges } from './sensitive/content.ts';
import { limitChanges } from './sensitive/limits.ts';
import { memberChanges, movedMembers } from './sensitive/members.ts';
import { ruleChanges } from './sensitive/rules.ts';
import { signInChanges } from './sensitive/sign-in.ts';

export type { SensitiveChange } from './sensitive/change.ts';

const MAX_STEPS = 30_000_000;
/** Of each kind, so that many of one never hide another. */
const MOST_OF_KIND = 50;

/**
 * What of a new policy two people must agree on, told by what both compile to: a document that is only reordered or written
 * otherwise has none. Where it cannot be told whether something becomes weaker, it does. Kinds count where `two_people` of
 * `before`, the policy in force, names them; the first policy needs nobody's agreement.
 */
export function sensitiveChanges(before: CompiledPolicy | null, after: CompiledPolicy): readonly SensitiveChange[] {
  if (before === null) return [];
  const sides = { before, after };
  const work = { left: MAX_STEPS };
  const moved = movedMembers(before, after);
  const found = [
    ...signInChanges(sides),
    ...ruleChanges(sides, work),
    ...limitChanges(sides, work),
    ...memberChanges(sides, moved),
    ...contentChanges(sides, moved),
    ...billingChanges(sides),
  ];
  const counts = new Map<TwoPeopleKind, number>();
  return found.filter(({ kind }) => {
    const count = (counts.get(kind) ?? 0) + 1;
    counts.set(kind, count);
    return count <= MOST_OF_KIND;
  });
}
