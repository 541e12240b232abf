import { z } from 'zod';
import { DAY_MS } from '../../kernel/days.ts';
import { exactProduct, parseDuration } from '../../kernel/units.ts';
import { actorOf } from './auth.ts';
import { duration } from './expiry.ts';
import { Grant, grantParams, readGrant, showGrant } from './grant-view.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line, neededReason, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { beneficiaryOf } from './subjects.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['grants'];

/** `/grants`: more than the policy gives, for a time. */
export function grantRoutes(app: AdminApp, services: AdminServices): void {
  listRoute(app, services);
  makeRoute(app, services);
  revokeRoute(app, services);
}

function listRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/grants',
    {
      config: { permission: 'grants.read' },
      schema: {
        operationId: 'listGrants',
        tags,
        summary: 'List grants',
        description: `Newest first. Of \`all\`, the newest ${HISTORY}.`,
        querystring: z.strictObject({
          ...paging(500),
          state: described(
            z.enum(['active', 'all']).default('active'),
            '`active`: those in force. `all`: those that ended or were revoked too.',
          ),
        }),
        response: answers([200, z.object({ grants: z.array(Grant), cursor: nextCursor })]),
      },
    },
    async ({ query }) => {
      const state = await services.directory();
      const view = new DirectoryView(state);
      const page = pageOf(query.state === 'active' ? state.grants : await services.grants(HISTORY), query);
      const now = services.clock.now();
      return { grants: page.rows.map((row) => showGrant(view, row, now)), cursor: page.cursor };
    },
  );
}

const END = z.union(
  [z.iso.datetime({ offset: true }), z.iso.date()],
  'must be a day such as 2027-01-31, or an instant with its zone such as 2027-01-31T18:00:00Z',
);

const NewGrant = z
  .strictObject({
    kind: described(
      z.enum(['budget', 'approval']),
      '`budget`: money on top of every budget of whom it is for. `approval`: what an `ask` rule waits for.',
    ),
    for: line(
      264,
      'Whom it is for: `organization`, `team NAME`, `service NAME`, an e-mail address, or the id of a team, service, person or key.',
    ),
    usd: described(
      z
        .string()
        .regex(/^\d{1,9}(\.\d{1,6})?$/, 'must be US dollars as decimal text such as "250" or "0.50"')
        .optional(),
      'Of a budget: US dollars as decimal text, exact to a micro-dollar.',
    ),
    model: line(256, 'Of an approval: a model’s name, or a pattern such as `claude-opus-*`.').optional(),
    ends_at: described(END.optional(), 'When it ends: an instant with its zone, or a day, whose end in UTC counts.'),
    hours: described(
      duration('How long it lasts from now, such as `8 h` or `3 days`.').optional(),
      'How long it lasts from now, such as `8 h` or `3 days`. Instead of `ends_at`; 366 days at most.',
    ),
    reason: neededReason(),
  })
  .refine(
    (body) => (body.usd !== undefined) === (body.kind === 'budget'),
    'usd goes with a budget, and is needed there',
  )
  .refine(
    (body) => (body.model !== undefined) === (body.kind === 'approval'),
    'model goes with an approval, and is needed there',
  )
  .refine((body) => (body.ends_at === undefined) !== (body.hours === undefined), 'give either ends_at or hours');
type NewGrant = z.infer<typeof NewGrant>;

function makeRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/grants',
    {
      config: { permission: 'grants.write' },
      schema: {
        operationId: 'makeGrant',
        tags,
        summary: 'Grant more for a time',
        description:
          'More money on top of budgets, or the approval that an `ask` rule waits for. It never overcomes a deny or a stop. ' +
          'Grants add up: asking twice gives twice.',
        body: NewGrant,
        response: answers([201, Grant], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const whom = beneficiaryOf(await services.directory(), body.for);
      const { id } = await services.changes.grant({
        ...{ actor: actorOf(request), kind: body.kind, ...whom, reason: body.reason },
        ...{ models: body.model ?? null, micros: body.usd === undefined ? null : exactProduct(body.usd, 1_000_000) },
        endsAt: endOf(body, services.clock.now()),
      });
      return reply.code(201).send(await readGrant(services, id));
    },
  );
}

function revokeRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/grants/:id/revoke',
    {
      config: { permission: 'grants.write' },
      schema: {
        operationId: 'revokeGrant',
        tags,
        summary: 'Revoke a grant',
        description: 'From then on only the policy counts; what was spent under it stays spent.',
        params: grantParams,
        body: z.strictObject({ reason }),
        response: answers([200, Grant], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const { id } = request.params;
      await services.changes.revokeGrant({ actor: actorOf(request), grant: id, reason: request.body.reason ?? null });
      return readGrant(services, id);
    },
  );
}

/** Milliseconds since the epoch, not included. */
function endOf({ ends_at: end, hours }: NewGrant, now: number): number {
  if (end === undefined) return now + (parseDuration(hours ?? '') ?? 0);
  return end.includes('T') ? Date.parse(end) : Date.parse(`${end}T00:00:00Z`) + DAY_MS;
}
