import { z } from 'zod';
import { utcDay } from '../../kernel/days.ts';
import { sixDigits } from '../../kernel/units.ts';
import type { ForecastAmounts, Growth, UnusualSpending } from '../../projections/ports.ts';
import { money, moneyFields } from './money.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { nameIn } from './usage-sums.ts';
import { DirectoryView } from './view.ts';

/** A month in a query. */
export const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11');

/** Today in the time zone that calls are booked in. */
export function todayOf({ clock, today }: Pick<AdminServices, 'clock' | 'today'>): string {
  return today?.() ?? utcDay(clock.now());
}

const name = described(z.string().nullable(), 'Its name in today’s directory; null when it has none.');
const simulated = described(z.boolean(), 'True in a demo: no provider was asked.');
const amounts = {
  ...moneyFields('to_date', 'Spent in the month up to today.'),
  ...moneyFields('expected', 'Expected of the whole month.'),
  ...moneyFields('low', 'The month, should the days to come be as cheap as the cheapest like them.'),
  ...moneyFields('high', 'The month, should they be as dear as the dearest like them.'),
  method: described(
    z.enum(['actual', 'weekday', 'linear']),
    '`actual`: the month is over. `weekday`: the same weekdays of the last four weeks. `linear`: fewer days are known.',
  ),
};
const Forecast = named(
  'SpendingForecast',
  z.object({
    month: z.string(),
    today: z.string(),
    simulated,
    rows: z.array(z.object({ team: described(z.string().nullable(), 'Id; null for no team.'), name, ...amounts })),
    total: z.object(amounts),
  }),
  'What a month will cost, by team. To date and expected of the rows add up to the total; ranges do not.',
);

const Grown = named(
  'SpendingGrowth',
  z.object({
    value: described(z.string(), 'Id or model name.'),
    name,
    ...moneyFields('cost', 'What it cost in these days.'),
    ...moneyFields('usual', 'What it usually costs in as many.'),
    new: described(z.boolean(), 'It cost nothing in the four weeks before.'),
  }),
  'The model, key or caller whose spending grew most.',
);
const Unusual = named(
  'UnusualSpending',
  z.object({
    scope: z.enum(['person', 'service', 'key', 'team']),
    subject: described(z.string(), 'Its id.'),
    name,
    days: described(z.union([z.literal(1), z.literal(7)]), 'Days that are compared.'),
    to: described(z.string(), 'The last of them.'),
    since: described(z.string(), 'The first of the last seven days that stands out.'),
    ...moneyFields('cost', 'Spent in these days.'),
    ...moneyFields('usual', 'Median of its active days, or of its weeks, in the four weeks before.'),
    calls: z.number().int(),
    usual_calls: z.number(),
    driver: described(z.enum(['calls', 'cost_per_call', 'both']), 'What grew: how many calls, or what one costs.'),
    model: Grown.nullable(),
    key: Grown.nullable(),
    who: Grown.nullable(),
    explanation: described(z.string(), 'All of it in words.'),
  }),
  'Spending far above the same person’s, service’s, key’s or team’s own habit.',
);

/** `/usage/forecast` and `/usage/unusual`: where spending is going. */
export function spendingRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/usage/forecast',
    {
      config: { permission: 'usage.read', narrows: true },
      schema: {
        operationId: 'getForecast',
        tags: ['usage'],
        summary: 'Forecast a month',
        description:
          'What a month will cost, from the days so far; without one, this month. A team lead sees the own teams.',
        querystring: z.strictObject({ month: described(month.optional(), 'The month, YYYY-MM.') }),
        response: answers([200, Forecast]),
      },
    },
    async (request) => {
      const today = todayOf(services);
      const month = request.query.month ?? today.slice(0, 7);
      const forecast = await services.projections.forecast({ month, today });
      const reach = reachOf(request);
      const view = new DirectoryView(await services.directory());
      const within = forecast.rows.filter(({ team }) => reach.team(team));
      const rows = within.map((row) => ({ team: row.team, name: nameIn(view, row.team), ...amountsOf(row) }));
      const { simulated } = services.upstream();
      const total = amountsOf(reach.all ? forecast.total : addedUp(within));
      return { month: forecast.month, today, simulated, rows, total };
    },
  );

  app.get(
    '/usage/unusual',
    {
      config: { permission: 'usage.read', narrows: true },
      schema: {
        operationId: 'getUnusualSpending',
        tags: ['usage'],
        summary: 'Show unusual spending',
        description:
          'Who spends far above their own last four weeks, today, yesterday or in the last seven days, and what changed. ' +
          'Less than 5 US dollars above the usual, and callers with little history, are left out. A team lead sees the own teams.',
        response: answers([200, z.object({ today: z.string(), simulated, rows: z.array(Unusual) })]),
      },
    },
    async (request) => {
      const today = todayOf(services);
      const reach = reachOf(request);
      // What a person spends may be charged to a team that is not the lead's.
      const found = (await services.projections.unusual({ today })).filter(
        ({ scope, subject }) => reach.all || (scope === 'team' && reach.team(subject)),
      );
      const view = new DirectoryView(await services.directory());
      return { today, simulated: services.upstream().simulated, rows: found.map((each) => unusualIn(view, each)) };
    },
  );
}

