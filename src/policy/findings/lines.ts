import { MEASURES } from '../counted.ts';
import type { BudgetLine, Counted, Finding, Mode, Place, RateLine } from '../model.ts';

/** Two budgets, or two rates, that limit the same: contradictions where their numbers differ, else duplicates. */
export function lineConflicts({
  rates,
  budgets,
}: {
  readonly rates: readonly RateLine[];
  readonly budgets: readonly BudgetLine[];
}): Finding[] {
  return [...conflicts(rates, () => '', compareRates), ...conflicts(budgets, ({ period }) => period, compareBudgets)];
}

type Relation = 'same' | 'other' | 'apart';

interface Line extends Counted {
  readonly place: Place;
  readonly mode: Mode;
}

function conflicts<L extends Line>(
  lines: readonly L[],
  period: (line: L) => string,
  compare: (a: L, b: L) => Relation,
): Finding[] {
  const seen = new Map<string, L[]>();
  const found: Finding[] = [];
  for (const line of lines) {
    const models = line.models === null ? null : [...line.models].sort();
    const earlier = new Set<L>();
    // A line that observes beside one that enforces is how a new limit is tried.
    for (const name of line.only ?? [null]) {
      const key = JSON.stringify([line.scope, name, models, period(line), line.mode]);
      const same = seen.get(key);
      for (const other of same ?? []) earlier.add(other);
      // The first of a kind is enough to compare with: hundreds of equal lines must not take hundreds of comparisons each.
      if (same === undefined) seen.set(key, [line]);
      else if (same.length < 5) same.push(line);
    }
    const related = [...earlier].map((other) => ({ other, relation: compare(other, line) }));
    const clash =
      related.find(({ relation }) => relation === 'other') ?? related.find(({ relation }) => relation === 'same');
    if (clash !== undefined) found.push(conflict(line, clash.other, clash.relation));
  }
  return found;
}

function conflict(line: Line, other: Line, relation: Relation): Finding {
  const { place } = line;
  return relation === 'same'
    ? { severity: 'note', code: 'duplicate', place, message: `says what ${other.place.path} says` }
    : {
        severity: 'warning',
        code: 'contradiction',
        place,
        message: `limits what ${other.place.path} limits, to something else: the lower limit decides`,
      };
}

function compareRates(a: RateLine, b: RateLine): Relation {
  const shared = MEASURES.filter((key) => a[key] !== null && b[key] !== null);
  if (shared.length === 0) return 'apart';
  return shared.every((key) => a[key] === b[key]) ? 'same' : 'other';
}

function compareBudgets(a: BudgetLine, b: BudgetLine): Relation {
  const facts = ({ limit, hold, atCap, except }: BudgetLine) =>
    JSON.stringify([limit, hold, atCap, [...except].sort()]);
  return facts(a) === facts(b) ? 'same' : 'other';
}
