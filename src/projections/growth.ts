import type { Growth } from './ports.ts';
import type { SpendingDay } from './unusual.ts';

export interface GrowthInput {
  /** What the window cost. */
  readonly now: readonly SpendingDay[];
  /** What came before it. */
  readonly before: readonly SpendingDay[];
  /** How many windows `before` stands for: its sums are divided by this. */
  readonly units: number;
  readonly by: 'model' | 'key' | 'who';
}

/** The value of `by` whose spending grew most; null where none grew. Of equals the first by name. */
export function growthOf({ now, before, units, by }: GrowthInput): Growth | null {
  const usual = sumsBy(before, by);
  let most: Growth | null = null;
  for (const [value, micros] of [...sumsBy(now, by)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const past = usual.get(value) ?? 0;
    const growth = { value, micros, usualMicros: Math.round(past / units), isNew: past === 0 };
    if (value !== '' && increase(growth) > (most === null ? 0 : increase(most))) most = growth;
  }
  return most;
}

function increase({ micros, usualMicros }: Growth): number {
  return micros - usualMicros;
}

function sumsBy(days: readonly SpendingDay[], by: GrowthInput['by']): Map<string, number> {
  const sums = new Map<string, number>();
  for (const day of days) sums.set(day[by], (sums.get(day[by]) ?? 0) + day.micros);
  return sums;
}
