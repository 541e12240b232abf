import { z } from 'zod';
import type { UsageRow } from '../../projections/ports.ts';
import { actorOf } from './auth.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

const count = (description: string) => described(z.number().int(), description);
const sums = {
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
const Sums = named('UsageSums', z.object(sums), 'Sums over calls. Token classes are the provider’s.');
const Row = named(
  'UsageRow',
  z.object({
    value: described(z.string().nullable(), 'Id, model name or day; null for calls without one.'),
    name: described(z.string().nullable(), 'Name of the person, team, service or key, from today’s directory.'),
    ...sums,
  }),
  'Usage of one person, team, service, key, model or day.',
);

const DIMENSIONS = ['team', 'person', 'service', 'key', 'model', 'day'] as const;
const day = (description: string) => described(z.iso.date().optional(), `${description}, YYYY-MM-DD, UTC, included.`);
const Query = z
  .strictObject({
    by: described(z.enum(DIMENSIONS).default('team'), 'What to sum for.'),
    from: day('First day'),
    to: day('Last day'),
    month: described(
      z
        .string()
        .regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11')
        .optional(),
      'A whole month, instead of `from` and `to`.',
    ),
  })
  .refine(
    (query) => query.month === undefined || (query.from ?? query.to) === undefined,
    'month goes without from and to',
  );

/** `/usage`: who used how much, from the views. */
export function usageRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/usage',
    {
      config: { permission: 'usage.read' },
      schema: {
        operationId: 'getUsage',
        tags: ['usage'],
        summary: 'Show usage',
        description: 'Sums for a period; without one, for this month.',
        querystring: Query,
        response: answers([
          200,
          z.object({
            by: z.enum(DIMENSIONS),
            from: z.string(),
            to: z.string(),
            simulated: described(z.boolean(), 'True in a demo: no provider was asked.'),
            rows: z.array(Row),
            total: Sums,
          }),
        ]),
      },
    },
    async ({ query }) => {
      const { from, to } = periodOf(query, services.clock.now());
      const rows = await services.projections.usage({ by: query.by, from, to });
      const view = new DirectoryView(await services.directory());
      const shown = rows.map((row) => ({ value: row.value, name: nameIn(view, row.value), ...sumsOf(row) }));
      const { simulated } = services.upstream();
      return { by: query.by, from, to, simulated, rows: shown, total: totalOf(rows) };
    },
  );

  app.post(
    '/usage/rebuild',
    {
      config: { permission: 'usage.rebuild' },
      schema: {
        operationId: 'rebuildUsage',
        tags: ['usage'],
        summary: 'Rebuild the views from the journal',
        description: 'Drops everything derived and replays the journal. Changes nothing that is not derived.',
        body: z.strictObject({}),
        response: answers([200, z.object({ records: count('Records that were read.') })], 413, 415),
      },
    },
    async (request) => {
      const { records } = await services.projections.rebuild();
      const actor = actorOf(request);
      await services.recordAction({ actor, action: 'usage.rebuilt', subject: 'projections', after: { records } });
      return { records };
    },
  );
}

/** A key's label, hint and owner say more than its id. */
function nameIn(view: DirectoryView, value: string | null): string | null {
  const name = view.nameOf(value);
  if (name !== null || value === null) return name;
  const key = view.credentials.find((row) => row.id === value);
  return key ? [key.label || key.hint, view.nameOf(key.owner)].filter(Boolean).join(', ') : null;
}

function periodOf(
  query: { from?: string | undefined; to?: string | undefined; month?: string | undefined },
  now: number,
): { from: string; to: string } {
  const today = new Date(now).toISOString().slice(0, 10);
  const month = query.month ?? (query.from === undefined && query.to === undefined ? today.slice(0, 7) : undefined);
  if (month !== undefined) {
    const [year, number] = month.split('-').map(Number);
    // Day 0 of the next month is the last of this one.
    const last = new Date(Date.UTC(year ?? 0, number ?? 0, 0));
    return { from: `${month}-01`, to: last.toISOString().slice(0, 10) };
  }
  const to = query.to ?? today;
  const from = query.from ?? `${to.slice(0, 7)}-01`;
  if (from > to) throw new AdminProblem('invalid', 'from lies after to');
  return { from, to };
}

function sumsOf(row: UsageRow): z.infer<typeof Sums> {
  return {
    calls: row.calls,
    failed: row.failed,
    refused: row.refused,
    unmetered: row.unmetered,
    input_tokens: row.inputTokens,
    cache_write_5m_tokens: row.cacheWrite5mTokens,
    cache_write_1h_tokens: row.cacheWrite1hTokens,
    cache_read_tokens: row.cacheReadTokens,
    output_tokens: row.outputTokens,
    web_searches: row.webSearches,
  };
}

function totalOf(rows: readonly UsageRow[]): z.infer<typeof Sums> {
  const total: Record<string, number> = Object.fromEntries(Object.keys(sums).map((name) => [name, 0]));
  for (const row of rows) {
    for (const [name, value] of Object.entries(sumsOf(row))) total[name] = (total[name] ?? 0) + value;
  }
  return Sums.parse(total);
}
