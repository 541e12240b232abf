const PLACES = 9;

/** What the number 1 is after `scaled`. */
export const ONE = 10n ** BigInt(PLACES);

/**
 * Decimal text such as `"0.125"` as a whole number of billionths, exactly.
 * @throws RangeError for anything but up to six digits, and up to nine more after a point
 */
export function scaled(text: string): bigint {
  const parts = /^(\d{1,6})(?:\.(\d{1,9}))?$/.exec(text);
  if (parts === null) throw new RangeError(`${JSON.stringify(text)} is not a decimal number like 12.50`);
  return BigInt(`${parts[1]}${(parts[2] ?? '').padEnd(PLACES, '0')}`);
}

/** Division of whole numbers that are not negative, rounded up. */
export function dividedUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}

/**
 * As a number.
 * @throws RangeError where a number could not hold it exactly
 */
export function exactNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} micro-dollars cannot be held exactly`);
  return Number(value);
}
