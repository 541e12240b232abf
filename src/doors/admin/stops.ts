import { z } from 'zod';
import type { DirectoryState, StopRow } from '../../store/ports.ts';
import { actorOf } from './auth.ts';
import { changing, tagged } from './preconditions.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line, neededReason, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY, readStop, STOP_TARGETS, Stop, showStop, stopParams } from './stop-view.ts';
import { serviceOf } from './subjects.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['stops'];

/** `/stops`: what is stopped at once, over every policy. This door itself is never stopped, or nobody could lift a stop. */
export function stopRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  makeRoute(app, services);
  liftRoute(app, services);
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/stops',
    {
      config: { permission: 'stops.read' },
      schema: {
        operationId: 'listStops',
        tags,
        summary: 'List stops',
        description: `Newest first. Of \`all\`, the newest ${HISTORY}.`,
        querystring: z.strictObject({
          ...paging(500),
          state: described(
            z.enum(['active', 'all']).default('active'),
            '`active`: those in force. `all`: lifted ones too.',
          ),
        }),
        response: answers([200, z.object({ stops: z.array(Stop), cursor: nextCursor })]),
      },
    },
    async ({ query }) => {
      const state = await services.directory();
      const view = new DirectoryView(state);
      const page = pageOf(query.state === 'active' ? state.stops : await services.stops(HISTORY), query);
      return { stops: page.rows.map((row) => showStop(view, row)), cursor: page.cursor };
    },
  );

  app.get(
    '/stops/:id',
    {
      config: { permission: 'stops.read' },
      schema: {
        operationId: 'getStop',
        tags,
        summary: 'Show a stop',
        description: 'By id.',
        params: stopParams,
        response: answers([200, Stop], 404),
      },
    },
    async ({ params }, reply) => tagged(reply, await readStop(services, params.id)),
  );
}

const NewStop = z
  .strictObject({
    target: described(
      z.enum(STOP_TARGETS),
      'What is stopped. `everything` refuses every call at the model door, those of owners too.',
    ),
    subject: line(
      256,
      'A person by id or e-mail address, a service by id or name, a key by id, a session by the id that the client sends, ' +
        'models by name or a pattern such as `claude-opus-*`, an upstream by name. Not for `everything`.',
    ).optional(),
    reason: neededReason('Also shown to whoever is stopped.'),
  })
  .refine(
    (body) => (body.subject === undefined) === (body.target === 'everything'),
    'subject goes with every target but everything',
  );

function makeRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/stops',
    {
      config: { permission: 'stops.write' },
      schema: {
        operationId: 'makeStop',
        tags,
        summary: 'Stop something now',
        description:
          'Answered once it is in force: the next call it fits is refused, whatever the policy says, and running streams ' +
          'are cut. The same stop twice is one stop.',
        body: NewStop,
        response: answers([201, Stop], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const wanted = resolve(await services.directory(), request.body);
      const why = request.body.reason;
      const { id } = await services.changes.stop({ actor: actorOf(request), ...wanted, reason: why });
      return reply.code(201).send(tagged(reply, await readStop(services, id)));
    },
  );
}

function liftRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/stops/:id/lift',
    {
      config: { permission: 'stops.write', matches: true },
      schema: {
        operationId: 'liftStop',
        tags,
        summary: 'Lift a stop',
        description: 'From then on the policy decides again.',
        params: stopParams,
        body: z.strictObject({ reason }),
        response: answers([200, Stop], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      await changing(request, {
        thing: id,
        shown: () => readStop(services, id),
        change: () =>
          services.changes.liftStop({ actor: actorOf(request), stop: id, reason: request.body.reason ?? null }),
      });
      return tagged(reply, await readStop(services, id));
    },
  );
}

/** What a stop names, by id. Throws `resource_unknown`. */
function resolve(
  state: DirectoryState,
  { target, subject = '' }: z.infer<typeof NewStop>,
): Pick<StopRow, 'target' | 'subject'> {
  switch (target) {
    case 'person':
      return { target: 'party', subject: new DirectoryView(state).person(subject).id };
    case 'service':
      return { target: 'party', subject: serviceOf(state, subject).id };
    case 'key':
      return { target, subject: new DirectoryView(state).credential(subject).id };
    case 'everything':
      return { target, subject: null };
    default:
      return { target, subject };
  }
}
