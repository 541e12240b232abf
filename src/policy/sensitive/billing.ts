import type { CompiledPolicy, PriceOverride } from '../model.ts';
import { overlap } from '../patterns.ts';
import { type SensitiveChange, section } from './change.ts';

interface Sides {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
}

/** Prices, what is done where there is none, and budgets of the whole organization. */
export function billingChanges({ before, after }: Sides): SensitiveChange[] {
  const found: SensitiveChange[] = [];
  const add = (path: string, message: string) => found.push({ kind: 'billing', place: section(path), message });
  if (pricesDiffer(before.prices, after.prices)) add('prices', 'contract prices change');
  if (before.unknownPrice !== after.unknownPrice) add('models.unknown_price', 'the price of unknown models changes');
  const [old, now] = [before, after].map(organizationBudgets);
  if (String(old) !== String(now)) add('budgets', 'a budget of the whole organization changes');
  const calendar = before.budgets.some(({ scope, period }) => scope === 'organization' && period !== 'lifetime');
  if (calendar && before.timeZone !== after.timeZone) {
    add('time_zone', 'budgets of the whole organization begin at another time');
  }
  return found;
}

function organizationBudgets({ budgets }: CompiledPolicy): string[] {
  return budgets
    .filter(({ scope }) => scope === 'organization')
    .map(({ place: _, models, ...rest }) => JSON.stringify({ ...rest, models: models?.toSorted(), except: null }))
    .sort();
}

/** Of two prices for the same model the first counts, so their order matters; that of others does not. */
function pricesDiffer(before: readonly PriceOverride[], after: readonly PriceOverride[]): boolean {
  const [old, now] = [before.map(textOf), after.map(textOf)];
  if (JSON.stringify(old) === JSON.stringify(now)) return false;
  if (JSON.stringify(old.toSorted()) !== JSON.stringify(now.toSorted()) || new Set(old).size < old.length) return true;
  if (before.length > MOST_COMPARED) return true;
  const at = new Map(now.map((text, i) => [text, i]));
  const rank = old.map((text) => at.get(text) ?? 0);
  return before.some((one, i) =>
    before.some((other, k) => i < k && (rank[i] ?? 0) > (rank[k] ?? 0) && mayShare(one, other)),
  );
}

/** Pairs beyond these are not looked at: then a new order is a change. */
const MOST_COMPARED = 100;

function mayShare(a: PriceOverride, b: PriceOverride): boolean {
  return a.models.length * b.models.length > 400 || a.models.some((one) => b.models.some((two) => overlap(one, two)));
}

function textOf({ models, from, until, discount, usd }: PriceOverride): string {
  return JSON.stringify([[...models].sort(), from, until, discount, Object.entries(usd).sort()]);
}
