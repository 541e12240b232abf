import { z } from 'zod';
import type { WaitingIdentityRow } from '../../store/ports.ts';
import { actorOf } from './auth.ts';
import { findIdentity, Identity, idOfIdentity, showIdentity } from './identity-view.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, idParams, instant, named, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['identities'];
const params = idParams('Id of what waits, `wai_…`.');

const Waiting = named(
  'WaitingIdentity',
  z.object({
    id: described(z.string(), 'Opaque id, `wai_…`.'),
    provider: z.string(),
    subject: described(z.string(), 'Who it is at the provider, as the provider writes it.'),
    issuer: described(z.string(), 'Issuer or entity id that proved it.'),
    email: described(z.string(), 'The address that the provider proved.'),
    person: described(z.string(), 'Id of the person who has this address here.'),
    person_name: z.string().nullable(),
    first_seen_at: instant('When somebody tried first.'),
    last_seen_at: instant('When somebody tried last.'),
  }),
  'Somebody who proved the address of a person that is here already. Addresses change hands: an admin says whether it is the same.',
);

function showWaiting(view: DirectoryView, row: WaitingIdentityRow): z.infer<typeof Waiting> {
  return {
    id: row.id,
    provider: row.provider,
    subject: row.subject,
    issuer: row.issuer,
    email: row.email,
    person: row.person,
    person_name: view.nameOf(row.person),
    first_seen_at: new Date(row.firstSeenAt).toISOString(),
    last_seen_at: new Date(row.lastSeenAt).toISOString(),
  };
}

/** `/identities/waiting`: sign-ins that an admin must link to a person, or discard. */
export function waitingRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/identities/waiting',
    {
      config: { permission: 'identity.read' },
      schema: {
        operationId: 'listWaitingIdentities',
        tags,
        summary: 'List identities that wait',
        description: `Newest first; the newest ${HISTORY}.`,
        querystring: z.strictObject(paging(500)),
        response: answers([200, z.object({ waiting: z.array(Waiting), cursor: nextCursor })]),
      },
    },
    async ({ query }) => {
      const view = new DirectoryView(await services.directory());
      const page = pageOf(await services.waitingIdentities(HISTORY), query);
      return { waiting: page.rows.map((row) => showWaiting(view, row)), cursor: page.cursor };
    },
  );
  linkRoute(app, services);
  discardRoute(app, services);
}

function linkRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/identities/waiting/:id/link',
    {
      config: { permission: 'identity.write' },
      schema: {
        operationId: 'linkWaitingIdentity',
        tags,
        summary: 'Link an identity to the person who has its address',
        description:
          'From then on whoever proves it is this person. Undone by unlinking it. Of the primary owner only by themselves.',
        params,
        body: z.strictObject({ reason }),
        response: answers([200, Identity], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const row = await findWaiting(services, request.params.id);
      const why = request.body.reason ?? null;
      await services.changes.linkIdentity({ actor: actorOf(request), waiting: row.id, reason: why });
      const state = await services.directory();
      return showIdentity(new DirectoryView(state), findIdentity(state, idOfIdentity(row)));
    },
  );
}

function discardRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/identities/waiting/:id/discard',
    {
      config: { permission: 'identity.write' },
      schema: {
        operationId: 'discardWaitingIdentity',
        tags,
        summary: 'Forget an identity that waits',
        description: 'Nobody is linked. The next sign-in with it waits again.',
        params,
        body: z.strictObject({ reason }),
        response: answers([200, Waiting], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const row = await findWaiting(services, request.params.id);
      const view = new DirectoryView(await services.directory());
      const why = request.body.reason ?? null;
      await services.changes.discardWaiting({ actor: actorOf(request), waiting: row.id, reason: why });
      return showWaiting(view, row);
    },
  );
}

async function findWaiting(services: AdminServices, id: string): Promise<WaitingIdentityRow> {
  const row = (await services.waitingIdentities(HISTORY)).find((one) => one.id === id);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'Nobody waits under this id.');
  return row;
}
