import { z } from 'zod';
import { daysOfMonth } from '../../kernel/days.ts';
import { actorOf } from './auth.ts';
import { AdminProblem } from './problems.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { month, todayOf } from './spending.ts';
import { nameIn, Row, Sums, sumsOf } from './usage-sums.ts';
import { DirectoryView } from './view.ts';

const DIMENSIONS = ['team', 'person', 'service', 'key', 'model', 'day', 'cost_center'] as const;
const day = (description: string) =>
  described(z.iso.date('must be a day such as 2026-11-24').optional(), `${description}, YYYY-MM-DD, included.`);
const period = {
  from: day('First day'),
  to: day('Last day'),
  month: described(month.optional(), 'A whole month, instead of `from` and `to`.'),
};
const isOnePeriod = (query: { from?: unknown; to?: unknown; month?: unknown }): boolean =>
  query.month === undefined || (query.from ?? query.to) === undefined;
const TWO_PERIODS = 'month goes without from and to';

const OwnQuery = z
  .strictObject({ by: described(z.enum(DIMENSIONS).default('day'), 'What to sum for.'), ...period })
  .refine(isOnePeriod, TWO_PERIODS);

const Query = z
  .strictObject({
    by: described(z.enum(DIMENSIONS).default('team'), 'What to sum for.'),
    ...period,
    team: line(254, 'Only calls charged to this team, by id or name.').optional(),
    person: line(254, 'Only calls of this person or service, by id or name.').optional(),
  })
  .refine(isOnePeriod, TWO_PERIODS);

const Answer = z.object({
  by: z.enum(DIMENSIONS),
  from: z.string(),
  to: z.string(),
  simulated: described(z.boolean(), 'True in a demo: no provider was asked.'),
  rows: z.array(Row),
  total: Sums,
});

/** `/usage`: who used how much, from the views. */
export function usageRoutes(app: AdminApp, services: AdminServices): void {
  showRoute(app, services);
  ownRoute(app, services);
  rebuildRoute(app, services);
}

function showRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/usage',
    {
      config: { permission: 'usage.read', narrows: true },
      schema: {
        operationId: 'getUsage',
        tags: ['usage'],
        summary: 'Show usage',
        description:
          'Sums for a period; without one, for this month. A call counts on the day, for the team and for the cost centre ' +
          'that it was booked on when it was admitted. The sums of the rows add up to the total to the micro-dollar, ' +
          'by person and by service together. A team lead sees what was charged to the own teams.',
        querystring: Query,
        response: answers([200, Answer], 404),
      },
    },
    async (request) => {
      const { query } = request;
      const view = new DirectoryView(await services.directory());
      const { team, person } = filterOf(view, query);
      const reach = reachOf(request);
      if (reach.all) return usageOf(services, view, { query, filters: [{ team, person }] });
      if (team !== undefined && !reach.team(team)) {
        throw new AdminProblem('resource_unknown', 'There is no team with this id or name.');
      }
      const teams = team === undefined ? [...reach.teams] : [team];
      return usageOf(services, view, { query, filters: teams.map((one) => ({ team: one, person })) });
    },
  );
}

function ownRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/account/usage',
    {
      config: { permission: 'account.read', narrows: true },
      schema: {
        operationId: 'getOwnUsage',
        tags: ['account'],
        summary: 'Show your own usage',
        description: 'What your calls used, whichever team was charged; without a period, this month.',
        querystring: OwnQuery,
        response: answers([200, Answer]),
      },
    },
    async (request) => {
      const view = new DirectoryView(await services.directory());
      return usageOf(services, view, { query: request.query, filters: [{ person: actorOf(request) }] });
    },
  );
}

interface Asked {
  readonly query: z.infer<typeof OwnQuery>;
  /** Calls that fit one of them; none fits two. */
  readonly filters: readonly { readonly team?: string | undefined; readonly person?: string | undefined }[];
}

async function usageOf(
  services: AdminServices,
  view: DirectoryView,
  { query, filters }: Asked,
): Promise<z.infer<typeof Answer>> {
  const { from, to } = periodOf(query, todayOf(services));
  const { by } = query;
  const found = await Promise.all(
    filters.map(({ team, person }) =>
      services.projections.usage({
        ...{ by, from, to },
        ...(team === undefined ? {} : { team }),
        ...(person === undefined ? {} : { person }),
      }),
    ),
  );
  const all = found.flat();
  // Of several teams, what is the same person or model is one row.
  const grouped = filters.length === 1 ? all.map((row) => [row]) : [...Map.groupBy(all, ({ value }) => value).values()];
  const rows = grouped.map((same) => {
    const value = same[0]?.value ?? null;
    return { value, name: nameIn(view, value), ...sumsOf(same) };
  });
  return { by, from, to, simulated: services.upstream().simulated, rows, total: sumsOf(all) };
}

function rebuildRoute(app: AdminApp, services: AdminServices): void {
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
