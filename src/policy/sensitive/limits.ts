/** Rates, and budgets that are never passed. Limits that only observe, and estimates, are no controls. */
import { isId } from '../../kernel/ids.ts';
import { MEASURES } from '../counted.ts';
import type { BudgetLine, CompiledPolicy, Counted, RateLine } from '../model.ts';
import { covers, undated } from '../patterns.ts';
import { type SensitiveChange, section, type Work } from './change.ts';

interface Sides {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
}

export function limitChanges({ before, after }: Sides, work: Work): SensitiveChange[] {
  const rates = after.rates.filter(({ mode }) => mode === 'enforce');
  const sameRates = new Set(rates.map(keyOf));
  const looser = before.rates.filter(
    (rate) => rate.mode === 'enforce' && !sameRates.has(keyOf(rate)) && !isKeptRate(rate, rates, work),
  );
  const strictNow = after.budgets.filter(isStrict);
  const sameBudgets = new Set(strictNow.map(keyOf));
  const budgets = groupById(strictNow);
  const strict = before.budgets.filter(isStrict);
  const lost = strict.filter(
    (budget) => !sameBudgets.has(keyOf(budget)) && !isKeptBudget(budget, budgets.get(budget.id) ?? [], work),
  );
  const zone = before.timeZone !== after.timeZone && strict.some(({ period }) => period !== 'lifetime');
  return [
    ...looser.map(({ place }) => ({
      ...({ kind: 'controls', place } as const),
      message: 'a rate is gone, higher, or counts less',
    })),
    ...lost.map(({ place }) => ({
      ...({ kind: 'controls', place } as const),
      message: 'a strict budget is gone, higher, no longer strict, counts less, or begins anew',
    })),
    ...(zone
      ? [
          {
            kind: 'controls',
            place: section('time_zone'),
            message: 'strict budgets begin anew at another time',
          } as const,
        ]
      : []),
  ];
}

/** True for a budget that is never passed. */
export function isStrict({ mode, hold }: BudgetLine): boolean {
  return mode === 'enforce' && hold === 'strict';
}

/** The same for lines that say the same. */
function keyOf({ place: _, only, models, ...rest }: RateLine | BudgetLine): string {
  const except = 'except' in rest ? [...rest.except].sort() : null;
  return JSON.stringify({ ...rest, except, only: only?.toSorted(), models: models?.toSorted() });
}

function groupById(budgets: readonly BudgetLine[]): Map<string, BudgetLine[]> {
  const groups = new Map<string, BudgetLine[]>();
  for (const budget of budgets) {
    const group = groups.get(budget.id);
    if (group === undefined) groups.set(budget.id, [budget]);
    else group.push(budget);
  }
  return groups;
}

/** Every number of the rate, for everyone it counts, stands in one that is as low and counts as much in one sum. */
function isKeptRate(rate: RateLine, now: readonly RateLine[], work: Work): boolean {
  work.left -= 10 * now.length;
  if (work.left <= 0) return false;
  const wide = now.filter((other) => {
    return other.scope === rate.scope && countsAllModels(other, rate, work);
  });
  return MEASURES.every((measure) => {
    const limit = rate[measure];
    if (limit === null) return true;
    const low = wide.filter((other) => (other[measure] ?? Number.POSITIVE_INFINITY) <= limit);
    return (rate.only ?? [null]).every((name) => low.some((other) => countsName(other, name, work)));
  });
}

function countsAllModels(wide: Counted, narrow: Counted, work: Work): boolean {
  if (wide.models === null) return true;
  return narrow.models?.every((model) => wide.models?.some((one) => hasModels(one, model, work))) === true;
}

function countsName({ scope, only }: Counted, name: string | null, work: Work): boolean {
  if (only === null) return true;
  if (name === null) return false;
  return scope === 'model' ? only.some((one) => hasModels(one, name, work)) : only.includes(name);
}

/** Calls are counted by names without a date. */
function hasModels(wide: string, narrow: string, work: Work): boolean {
  work.left -= 20;
  return work.left > 0 && covers(undated(wide), undated(narrow));
}

/** Of the same id only: spending is found again by it, and under another id it begins at nothing. */
function isKeptBudget(budget: BudgetLine, now: readonly BudgetLine[], work: Work): boolean {
  const { only } = budget;
  if (only === null) return now.some((other) => other.only === null && isAsLow(budget, other));
  return only.every((name) =>
    now.some((other) => {
      work.left -= 20;
      return work.left > 0 && other.limit <= budget.limit && other.only?.includes(name) === true;
    }),
  );
}

function isAsLow(before: BudgetLine, now: BudgetLine): boolean {
  if (now.limit > before.limit) return false;
  const names = new Set([...before.except.keys(), ...now.except.keys()]);
  // Of somebody who is named by address in one exception and by id in another, the id's counts: such a pair is not compared.
  const ids = [...names].filter((name) => isId(name, 'per') || isId(name, 'svc')).length;
  const mixed = before.scope !== 'team' && ids > 0 && ids < names.size;
  if (mixed && (names.size > before.except.size || names.size > now.except.size)) return false;
  return [...names].every((name) => limitFor(now, name) <= limitFor(before, name));
}

function limitFor({ except, limit }: BudgetLine, name: string): number {
  return except.get(name) ?? limit;
}
