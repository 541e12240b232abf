import { z } from 'zod';
import { money, moneyFields } from './money.ts';
import type { BudgetCounter } from './policy-services.ts';
import { mode, Place, period, SCOPES, showPlace } from './policy-views.ts';
import { type Reach, reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { isoOrNull } from './view.ts';

const Budget = named(
  'Budget',
  z.object({
    budget: described(Place, 'The line of the policy.'),
    whom: z.object({
      scope: z.enum(SCOPES),
      id: described(z.string(), 'Id of the team, person, service or key, name of the model, or `org`.'),
      name: described(z.string().nullable(), 'Its name in the directory; null when it has none.'),
    }),
    period,
    mode: described(z.enum(mode.options), '`observe`: it refuses nothing.'),
    ...moneyFields('limit', 'By the policy.'),
    ...moneyFields('granted', 'On top of it, by grants in force.'),
    ...moneyFields('spent', 'In this period.'),
    ...moneyFields('held', 'For calls that run.'),
    percent: described(z.number().nullable(), 'Spent of limit and grants, to a tenth; null where these are 0.'),
    resets_at: instant('When it begins anew; null for never.').nullable(),
  }),
  'Where one counter of a budget stands.',
);

const MOST = 10_000;

/** `/budgets`: what is spent of every budget in force. */
export function budgetRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/budgets',
    {
      config: { permission: 'budgets.read', narrows: true },
      schema: {
        operationId: 'listBudgets',
        tags: ['policy'],
        summary: 'List budgets and what is spent of them',
        description:
          'Every counter of the budgets in force: in the order of the policy, of one line the fullest first. A person, service, ' +
          'key or model that spent nothing in the period has no counter.',
        querystring: z.strictObject({
          scope: described(z.enum(SCOPES).optional(), 'Only budgets that count by this.'),
          limit: described(z.coerce.number().int().min(1).max(MOST).default(1000), `Most entries, 1 to ${MOST}.`),
        }),
        response: answers([
          200,
          z.object({
            day: described(z.string(), 'Today in the policy’s time zone.'),
            time_zone: z.string(),
            simulated: described(z.boolean(), 'True in a demo: no provider was asked.'),
            budgets: z.array(Budget),
            more: described(z.number().int(), 'How many entries were left out.'),
            waiting: described(
              z.number().int(),
              'Budgets whose spending is not known yet: calls under them are refused until it is.',
            ),
          }),
        ]),
      },
    },
    async (request) => {
      const { scope, limit } = request.query;
      const reaches = await countersWithin(services, reachOf(request));
      const { day, timeZone, counters, waiting } = services.policy.budgets();
      const asked = counters.filter((one) => (scope === undefined || one.line.scope === scope) && reaches(one));
      const { simulated } = services.upstream();
      const shown = asked.slice(0, limit);
      return {
        ...{ day, time_zone: timeZone, simulated, budgets: shown.map(showBudget) },
        ...{ more: asked.length - shown.length, waiting },
      };
    },
  );
}

/** Of teams, people, services and keys that spend within reach. What others spend of the same model or organization is not shown. */
async function countersWithin(
  services: AdminServices,
  reach: Reach,
): Promise<(counter: Pick<BudgetCounter, 'line' | 'subject'>) => boolean> {
  if (reach.all) return () => true;
  const keys = new Map((await services.directory()).credentials.map((row) => [row.id, row]));
  return ({ line: { scope }, subject }) => {
    if (scope === 'team') return reach.team(subject);
    if (scope === 'person' || scope === 'service') return reach.charged(subject);
    const key = scope === 'key' ? keys.get(subject) : undefined;
    return key !== undefined && reach.key(key);
  };
}

function showBudget({ line, place, subject, name, ...at }: BudgetCounter): z.infer<typeof Budget> {
  const cap = at.limit + at.extra;
  return {
    budget: showPlace(place),
    whom: { scope: line.scope, id: subject, name },
    ...{ period: line.period, mode: line.mode },
    ...money('limit', at.limit),
    ...money('granted', at.extra),
    ...money('spent', at.spent),
    ...money('held', at.reserved),
    percent: cap === 0 ? null : Math.round((at.spent / cap) * 1000) / 10,
    resets_at: isoOrNull(at.resetsAt),
  };
}
