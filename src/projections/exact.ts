/**
 * A sum of the views as a number. Throws where a number could not hold it exactly (above 2^53 - 1; as micro-dollars, nine
 * billion dollars): a rounded amount would no longer add up.
 */
export function exact(sum: bigint): number {
  const value = Number(sum);
  if (!Number.isSafeInteger(value)) throw new Error(`a sum of the usage views is too large to be exact: ${sum}`);
  return value;
}
