import { ONE, scaled } from './decimal.ts';
import { LIST, type ListModel, type ListRow, type Usd } from './list.ts';

export type TokenClass = keyof Usd;

export const CLASSES: readonly TokenClass[] = ['input', 'cache_write_5m', 'cache_write_1h', 'cache_read', 'output'];

/** What one token of each class costs, in 10⁻¹⁸ micro-dollars (USD per million tokens is micro-dollars per token). */
export type Rates = Readonly<Record<TokenClass, bigint>>;

/** Everything a price is computed from. */
export interface Terms {
  readonly id: string;
  readonly known: boolean;
  readonly contextWindow: number;
  readonly maxOutput: number;
  readonly topSpeed: number;
  readonly geo: boolean;
  /** Times the price in fast mode, in billionths. */
  readonly fast: bigint;
  readonly base: Rates;
  /** Rates of every token of a request with a longer prompt than `above` tokens. */
  readonly long: { readonly above: number; readonly rates: Rates } | null;
}

/**
 * Models without fast mode refuse the field. Should one answer in fast mode all the same, it is charged the dearest factor
 * that fast mode ever had (Opus 4.6, at its start): too much rather than too little.
 */
const FAST_UNLISTED = '6';

/** Larger than any model has, so that a model we do not know is not held for less than it can use. */
const UNKNOWN = { contextWindow: 2_000_000, maxOutput: 1_000_000, topSpeed: 1000 };

/** The rates for each class of tokens, computed by `of`. */
export function eachClass(of: (name: TokenClass) => bigint): Rates {
  return {
    input: of('input'),
    cache_write_5m: of('cache_write_5m'),
    cache_write_1h: of('cache_write_1h'),
    cache_read: of('cache_read'),
    output: of('output'),
  };
}

/** The dearest of every class. */
export function dearest(all: readonly Rates[]): Rates {
  return eachClass((name) => all.reduce((most, rates) => (rates[name] > most ? rates[name] : most), 0n));
}

const ratesOf = (usd: Usd): Rates => eachClass((name) => scaled(usd[name]) * ONE);

/** Midnight UTC, in milliseconds since the epoch. */
export const startOf = (row: ListRow): number => Date.parse(`${row.from}T00:00:00Z`);

/** The row of a model at a time, milliseconds since the epoch; before its first row, the first. */
function rowAt(model: ListModel, at: number): ListRow {
  const row = model.rows.findLast((candidate) => startOf(candidate) <= at) ?? model.rows[0];
  if (row === undefined) throw new RangeError(`${model.model} has no price`);
  return row;
}

/** List terms of a model at a time. */
export function termsAt(model: ListModel, at: number): Terms {
  const row = rowAt(model, at);
  return {
    id: `${model.model}@${row.from}`,
    known: true,
    contextWindow: model.contextWindow,
    maxOutput: model.maxOutput,
    topSpeed: model.topSpeed,
    geo: model.geo,
    fast: scaled(model.fast ?? FAST_UNLISTED),
    base: ratesOf(row.usd),
    long: row.long === undefined ? null : { above: row.long.above, rates: ratesOf(row.long.usd) },
  };
}

/** Terms of a model that the list does not hold: the dearest of every class of all rows in force, never zero. */
export function unknownTermsAt(at: number): Terms {
  const rows = LIST.map((model) => rowAt(model, at));
  const base = dearest(rows.flatMap((row) => [ratesOf(row.usd), ...(row.long ? [ratesOf(row.long.usd)] : [])]));
  return { ...UNKNOWN, id: 'unknown', known: false, geo: true, fast: scaled(FAST_UNLISTED), base, long: null };
}
