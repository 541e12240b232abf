import { z } from 'zod';
import type { ConfigPath } from '../kernel/config/document.ts';
import { exactProduct } from '../kernel/units.ts';
import { mode } from './access.ts';
import type { Context } from './context.ts';
import type { RateLine } from './model.ts';
import { compileScope, scopeKeys, scopeText } from './scopes.ts';
import { exactlyOne, oneRequired } from './text.ts';

const RATE = /^(\d{1,12}(?:\.\d{1,6})?)(k|M)?\/min$/;
const HINT = 'write a count a minute, such as "60/min", "200k/min" or "2M/min"';
const FACTORS: Readonly<Record<string, number>> = { k: 1_000, M: 1_000_000 };

/** Reads `60/min`, `1.5k/min`, `2M/min`; null for what is no whole count of at least one a minute. */
export function parseRate(text: string): number | null {
  const [, amount = '', suffix = ''] = RATE.exec(text) ?? [];
  const count = exactProduct(amount, FACTORS[suffix] ?? 1);
  return count === 0 ? null : count;
}

const rate = z
  .string({ error: (issue) => (issue.input === undefined ? undefined : HINT) })
  .max(40)
  .transform((text, context) => {
    const count = parseRate(text.trim());
    if (count !== null) return { text: text.trim(), count };
    context.addIssue({ code: 'custom', message: HINT });
    return z.NEVER;
  });

const LIMITS = ['requests', 'count_tokens', 'input_tokens', 'output_tokens', 'concurrent'] as const;

/** An entry of `rates`. */
export const rateSchema = z
  .strictObject({
    ...scopeKeys,
    requests: rate.optional().describe('Most messages in any 60 seconds: `60/min`.'),
    count_tokens: rate.optional().describe('Most calls that only count tokens, in any 60 seconds.'),
    input_tokens: rate.optional().describe('Most input tokens in any 60 seconds: `2M/min`.'),
    output_tokens: rate.optional().describe('Most output tokens in any 60 seconds: `200k/min`.'),
    concurrent: z.int().min(1).max(1_000_000).optional().describe('Most calls open at once.'),
    mode: mode.default('enforce').describe('`observe` records what the rate would have refused and refuses nothing.'),
  })
  .superRefine(exactlyOne(['each', 'for'], 'each and for'))
  .refine((entry) => LIMITS.some((key) => entry[key] !== undefined), {
    error: `write at least one of ${LIMITS.join(', ')}`,
  })
  .meta(oneRequired(['each', 'for']));

type RateEntry = z.output<typeof rateSchema>;

/** The rate of an entry of `rates`. */
export function compileRate(entry: RateEntry, path: ConfigPath, context: Context): RateLine {
  return {
    ...compileScope(entry, path, context),
    place: context.place(path, sentence(entry)),
    mode: entry.mode,
    requests: entry.requests?.count ?? null,
    countTokens: entry.count_tokens?.count ?? null,
    inputTokens: entry.input_tokens?.count ?? null,
    outputTokens: entry.output_tokens?.count ?? null,
    concurrent: entry.concurrent ?? null,
  };
}

function sentence(entry: RateEntry): string {
  const limits = LIMITS.flatMap((key) => {
    const value = entry[key];
    return value === undefined ? [] : [`${key} ${typeof value === 'number' ? value : value.text}`];
  });
  return `${scopeText(entry)}: ${limits.join(', ')}${entry.mode === 'observe' ? ', observing' : ''}`;
}
