/** How sums of usage look in answers. */
import { z } from 'zod';
import type { UsageRow } from '../../projections/ports.ts';
import { money, moneyFields } from './money.ts';
import { described, named } from './schemas.ts';
import type { DirectoryView } from './view.ts';

const count = (description: string) => described(z.number().int(), description);
const sums = {
  ...moneyFields('cost', 'What was charged. Calls recorded by version 0.1.0 carry no cost and count 0.'),
  ...moneyFields('metered', 'The part of the cost that no whole usage report of the provider confirms.'),
  calls: count('Calls that were sent.'),
  failed: count('Calls that ended other than well.'),
  refused: count('Calls that were refused.'),
  unmetered: count('Calls for which the provider reported no usage.'),
  input_tokens: count('Input that no cache held.'),
  cache_write_5m_tokens: count('Written to a five-minute cache.'),
  cache_write_1h_tokens: count('Written to a one-hour cache.'),
  cache_read_tokens: count('Read from a cache.'),
  output_tokens: count('Output.'),
  web_searches: count('Web searches made by the provider.'),
};

export const Sums = named('UsageSums', z.object(sums), 'Sums over calls. Token classes are the provider’s.');
export const Row = named(
  'UsageRow',
  z.object({
    value: described(z.string().nullable(), 'Id, model name, cost centre or day; null for calls without one.'),
    name: described(z.string().nullable(), 'Name of the person, team, service or key, from today’s directory.'),
    ...sums,
  }),
  'Usage of one person, team, service, key, model, cost centre or day.',
);

type Counts = Omit<UsageRow, 'value'>;

/** Which sum of the views each count shows. */
const COUNTS = {
  calls: 'calls',
  failed: 'failed',
  refused: 'refused',
  unmetered: 'unmetered',
  input_tokens: 'inputTokens',
  cache_write_5m_tokens: 'cacheWrite5mTokens',
  cache_write_1h_tokens: 'cacheWrite1hTokens',
  cache_read_tokens: 'cacheReadTokens',
  output_tokens: 'outputTokens',
  web_searches: 'webSearches',
} as const satisfies Partial<Record<keyof typeof sums, keyof Counts>>;

/** The rows added up, to the micro-dollar. Throws where the sum of the money is too large to be exact. */
export function sumsOf(rows: readonly Counts[]): z.infer<typeof Sums> {
  const total = (name: keyof Counts): number => rows.reduce((sum, row) => sum + row[name], 0);
  const counts = Object.entries(COUNTS).map(([shown, name]) => [shown, total(name)] as const);
  return {
    ...money('cost', total('costMicros')),
    ...money('metered', total('meteredMicros')),
    ...(Object.fromEntries(counts) as Record<keyof typeof COUNTS, number>),
  };
}

/** A key's label, hint and owner say more than its id. Null for what is no id of today's directory. */
export function nameIn(view: DirectoryView, value: string | null): string | null {
  const name = view.nameOf(value);
  if (name !== null || value === null) return name;
  const key = view.credentials.find((row) => row.id === value);
  return key ? [key.label || key.hint, view.nameOf(key.owner)].filter(Boolean).join(', ') : null;
}
