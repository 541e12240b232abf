import { z } from 'zod';
import { actorOf } from './auth.ts';
import { endFields, endOf, isOneEnd, ONE_END } from './end.ts';
import { INVITATION_STATES, Invitation, invitationParams, readInvitation, showInvitation } from './invitation-view.ts';
import { changing, tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, email, line, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['invitations'];
const ends = endFields('366 days at most.');

/** `/invitations`: guests, with an end and somebody who answers for them. */
export function invitationRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  inviteRoute(app, services);
  extendRoute(app, services);
  revokeRoute(app, services);
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/invitations',
    {
      config: { permission: 'identity.read' },
      schema: {
        operationId: 'listInvitations',
        tags,
        summary: 'List invitations',
        description: `Newest first; the newest ${HISTORY}.`,
        querystring: z.strictObject({
          ...paging(500),
          state: described(z.enum(INVITATION_STATES).optional(), 'Only those in this state.'),
        }),
        response: answers([200, z.object({ invitations: z.array(Invitation), cursor: nextCursor })]),
      },
    },
    async ({ query }) => {
      const view = new DirectoryView(await services.directory());
      const now = services.clock.now();
      const shown = (await services.invitations(HISTORY)).map((row) => showInvitation(view, row, now));
      const page = pageOf(
        shown.filter(({ state }) => query.state === undefined || state === query.state),
        query,
      );
      return { invitations: page.rows, cursor: page.cursor };
    },
  );

  app.get(
    '/invitations/:id',
    {
      config: { permission: 'identity.read' },
      schema: {
        operationId: 'getInvitation',
        tags,
        summary: 'Show an invitation',
        description: 'By id.',
        params: invitationParams,
        response: answers([200, Invitation], 404),
      },
    },
    async ({ params }, reply) => tagged(reply, await readInvitation(services, params.id)),
  );
}

function inviteRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/invitations',
    {
      config: { permission: 'identity.write' },
      schema: {
        operationId: 'invite',
        tags,
        summary: 'Invite a guest',
        description:
          'Lets an address enter that no provider’s domains cover, at one provider, until an end. No message is sent: tell the guest to ' +
          'sign in.',
        body: z
          .strictObject({
            email: email(),
            provider: line(64, 'Provider that the guest signs in with.'),
            sponsor: line(254, 'Who answers for the guest, by id or e-mail address; you, unless given.').optional(),
            ...ends,
            reason,
          })
          .refine(isOneEnd, ONE_END),
        response: answers([201, Invitation], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const actor = actorOf(request);
      const provider = providerFor(services, body);
      const view = new DirectoryView(await services.directory());
      const sponsor = body.sponsor === undefined ? actor : view.person(body.sponsor).id;
      const endsAt = endOf(body, services.clock.now());
      const wanted = { email: body.email, provider, sponsor, endsAt, reason: body.reason ?? null };
      const { id } = await services.changes.invite({ ...wanted, actor });
      return reply.code(201).send(tagged(reply, await readInvitation(services, id)));
    },
  );
}

/** An invitation that can never be taken would read like one that can. */
function providerFor(services: AdminServices, { email, provider }: { email: string; provider: string }): string {
  const all = services.providers(null);
  const domain = email.slice(email.lastIndexOf('@') + 1).toLowerCase();
  const capturing = all.find(({ domains }) => domains.includes(domain));
  if (capturing !== undefined) {
    throw new AdminProblem(
      'change_refused',
      `People of this domain sign in at ${capturing.name}, without an invitation.`,
    );
  }
  const found = all.find(({ name }) => name.toLowerCase() === provider.toLowerCase());
  if (found !== undefined) return found.name;
  throw new AdminProblem('resource_unknown', 'The policy in force has no identity provider with this name.');
}

function extendRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/invitations/:id/extend',
    {
      config: { permission: 'identity.write', matches: true },
      schema: {
        operationId: 'extendInvitation',
        tags,
        summary: 'Move the end of an invitation',
        description: 'Later or earlier; what the guest has ends with it.',
        params: invitationParams,
        body: z.strictObject({ ...ends, reason }).refine(isOneEnd, ONE_END),
        response: answers([200, Invitation], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const endsAt = endOf(request.body, services.clock.now());
      const wanted = { actor: actorOf(request), invitation: id, endsAt, reason: request.body.reason ?? null };
      await changing(request, {
        thing: id,
        shown: () => readInvitation(services, id),
        change: () => services.changes.extendInvitation(wanted),
      });
      return tagged(reply, await readInvitation(services, id));
    },
  );
}

function revokeRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/invitations/:id/revoke',
    {
      config: { permission: 'identity.write', matches: true },
      schema: {
        operationId: 'revokeInvitation',
        tags,
        summary: 'Revoke an invitation',
        description: 'Answered once it is in force: sessions and keys of the guest have ended.',
        params: invitationParams,
        body: z.strictObject({ reason }),
        response: answers([200, Invitation], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const wanted = { actor: actorOf(request), invitation: id, reason: request.body.reason ?? null };
      await changing(request, {
        thing: id,
        shown: () => readInvitation(services, id),
        change: () => services.changes.revokeInvitation(wanted),
      });
      return tagged(reply, await readInvitation(services, id));
    },
  );
}
