import { z } from 'zod';
import { daysOfMonth } from '../../kernel/days.ts';
import { actorOf } from './auth.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { month, todayOf } from './spending.ts';
import { nameIn, Row, Sums, sumsOf } from './usage-sums.ts';
import { DirectoryView } from './view.ts';

const DIMENSIONS = ['team', 'person', 'service', 'key', 'model', 'day', 'cost_center'] as const;
const day = (description: string) =>
  described(z.iso.date('must be a day such as 2026-11-24').optional(), `${description}, YYYY-MM-DD, included.`);
const Query = z
  .strictObject({
    by: described(z.enum(DIMENSIONS).default('team'), 'What to sum for.'),
    from: day('First day'),
    to: day('Last day'),
    month: described(month.optional(), 'A whole month, instead of `from` and `to`.'),
    team: line(254, 'Only calls charged to this team, by id or name.').optional(),
    person: line(254, 'Only calls of this person or service, by id or name.').optional(),
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
        description:
          'Sums for a period; without one, for this month. A call counts on the day, for the team and for the cost centre ' +
          'that it was booked on when it was admitted. The sums of the rows add up to the total to the micro-dollar, ' +
          'by person and by service together.',
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
      const { from, to } = periodOf(query, todayOf(services));
      const view = new DirectoryView(await services.directory());
      const rows = await services.projections.usage({ by: query.by, from, to, ...filterOf(view, query) });
      const shown = rows.map((row) => ({ value: row.value, name: nameIn(view, row.value), ...sumsOf([row]) }));
      const { simulated } = services.upstream();
      return { by: query.by, from, to, simulated, rows: shown, total: sumsOf(rows) };
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
        response: answers(
          [200, z.object({ records: described(z.number().int(), 'Records that were read.') })],
          413,
          415,
        ),
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

/** Ids of the team and caller asked for; those that are not asked for stay out. An id need not be in today's directory. */
function filterOf(view: DirectoryView, { team, person }: z.infer<typeof Query>): { team?: string; person?: string } {
  const who = person === undefined || /^(per|svc)_/.test(person) ? person : view.findParty(person)?.id;
  if (person !== undefined && who === undefined) {
    throw new AdminProblem('resource_unknown', 'There is no person or service with this name.');
  }
  const charged = team === undefined || /^tea_/.test(team) ? team : view.team(team).id;
  return { ...(charged === undefined ? {} : { team: charged }), ...(who === undefined ? {} : { person: who }) };
}

function periodOf(
  query: { from?: string | undefined; to?: string | undefined; month?: string | undefined },
  today: string,
): { from: string; to: string } {
  const month = query.month ?? (query.from === undefined && query.to === undefined ? today.slice(0, 7) : undefined);
  if (month !== undefined) {
    const { first, last } = daysOfMonth(month);
    return { from: first, to: last };
  }
  const to = query.to ?? today;
  const from = query.from ?? `${to.slice(0, 7)}-01`;
  if (from > to) throw new AdminProblem('invalid', 'from must not lie after to');
  return { from, to };
}
