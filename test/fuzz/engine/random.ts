/** A source of numbers that a seed decides. */
export interface Random {
  /** A whole number from 0 to `below - 1`; 0 when `below` is not positive. */
  below(below: number): number;
  /** One of these; throws for none. */
  pick<T>(from: readonly T[]): T;
}

/** Numbers by splitmix32: small, fast, and the same on every machine. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (most: number): number => (most <= 0 ? 0 : next() % most);
  return {
    below,
    pick: (from) => {
      const found = from[below(from.length)];
      if (found === undefined) throw new RangeError('there is nothing to pick from');
      return found;
    },
  };
}
