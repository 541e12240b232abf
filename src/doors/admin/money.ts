import { z } from 'zod';
import { sixDigits } from '../../kernel/units.ts';
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
  return { [`${name}_usd`]: sixDigits(micros), [`${name}_micros`]: micros } as { [K in `${N}_usd`]: string } & {
    [K in `${N}_micros`]: number;
  };
}
