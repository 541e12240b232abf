import type { Subject } from './model.ts';

/** Whom a change is for: one entry for each person or service, sorted by name. */
export type Party = Pick<Subject, 'kind' | 'id' | 'name'>;

/** One caller on both sides; null where a side does not know it. */
export interface Pair {
  readonly party: Party;
  readonly before: Subject | null;
  readonly after: Subject | null;
}

/** Pairs the callers of both sides by id and key. */
export function pairsOf(before: readonly Subject[], after: readonly Subject[]): Pair[] {
  const pairs = new Map<string, { before: Subject | null; after: Subject | null }>();
  const keyOf = (subject: Subject) => `${subject.id} ${subject.key}`;
  for (const subject of before) pairs.set(keyOf(subject), { before: subject, after: null });
  for (const subject of after) {
    pairs.set(keyOf(subject), { before: pairs.get(keyOf(subject))?.before ?? null, after: subject });
  }
  return [...pairs.values()].flatMap((pair) => {
    const party = pair.after ?? pair.before;
    return party === null ? [] : [{ ...pair, party: { kind: party.kind, id: party.id, name: party.name } }];
  });
}

/** Puts equal changes together, and whom they are for. */
export class Groups<T extends object> {
  readonly #groups = new Map<string, { readonly change: T; readonly who: Map<string, Party> }>();

  add(change: T, party: Party): void {
    const key = JSON.stringify(change);
    const group = this.#groups.get(key) ?? { change, who: new Map() };
    group.who.set(party.id, party);
    this.#groups.set(key, group);
  }

  addAll(change: T, parties: readonly Party[]): void {
    for (const party of parties) this.add(change, party);
  }

  /** Widest first; equally wide ones in an order that does not hang on that of the callers. */
  all(): (T & { readonly who: readonly Party[] })[] {
    const sorted = [...this.#groups].sort(([a, one], [b, two]) => two.who.size - one.who.size || compare(a, b));
    return sorted.map(([, { change, who }]) => ({ ...change, who: [...who.values()].sort(byName) }));
  }
}

function byName(a: Party, b: Party): number {
  return compare(a.name ?? a.id, b.name ?? b.id) || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
