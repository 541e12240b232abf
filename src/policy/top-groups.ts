/** How often something happened for one rule, person or counter, and when: milliseconds since the epoch. */
export interface Group<T> {
  readonly of: T;
  readonly count: number;
  readonly first: number;
  readonly last: number;
}

export interface Top<T> {
  /** Largest first. */
  readonly groups: readonly Group<T>[];
  /** How many happened outside these groups. */
  readonly rest: number;
}

const SHOWN = 50;
/** Groups that are counted, so that a journal with a million callers cannot fill the memory. */
const COUNTED = 10_000;

/**
 * Counts by group and gives the largest 50. Memory is bounded: from the ten thousandth group on, new ones are counted in the
 * rest, so that beyond it a late large group can be missing.
 */
export class TopGroups<T> {
  readonly #groups = new Map<string, { of: T; count: number; first: number; last: number }>();
  #total = 0;

  /** `of` is kept from the first time. */
  add(key: string, of: T, at: number): void {
    this.#total += 1;
    const group = this.#groups.get(key);
    if (group !== undefined) {
      group.count += 1;
      group.first = Math.min(group.first, at);
      group.last = Math.max(group.last, at);
    } else if (this.#groups.size < COUNTED) this.#groups.set(key, { of, count: 1, first: at, last: at });
  }

  get total(): number {
    return this.#total;
  }

  top(): Top<T> {
    const sorted = [...this.#groups.values()].sort((a, b) => b.count - a.count || a.first - b.first);
    const groups = sorted.slice(0, SHOWN).map((group) => ({ ...group }));
    return { groups, rest: this.#total - groups.reduce((sum, group) => sum + group.count, 0) };
  }
}
