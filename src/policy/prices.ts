import { z } from 'zod';
import type { ConfigPath } from '../kernel/config/document.ts';
import type { Context } from './context.ts';
import { when } from './dates.ts';
import type { PriceOverride } from './model.ts';
import { resolveModels } from './models.ts';
import { modelPatterns } from './patterns.ts';
import { few } from './text.ts';

const CLASSES = ['input', 'output', 'cache_read', 'cache_write_5m', 'cache_write_1h'] as const;
const USD = /^(?:0|[1-9]\d{0,5})(?:\.\d{1,9})?$/;
const USD_HINT = 'write USD per million tokens, such as 3 or "0.30", with at most 9 decimals';

const usd = z.union([z.string().max(40), z.number()], { error: USD_HINT }).transform((value, context) => {
  const text = String(value).trim();
  if (USD.test(text)) return text;
  context.addIssue({ code: 'custom', message: USD_HINT });
  return z.NEVER;
});

const DISCOUNT_HINT = 'write the share off the list price, more than 0% and less than 100%, such as "12%"';

/** Reads `12%` as the exact decimal text of its fraction, `0.12`; null for what is not between 0% and 100%. */
export function parseDiscount(text: string): string | null {
  const [, whole = '', decimals = ''] = /^(\d{1,2})(?:\.(\d{1,4}))?%$/.exec(text) ?? [];
  const digits = `${whole.padStart(2, '0')}${decimals}`.replace(/0+$/, '');
  return whole === '' || digits === '' ? null : `0.${digits}`;
}

const discount = z
  .string({ error: DISCOUNT_HINT })
  .max(20)
  .transform((text, context) => {
    const fraction = parseDiscount(text.trim());
    if (fraction !== null) return { text: text.trim(), fraction };
    context.addIssue({ code: 'custom', message: DISCOUNT_HINT });
    return z.NEVER;
  });

/** An entry of `prices`. */
export const priceSchema = z
  .strictObject({
    models: modelPatterns.describe('Models the price is for.'),
    discount: discount.optional().describe('Share off the list price: `12%`. Either this or prices.'),
    input: usd.optional().describe('USD per million input tokens. Classes that are left out keep the list price.'),
    output: usd.optional().describe('USD per million output tokens.'),
    cache_read: usd.optional().describe('USD per million tokens read from the cache.'),
    cache_write_5m: usd.optional().describe('USD per million tokens written to the cache for five minutes.'),
    cache_write_1h: usd.optional().describe('USD per million tokens written to the cache for an hour.'),
    from: when
      .optional()
      .describe('First day of the price in `time_zone`, or an instant. Without it, it has always been so.'),
    until: when.optional().describe('Last day of the price in `time_zone`, or an instant. Without it, it has no end.'),
  })
  .refine((entry) => (entry.discount === undefined) === CLASSES.some((name) => entry[name] !== undefined), {
    error: `write either discount or prices (${CLASSES.join(', ')})`,
  })
  .meta({ anyOf: [{ required: ['discount'] }, ...CLASSES.map((name) => ({ required: [name] }))] });

type PriceEntry = z.output<typeof priceSchema>;

/** The contract price of an entry of `prices`. One that ends before it begins is a fault. */
export function compilePrice(entry: PriceEntry, path: ConfigPath, context: Context): PriceOverride {
  const from = entry.from === undefined ? null : context.calendar.start(entry.from);
  const until = entry.until === undefined ? null : context.calendar.end(entry.until);
  if (from !== null && until !== null && from >= until) context.fault([...path, 'until'], 'must be later than from');
  const usdOf = CLASSES.flatMap((name) => {
    const price = entry[name];
    return price === undefined ? [] : [[name, price] as const];
  });
  return {
    place: context.place(path, sentence(entry, usdOf)),
    models: resolveModels(entry.models, [...path, 'models'], context),
    from,
    until,
    discount: entry.discount?.fraction ?? null,
    usd: Object.fromEntries(usdOf),
  };
}

function sentence(entry: PriceEntry, usdOf: readonly (readonly [string, string])[]): string {
  const price =
    entry.discount === undefined ? usdOf.map((pair) => pair.join(' ')) : [`discount ${entry.discount.text}`];
  const times = [
    entry.from === undefined ? [] : [`from ${entry.from.text}`],
    entry.until === undefined ? [] : [`until ${entry.until.text}`],
  ].flat();
  return [`${few(entry.models.items)}: ${price.join(', ')}`, ...times].join(' ');
}
