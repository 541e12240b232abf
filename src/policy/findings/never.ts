/**
 * Rules that can never decide. What is reported is true whatever the directory says; what is not seen: a rule that is covered only
 * because a team's members are also named one by one, or only by denies that together match every name of a wider pattern.
 */
import type { AccessRule, CompiledPolicy, Finding } from '../model.ts';
import { covers, overlap } from '../patterns.ts';
import { includes, showSubject } from '../subjects.ts';
import { few } from '../text.ts';

/** Steps that one document is worth: a hostile one could ask for billions. */
const MAX_STEPS = 30_000_000;
/** Of matching one pattern with another, about. */
const STEPS_OF_MATCH = 20;

/** Rules outside the ceiling, rules that others always overrule, contradictions and duplicates. */
export function neverApplies(policy: CompiledPolicy, now: number | null): Finding[] {
  const rules = policy.rules.filter(({ until }) => now === null || until === null || now < until);
  const work = { left: MAX_STEPS };
  const found: Finding[] = [...duplicates(rules)];
  for (const rule of rules) {
    const finding = outside(rule, policy.ceiling, work) ?? overruled(rule, rules, work);
    if (finding !== null) found.push(finding);
    if (work.left <= 0) {
      const message = 'this document is too large for all of its rules to be compared: from here on none were';
      found.push({ severity: 'note', code: 'never_applies', place: rule.place, message });
      break;
    }
  }
  return found;
}

interface Work {
  left: number;
}

function outside(rule: AccessRule, ceiling: CompiledPolicy['ceiling'], work: Work): Finding | null {
  if (ceiling === null || rule.resource !== 'model') return null;
  if (rule.patterns.some((pattern) => ceiling.patterns.some((most) => mayMeet(most, pattern, work)))) return null;
  const message = `never applies: ${ceiling.place.path} leaves out every model it names`;
  return { severity: 'warning', code: 'never_applies', place: rule.place, message };
}

/** True when two patterns share a name, and when there is no time left to tell. */
function mayMeet(a: string, b: string, work: Work): boolean {
  work.left -= STEPS_OF_MATCH;
  if (covers(a, b)) return true;
  work.left -= a.length * b.length;
  return work.left <= 0 || overlap(a, b);
}

/** An allow or ask whose every name and subject is overruled, as long as it lasts, by rules that win over it. */
function overruled(rule: AccessRule, rules: readonly AccessRule[], work: Work): Finding | null {
  if (rule.effect === 'deny' || rule.mode === 'observe') return null;
  const winners = rules.filter((other) => wins(other, rule));
  const used = new Set<AccessRule>();
  for (const subject of rule.to) {
    work.left -= winners.length;
    const near = winners.filter((winner) => winner.to.some((wide) => includes(wide, subject)));
    for (const pattern of rule.patterns) {
      const winner = near.find((candidate) =>
        candidate.patterns.some((wide) => {
          work.left -= STEPS_OF_MATCH;
          return work.left > 0 && covers(wide, pattern);
        }),
      );
      if (winner === undefined) return null;
      used.add(winner);
    }
  }
  const opposite = [...used].find((winner) => winner.effect === 'deny' && sameScope(winner) === sameScope(rule));
  if (opposite !== undefined) {
    const message = `contradicts ${opposite.place.path}, which denies the same to the same: the deny wins`;
    return { severity: 'warning', code: 'contradiction', place: rule.place, message };
  }
  const message = `never applies: ${few([...used].map(({ place }) => place.path))} always decides before it`;
  return { severity: 'warning', code: 'never_applies', place: rule.place, message };
}

/** True when `other`, where both match, decides instead of `rule` for as long as `rule` lasts. */
function wins(other: AccessRule, rule: AccessRule): boolean {
  const stronger = other.effect === 'deny' || (other.effect === 'ask' && rule.effect === 'allow');
  const lasts = other.until === null || (rule.until !== null && rule.until <= other.until);
  return stronger && lasts && other.mode === 'enforce' && other.resource === rule.resource;
}

/** The same for rules that name the same to the same, in whatever order. */
function sameScope(rule: AccessRule): string {
  const subjects = [...new Set(rule.to.map(showSubject))].sort();
  return JSON.stringify([rule.resource, [...rule.patterns].sort(), subjects]);
}

function duplicates(rules: readonly AccessRule[]): Finding[] {
  const seen = new Map<string, AccessRule>();
  const found: Finding[] = [];
  for (const rule of rules) {
    const key = JSON.stringify([sameScope(rule), rule.effect, rule.mode, rule.until, rule.maxUses]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, rule);
    else
      found.push({
        severity: 'note',
        code: 'duplicate',
        place: rule.place,
        message: `says what ${first.place.path} says`,
      });
  }
  return found;
}
