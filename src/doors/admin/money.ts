import { z } from 'zod';
import { described } from './schemas.ts';

/** Two fields of an answer for one amount: `<name>_usd` as decimal text with six digits, and `<name>_micros`. */
export function moneyFields<N extends string>(name: N, description: string) {
  return {
    [`${name}_usd`]: described(z.string(), `${description} US dollars, as decimal text with six digits.`),
    [`${name}_micros`]: described(z.number().int(), `${description} Micro-dollars: the same amount, for adding up.`),
  } as { [K in `${N}_usd`]: z.ZodString } & { [K in `${N}_micros`]: z.ZodNumber };
}

/** The values of those two fields. */
export function money<N extends string>(name: N, micros: number) {
  return { [`${name}_usd`]: usd(micros), [`${name}_micros`]: micros } as { [K in `${N}_usd`]: string } & {
    [K in `${N}_micros`]: number;
  };
}

/**
 * Whole micro-dollars as decimal text with six digits: `12.345678`. By the digits, because a division loses the last of a
 * large amount. Throws for what is no exact whole number of them.
 */
export function usd(micros: number): string {
  if (!Number.isSafeInteger(micros)) throw new Error('an amount is no exact number of micro-dollars');
  const digits = String(Math.abs(micros)).padStart(7, '0');
  return `${micros < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
