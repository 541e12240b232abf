import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { RecordKind } from '../../journal/records.ts';
import { Gate } from '../signin/gate.ts';
import { callerOf } from './auth.ts';
import { eventStream } from './event-stream.ts';
import { permits } from './permissions.ts';
import { AdminProblem } from './problems.ts';
import { Kinds, kindsIn } from './record-kinds.ts';
import { type AdminApp, answers } from './routes.ts';
import { described } from './schemas.ts';
import type { AdminServices } from './services.ts';

const MEDIA_TYPE = 'text/event-stream';
const EVENTS = {
  description: 'Events, one for each record: its position as `id`, its kind as `event`, the record as JSON in `data`.',
  // What is sent is a stream of such text: nothing puts it together before.
  content: {
    [MEDIA_TYPE]: { schema: described(z.string(), 'Server-sent events.') as unknown as z.ZodType<Readable> },
  },
};

/** `/events`: the trail as it grows. */
export function eventRoutes(app: AdminApp, services: AdminServices): void {
  // Each holds a connection and is told of every record.
  const gate = new Gate({ most: 100, mostEach: 5 });
  app.get(
    '/events',
    {
      config: { permission: 'events.read' },
      // Nobody follows with a HEAD, which would open what nobody reads.
      exposeHeadRoute: false,
      schema: {
        operationId: 'followEvents',
        tags: ['audit'],
        summary: 'Follow the audit trail',
        description:
          'Server-sent events: records as they become durable, as GET /api/audit shows them; without `after` or `Last-Event-ID` those from ' +
          'now on. Ends within seconds once the credential stops being valid or the role changes, with an event `end` that says why.',
        querystring: z.strictObject({
          kind: Kinds.optional(),
          after: described(
            z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
            'Begin after the record of this position. `Last-Event-ID`, which browsers send, goes before it.',
          ),
        }),
        response: { ...answers([200, z.string()], 429), 200: EVENTS },
      },
    },
    async (request, reply) => {
      const { principal } = callerOf(request);
      const afterSeq = lastSeen(request) ?? request.query.after ?? null;
      const kinds = request.query.kind === undefined ? null : (kindsIn(request.query.kind) as RecordKind[]);
      const leave = gate.enter(principal.id);
      if (leave === null)
        throw new AdminProblem('too_many_listeners', 'A hundred in all follow, and five of each person.');
      const ended = new AbortController();
      const stop = (): void => {
        leave();
        ended.abort();
      };
      // Also where the caller is gone before the first byte was taken.
      reply.raw.once('close', stop);
      const refused = (): string | null => {
        const role = services.roleNow(principal);
        if (role === null) return 'credential_ended';
        return permits(role, 'events.read') ? null : 'role_required';
      };
      const records = services.follow({ afterSeq, kinds, signal: ended.signal });
      const body = Readable.from(eventStream({ records, refused, stop }), { objectMode: false, highWaterMark: 16_384 });
      body.on('error', (error) =>
        services.log.error({ operation: 'GET /api/events', detail: error.message }, 'events broke off'),
      );
      return reply.type(MEDIA_TYPE).header('x-accel-buffering', 'no').send(body);
    },
  );
}

/** The position that a browser saw last, when it comes back. A header that is no position is no mistake of the caller's program. */
function lastSeen({ headers }: FastifyRequest): number | null {
  const text = headers['last-event-id'];
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
