/** The arithmetic of the benchmark: what its figures are made of. */

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A new array in a random order (Fisher–Yates). */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const rest = [...items];
  const out: T[] = [];
  while (rest.length > 0) out.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return out;
}

/**
 * When calls are meant to be sent, in ms from the start: a Poisson process, or evenly spaced ones. Nothing here depends on how
 * fast answers come: that is what makes a load open.
 */
export function arrivals(options: {
  readonly perSecond: number;
  readonly seconds: number;
  readonly poisson: boolean;
  readonly random: () => number;
}): Float64Array {
  const { perSecond, seconds, poisson, random } = options;
  const mean = 1000 / perSecond;
  const times: number[] = [];
  let at = poisson ? -Math.log(1 - random()) * mean : 0;
  while (at < seconds * 1000) {
    times.push(at);
    at += poisson ? -Math.log(1 - random()) * mean : mean;
  }
  return Float64Array.from(times);
}

/** The smallest value that at least `share` of the values do not exceed (nearest rank); NaN of nothing. `sorted` ascends. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1] ?? Number.NaN;
}

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  return {
    count: sorted.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  };
}

/** The middle value, or the mean of the two middle ones; NaN of nothing. Values that are not numbers are left out. */
export function median(values: readonly number[]): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const half = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  return Number.isInteger(half) ? ((sorted[half - 1] ?? Number.NaN) + upper) / 2 : upper;
}
