import { z } from 'zod';
import { actorOf } from './auth.ts';
import { findIdentity, Identity, idOfIdentity, showIdentity } from './identity-view.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { idParams, line, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

const tags = ['identities'];

/** `/identities`: who people are at their providers. */
export function identityRoutes(app: AdminApp, services: AdminServices): void {
  listRoute(app, services);
  unlinkRoute(app, services);
}

function listRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/identities',
    {
      config: { permission: 'identity.read' },
      schema: {
        operationId: 'listIdentities',
        tags,
        summary: 'List identities',
        description: 'Newest first: who people are at the identity providers, with their groups at the last sign-in.',
        querystring: z.strictObject({
          ...paging(500),
          person: line(254, 'Only those of this person, by id or e-mail address.').optional(),
          provider: line(64, 'Only those at this provider.').optional(),
        }),
        response: answers([200, z.object({ identities: z.array(Identity), cursor: nextCursor })], 404),
      },
    },
    async ({ query }) => {
      const state = await services.directory();
      const view = new DirectoryView(state);
      const person = query.person === undefined ? undefined : view.person(query.person).id;
      const provider = query.provider?.toLowerCase();
      const rows = state.identities
        .filter(
          (row) =>
            (person === undefined || row.person === person) &&
            (provider === undefined || row.provider.toLowerCase() === provider),
        )
        .map((row) => ({ row, place: placeOf(row.createdAt, idOfIdentity(row)) }))
        .sort((a, b) => (a.place < b.place ? 1 : -1));
      const { cursor, limit } = query;
      if (cursor !== undefined && !PLACE.test(cursor)) {
        throw new AdminProblem('invalid', 'cursor is not one that this list gave out');
      }
      const older = rows.filter(({ place }) => cursor === undefined || place < cursor);
      const shown = older.slice(0, limit);
      const next = older.length > limit ? (shown.at(-1)?.place ?? null) : null;
      return { identities: shown.map(({ row }) => showIdentity(view, row)), cursor: next };
    },
  );
}

/** Sorts by time, then by id, as text. */
function placeOf(createdAt: number, id: string): string {
  return `${String(createdAt).padStart(15, '0')}.${id}`;
}
const PLACE = /^\d{15}\.[0-9a-f]{32}$/;

function unlinkRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/identities/:id/unlink',
    {
      config: { permission: 'identity.write' },
      schema: {
        operationId: 'unlinkIdentity',
        tags,
        summary: 'Take an identity from a person',
        description:
          'Answered once it is in force: the person’s sessions from that provider have ended, and whoever proves it again waits, or ' +
          'enters as somebody new. Of the primary owner only by themselves.',
        params: idParams('Id of the identity, as the list shows it.'),
        body: z.strictObject({ reason }),
        response: answers([200, Identity], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const state = await services.directory();
      const row = findIdentity(state, request.params.id);
      const { provider, subject } = row;
      const why = request.body.reason ?? null;
      await services.changes.unlinkIdentity({ actor: actorOf(request), provider, subject, reason: why });
      return showIdentity(new DirectoryView(state), row);
    },
  );
}
