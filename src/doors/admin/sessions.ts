import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { actorOf, callerOf } from './auth.ts';
import type { SessionListing } from './identity-services.ts';
import { personParams } from './person-view.ts';
import { AdminProblem } from './problems.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, idParams, instant, line, named, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView, isoOrNull, pageOf } from './view.ts';

const tags = ['sessions'];
const STATES = ['open', 'ended', 'revoked'] as const;

const Session = named(
  'Session',
  z.object({
    id: described(z.string(), 'Opaque id, `ses_…`.'),
    person: described(z.string(), 'Id of whose it is.'),
    person_name: z.string().nullable(),
    provider: described(z.string().nullable(), 'Provider that proved who it was; null for the sealed way in.'),
    label: described(z.string(), 'The browser, such as `Firefox on Linux`.'),
    state: described(z.enum(STATES), '`ended`: by time, by disuse, or with its person.'),
    current: described(z.boolean(), 'It is the one of this request.'),
    created_at: instant('When it was opened.'),
    last_seen_at: instant('Its newest use; a crash can lose the last minute.'),
    expires_at: instant('Its latest end.'),
    revoked_at: instant('When it was ended by somebody.').nullable(),
  }),
  'A browser that is, or was, signed in.',
);

function showSession(view: DirectoryView, row: SessionListing, own: string): z.infer<typeof Session> {
  return {
    id: row.id,
    person: row.person,
    person_name: view.nameOf(row.person),
    provider: row.provider,
    label: row.label,
    state: stateOf(row),
    current: row.id === own,
    created_at: new Date(row.createdAt).toISOString(),
    last_seen_at: new Date(row.lastSeenAt).toISOString(),
    expires_at: new Date(row.expiresAt).toISOString(),
    revoked_at: isoOrNull(row.revokedAt),
  };
}

function stateOf({ open, revokedAt }: SessionListing): (typeof STATES)[number] {
  if (revokedAt !== null) return 'revoked';
  return open ? 'open' : 'ended';
}

/** `/sessions`: browsers that are signed in. Everybody sees and ends their own; admins those of all. */
export function sessionListRoutes(app: AdminApp, services: AdminServices): void {
  listRoute(app, services);
  revokeRoute(app, services);
  revokeAllRoute(app, services);
}

function listRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/sessions',
    {
      config: { permission: 'sessions.read', narrows: true },
      schema: {
        operationId: 'listSessions',
        tags,
        summary: 'List sessions',
        description: `Newest first; the newest ${HISTORY}. Your own, or with a role that permits it those of everybody.`,
        querystring: z.strictObject({
          ...paging(500),
          person: line(254, 'Only sessions of this person, by id or e-mail address.').optional(),
          state: described(
            z.enum(['open', 'all']).default('open'),
            '`open`: those that work now. `all`: those that are over too.',
          ),
        }),
        response: answers([200, z.object({ sessions: z.array(Session), cursor: nextCursor })], 404),
      },
    },
    async (request) => {
      const { query } = request;
      const view = new DirectoryView(await services.directory());
      const person = query.person === undefined ? undefined : personWithin(request, view, query.person);
      const { principal } = callerOf(request);
      const { all } = reachOf(request);
      const rows = await services.sessions(HISTORY, all ? person : principal.id);
      const page = pageOf(
        rows.filter((row) => query.state === 'all' || (row.open && row.revokedAt === null)),
        query,
      );
      const own = principal.credential.id;
      return { sessions: page.rows.map((row) => showSession(view, row, own)), cursor: page.cursor };
    },
  );
}

/** Id of the person. Somebody else looks like nobody to whoever reaches their own alone. Throws `resource_unknown`. */
function personWithin(request: FastifyRequest, view: DirectoryView, idOrEmail: string): string {
  const { id } = view.person(idOrEmail);
  if (reachOf(request).person(id)) return id;
  throw new AdminProblem('resource_unknown', 'There is no person with this id or e-mail address.');
}

function revokeRoute(app: AdminApp, services: AdminServices): void {
  app.delete(
    '/sessions/:id',
    {
      config: { permission: 'sessions.write', narrows: true },
      schema: {
        operationId: 'revokeSession',
        tags,
        summary: 'End a session',
        description: 'Answered once it is in force: the next request with its cookie is refused.',
        params: idParams('Id of the session, `ses_…`.'),
        querystring: z.strictObject({ reason }),
        response: answers([200, Session], 404, 409),
      },
    },
    async (request) => {
      const { id } = request.params;
      await sessionWithin(services, request, id);
      await services.changes.revokeSession({
        actor: actorOf(request),
        session: id,
        reason: request.query.reason ?? null,
      });
      const view = new DirectoryView(await services.directory());
      const own = callerOf(request).principal.credential.id;
      return showSession(view, await sessionWithin(services, request, id), own);
    },
  );
}

/** One of somebody else looks like one that is not there to whoever reaches their own alone. */
async function sessionWithin(services: AdminServices, request: FastifyRequest, id: string): Promise<SessionListing> {
  const mine = reachOf(request).all ? undefined : actorOf(request);
  const row = (await services.sessions(HISTORY, mine)).find((one) => one.id === id);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no session with this id.');
  return row;
}

function revokeAllRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/people/:id/sessions/revoke',
    {
      config: { permission: 'sessions.write', narrows: true },
      schema: {
        operationId: 'revokeSessionsOf',
        tags,
        summary: 'End every session of a person',
        description: 'Answered once it is in force. Keys and admin tokens go on.',
        params: personParams,
        body: z.strictObject({ reason }),
        response: answers(
          [200, z.object({ person: z.string(), ended: described(z.number().int(), 'How many were open.') })],
          404,
          409,
          413,
          415,
        ),
      },
    },
    async (request) => {
      const person = personWithin(request, new DirectoryView(await services.directory()), request.params.id);
      const { principal } = callerOf(request);
      const open = (await services.sessions(HISTORY, person)).filter((row) => row.open && row.revokedAt === null);
      const why = request.body.reason ?? null;
      await services.changes.revokeSessionsOf({ actor: principal.id, person, reason: why });
      return { person, ended: open.length };
    },
  );
}
