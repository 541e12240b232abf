import { z } from 'zod';
import { exactProduct } from '../../kernel/units.ts';
import { actorOf } from './auth.ts';
import { endFields, endOf, isOneEnd, ONE_END } from './end.ts';
import { grantWithin, isWithin, mustBeWithin } from './grant-reach.ts';
import { Grant, grantParams, readGrant, showGrant } from './grant-view.ts';
import { changing, tagged } from './preconditions.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line, neededReason, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { beneficiaryOf } from './subjects.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['grants'];

/** `/grants`: more than the policy gives, for a time. */
export function grantRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  makeRoute(app, services);
  revokeRoute(app, services);
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/grants',
    {
      config: { permission: 'grants.read', narrows: true },
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
    async (request) => {
      const { query } = request;
      const state = await services.directory();
      const view = new DirectoryView(state);
      const reach = reachOf(request);
      const rows = query.state === 'active' ? state.grants : await services.grants(HISTORY);
      const page = pageOf(
        rows.filter((row) => isWithin(reach, view, row)),
        query,
      );
      const now = services.clock.now();
      return { grants: page.rows.map((row) => showGrant(view, row, now)), cursor: page.cursor };
    },
  );

  app.get(
    '/grants/:id',
    {
      config: { permission: 'grants.read', narrows: true },
      schema: {
        operationId: 'getGrant',
        tags,
        summary: 'Show a grant',
        description: 'By id.',
        params: grantParams,
        response: answers([200, Grant], 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await grantWithin(services, reachOf(request), id);
      return tagged(reply, await readGrant(services, id));
    },
  );
}

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
    ...endFields('366 days at most.'),
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
  .refine(isOneEnd, ONE_END);

function makeRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/grants',
    {
      config: { permission: 'grants.write', narrows: true },
      schema: {
        operationId: 'makeGrant',
        tags,
        summary: 'Grant more for a time',
        description:
          'More money on top of budgets, or the approval that an `ask` rule waits for. It never overcomes a deny or a stop. ' +
          'Grants add up: asking twice gives twice. A team lead grants money to people, services and keys of the own teams, ' +
          'at most what is left of the team’s own budgets, and approvals that the policy would let the team ask for.',
        body: NewGrant,
        response: answers([201, Grant], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const state = await services.directory();
      const whom = beneficiaryOf(state, body.for);
      const micros = body.usd === undefined ? null : exactProduct(body.usd, 1_000_000);
      const wanted = { kind: body.kind, ...whom, models: body.model ?? null, micros };
      mustBeWithin(services, reachOf(request), { view: new DirectoryView(state), wanted });
      const { id } = await services.changes.grant({
        ...{ ...wanted, actor: actorOf(request), reason: body.reason },
        endsAt: endOf(body, services.clock.now()),
      });
      return reply.code(201).send(tagged(reply, await readGrant(services, id)));
    },
  );
}

function revokeRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/grants/:id/revoke',
    {
      config: { permission: 'grants.write', narrows: true, matches: true },
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
    async (request, reply) => {
      const { id } = request.params;
      const reach = reachOf(request);
      await grantWithin(services, reach, id);
      await changing(request, {
        thing: id,
        shown: () => readGrant(services, id),
        change: () =>
          services.changes.revokeGrant({ actor: actorOf(request), grant: id, reason: request.body.reason ?? null }),
      });
      return tagged(reply, await readGrant(services, id));
    },
  );
}