/** Of some of the teams: their ranges together hold that of the sum. */
function addedUp(rows: readonly ForecastAmounts[]): ForecastAmounts {
  const sum = (pick: (row: ForecastAmounts) => number): number => rows.reduce((all, row) => all + pick(row), 0);
  const methods = new Set(rows.map(({ method }) => method));
  return {
    toDateMicros: sum((row) => row.toDateMicros),
    expectedMicros: sum((row) => row.expectedMicros),
    lowMicros: sum((row) => row.lowMicros),
    highMicros: sum((row) => row.highMicros),
    method: methods.has('linear') ? 'linear' : methods.has('weekday') ? 'weekday' : 'actual',
  };
}

function amountsOf(row: ForecastAmounts) {
  return {
    ...money('to_date', row.toDateMicros),
    ...money('expected', row.expectedMicros),
    ...money('low', row.lowMicros),
    ...money('high', row.highMicros),
    method: row.method,
  };
}

function unusualIn(view: DirectoryView, found: UnusualSpending): z.infer<typeof Unusual> {
  const { scope, subject, days, to, since, calls, usualCalls, driver } = found;
  const grown = (growth: Growth | null): z.infer<typeof Grown> | null =>
    growth && {
      value: growth.value,
      name: nameIn(view, growth.value),
      ...money('cost', growth.micros),
      ...money('usual', growth.usualMicros),
      new: growth.isNew,
    };
  return {
    scope,
    subject,
    name: nameIn(view, subject),
    days,
    to,
    since,
    ...money('cost', found.micros),
    ...money('usual', found.usualMicros),
    calls,
    usual_calls: usualCalls,
    driver,
    model: grown(found.model),
    key: grown(found.key),
    who: grown(found.who),
    explanation: explain(view, found),
  };
}

const DRIVERS = {
  calls: 'mostly more calls',
  cost_per_call: 'mostly dearer calls',
  both: 'more calls and dearer ones',
} as const satisfies Record<UnusualSpending['driver'], string>;

function explain(view: DirectoryView, found: UnusualSpending): string {
  const { scope, subject, days, to, since, micros, usualMicros, calls, usualCalls, driver } = found;
  const called = (id: string): string => nameIn(view, id) ?? id;
  const when = days === 1 ? `on ${to}` : `in the 7 days to ${to}`;
  const grew = (what: string, growth: Growth | null): string => {
    if (growth === null) return '';
    const before = growth.isNew ? 'new' : `usually ${cents(growth.usualMicros)}`;
    return ` Grew most: ${what} ${called(growth.value)} (${cents(growth.micros)}, ${before}).`;
  };
  return (
    `${scope} ${called(subject)} spent ${cents(micros)} ${when}, usually ${cents(usualMicros)} in ` +
    `${days === 1 ? 'a day' : '7 days'}; unusual since ${since}. ${calls} calls, usually ${usualCalls}: ${DRIVERS[driver]}.` +
    grew('caller', found.who) +
    grew('model', found.model) +
    grew('key', found.key)
  );
}

/** An amount inside a sentence: to the cent, rounded half up. */
function cents(micros: number): string {
  return `${sixDigits(Math.round(micros / 10_000) * 10_000).slice(0, -4)} USD`;
}
