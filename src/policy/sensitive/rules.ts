/** Rules that bind less, capabilities that open, and the ceiling. Ordinary allows are no control: what they need is said by denies. */
import type { AccessRule, CompiledPolicy, SubjectPattern } from '../model.ts';
import { covers } from '../patterns.ts';
import { includes, showSubject } from '../subjects.ts';
import { lasts, type SensitiveChange, section, type Work } from './change.ts';

const RANK = { allow: 0, ask: 1, deny: 2 } as const;

interface Sides {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
}

export function ruleChanges(sides: Sides, work: Work): SensitiveChange[] {
  return [...weaker(sides, work), ...opened(sides, work), ...ceilingChanges(sides), ...modeChanges(sides)];
}

/** Denies and asks that no rule of the new policy says at least as strongly, to as many, about as much, for as long. */
function weaker({ before, after }: Sides, work: Work): SensitiveChange[] {
  const binds = ({ mode, effect }: AccessRule) => mode === 'enforce' && effect !== 'allow';
  const now = after.rules.filter(binds);
  const lost = uncovered({ rules: before.rules.filter(binds), by: now }, work, (wide, rule) => {
    return RANK[wide.effect] >= RANK[rule.effect] && lasts(wide, rule);
  });
  return lost.map(({ place, effect }) => ({
    kind: 'controls',
    place,
    message: `${effect === 'deny' ? 'a deny' : 'an ask'} is gone, reaches less, or ends sooner`,
  }));
}

/** What the provider may run or fetch, for whom, how often or for how long, beyond what was allowed. */
function opened({ before, after }: Sides, work: Work): SensitiveChange[] {
  const opens = ({ mode, effect, resource }: AccessRule) =>
    mode === 'enforce' && effect === 'allow' && resource === 'capability';
  const more = uncovered({ rules: after.rules.filter(opens), by: before.rules.filter(opens) }, work, (wide, rule) => {
    const uses = wide.maxUses === null || (rule.maxUses !== null && rule.maxUses <= wide.maxUses);
    return uses && lasts(wide, rule);
  });
  const message = 'what the provider may run or fetch is opened, to more people, more often, or for longer';
  return more.map(({ place }) => ({ kind: 'controls', place, message }));
}

interface Compared {
  readonly rules: readonly AccessRule[];
  readonly by: readonly AccessRule[];
}

/** Those of the rules of which some name and subject is in none of the others. Equal ones are found without comparing. */
function uncovered(
  { rules, by }: Compared,
  work: Work,
  fits: (wide: AccessRule, rule: AccessRule) => boolean,
): AccessRule[] {
  const same = new Set(by.map(keyOf));
  return rules.filter((rule) => {
    if (same.has(keyOf(rule))) return false;
    work.left -= by.length;
    if (work.left <= 0) return true;
    const wide = by.filter((other) => other.resource === rule.resource && fits(other, rule));
    return !rule.to.every((subject) => rule.patterns.every((pattern) => isIn({ pattern, subject }, wide, work)));
  });
}

function isIn(
  { pattern, subject }: { readonly pattern: string; readonly subject: SubjectPattern },
  rules: readonly AccessRule[],
  work: Work,
): boolean {
  return rules.some(({ to, patterns }) => {
    work.left -= to.length;
    if (!to.some((wide) => includes(wide, subject))) return false;
    return patterns.some((wide) => {
      work.left -= 20;
      return work.left > 0 && covers(wide, pattern);
    });
  });
}

function keyOf({ effect, resource, patterns, to, until, maxUses }: AccessRule): string {
  const subjects = [...new Set(to.map(showSubject))].sort();
  return JSON.stringify([effect, resource, [...patterns].sort(), subjects, until, maxUses]);
}

function ceilingChanges({ before, after }: Sides): SensitiveChange[] {
  if (before.ceiling === null) return [];
  const { patterns, place } = before.ceiling;
  const now = after.ceiling;
  if (now === null) return [{ kind: 'controls', place, message: 'the ceiling of models is gone' }];
  if (now.patterns.every((pattern) => patterns.some((wide) => covers(wide, pattern)))) return [];
  return [{ kind: 'controls', place: now.place, message: 'the ceiling permits models that it did not' }];
}

function modeChanges({ before, after }: Sides): SensitiveChange[] {
  const found: SensitiveChange[] = [];
  if (before.mode === 'enforce' && after.mode === 'observe') {
    found.push({ kind: 'controls', place: section('mode'), message: 'the whole policy only observes' });
  }
  if (before.unknownPrice === 'refuse' && after.unknownPrice !== 'refuse') {
    const message = 'models without a known price are no longer refused';
    found.push({ kind: 'controls', place: section('models.unknown_price'), message });
  }
  return found;
}
