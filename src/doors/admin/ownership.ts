import { z } from 'zod';
import { actorOf } from './auth.ts';
import { changing, tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, email, line, named, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, ERASED } from './view.ts';

const tags = ['owner'];

const Owner = named(
  'PrimaryOwner',
  z.object({
    person: described(z.string(), 'Id of the primary owner.'),
    email: z.string(),
    sealed: described(z.boolean(), 'Whether a way in is sealed for when the identity provider fails.'),
  }),
  'The one person who may do everything.',
);

/** `/owner`: who the primary owner is, and what only they do. Claiming a new installation stands in owner.ts. */
export function ownershipRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/owner',
    {
      config: { permission: 'roles.read' },
      schema: {
        operationId: 'getOwner',
        tags,
        summary: 'Show the primary owner',
        description: '404 while the installation has none.',
        response: answers([200, Owner], 404),
      },
    },
    async (_request, reply) => tagged(reply, await readOwner(services)),
  );
  transferRoute(app, services);
  sealRoute(app, services);
}

async function readOwner(services: AdminServices): Promise<z.infer<typeof Owner>> {
  const { people } = new DirectoryView(await services.directory());
  const owner = people.find(({ role, erasedAt }) => role === 'primary_owner' && erasedAt === null);
  if (owner === undefined) throw new AdminProblem('resource_unknown', 'This installation has no primary owner.');
  return { person: owner.id, email: owner.name ?? ERASED, sealed: await services.breakGlassSealed() };
}

function transferRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/owner/transfer',
    {
      config: { permission: 'owner.write', matches: true },
      schema: {
        operationId: 'transferOwner',
        tags,
        summary: 'Make somebody else the primary owner',
        description: 'You become an admin, and a sealed way in is void. Only the new owner can undo it.',
        body: z.strictObject({
          to: described(z.union([email(), line(254, 'Id.')]), 'The new primary owner, by id or e-mail address.'),
          reason,
        }),
        response: answers([200, Owner], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id: to } = new DirectoryView(await services.directory()).person(request.body.to);
      const wanted = { actor: actorOf(request), to, reason: request.body.reason ?? null };
      await changing(request, {
        thing: 'owner',
        shown: () => readOwner(services),
        change: () => services.changes.transferOwner(wanted),
      });
      return tagged(reply, await readOwner(services));
    },
  );
}

function sealRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/owner/break-glass',
    {
      config: { permission: 'owner.write' },
      schema: {
        operationId: 'sealBreakGlass',
        tags,
        summary: 'Seal a way in for when the identity provider fails',
        description:
          'The answer holds the secret, once: print it and lock it away. It opens /signin/sealed once, for an hour, with an alarm. It ' +
          'replaces the one before.',
        body: z.strictObject({}),
        response: answers(
          [201, z.object({ secret: described(z.string(), 'The secret, `ghb_…`. Shown only now.') })],
          409,
          413,
          415,
        ),
      },
    },
    async (request, reply) => {
      const { secret } = await services.changes.sealBreakGlass({ actor: actorOf(request) });
      return reply.code(201).send({ secret });
    },
  );
}
