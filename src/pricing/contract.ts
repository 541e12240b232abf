import type { PriceOverride } from '../policy/model.ts';
import { ONE, scaled } from './decimal.ts';
import { CLASSES, eachClass, type Rates, type Terms, type TokenClass } from './terms.ts';

/** A contract price, its numbers read once. */
export interface Contract {
  readonly models: readonly string[];
  /** Milliseconds since the epoch; `until` is not included. */
  readonly from: number;
  readonly until: number;
  /** What is left to pay of the list price, in billionths. */
  readonly share: bigint;
  /** Rates of the classes the contract names. */
  readonly rates: Partial<Rates>;
}

/**
 * Reads a contract price.
 * @throws RangeError for a price or discount that is not decimal text, and for a discount above 1
 */
export function contractOf(override: PriceOverride): Contract {
  try {
    const share = ONE - scaled(override.discount ?? '0');
    if (share < 0n) throw new RangeError(`a discount of ${override.discount} is more than the whole price`);
    const rates: Partial<Record<TokenClass, bigint>> = {};
    for (const name of CLASSES) {
      const usd = override.usd[name];
      if (usd !== undefined) rates[name] = scaled(usd) * ONE;
    }
    const { from, until, models } = override;
    return { models, from: from ?? Number.NEGATIVE_INFINITY, until: until ?? Number.POSITIVE_INFINITY, share, rates };
  } catch (error) {
    throw new RangeError(`${override.place.path}: ${(error as Error).message}`);
  }
}

/**
 * Terms under a contract. Explicit prices hold for prompts of every length; the discount is taken off the other classes.
 * There is no list price to take it off when the model is unknown: those classes stay at their dearest, and the model counts
 * as known only when the contract names all five.
 */
export function underContract(terms: Terms, contract: Contract): Terms {
  if (!terms.known && Object.keys(contract.rates).length === 0) return terms;
  const apply = (list: Rates): Rates =>
    eachClass((name) => contract.rates[name] ?? (terms.known ? (list[name] * contract.share) / ONE : list[name]));
  return {
    ...terms,
    id: `${terms.id}+contract`,
    known: terms.known || CLASSES.every((name) => contract.rates[name] !== undefined),
    base: apply(terms.base),
    long: terms.long && { above: terms.long.above, rates: apply(terms.long.rates) },
  };
}
