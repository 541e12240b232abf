import { z } from 'zod';
import { AdminProblem, isChangeError } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, email, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { AttemptThrottle } from './throttle.ts';

const Claimed = named(
  'ClaimedOwner',
  z.object({
    person: described(z.string(), 'Id of the new owner, `per_…`.'),
    token: described(z.string(), 'Admin token, `gha_…`. Shown only now.'),
  }),
  'The owner of an installation and their admin token.',
);

const WRONG_TRIES_A_MINUTE = 5;

/** `/owner`: how an installation gets its first owner. */
export function ownerRoutes(app: AdminApp, services: AdminServices): void {
  const throttle = new AttemptThrottle(services.clock, { most: WRONG_TRIES_A_MINUTE, windowMs: 60_000 });
  app.post(
    '/owner',
    {
      config: { permission: 'public' },
      schema: {
        operationId: 'claimOwner',
        tags: ['owner'],
        summary: 'Claim a new installation',
        description:
          'The one-use secret that the first start printed is the credential. It works once; after five wrong tries in a ' +
          'minute, from anywhere, every try is refused until the minute is over.',
        security: [],
        body: z.strictObject({
          secret: described(z.string().min(1).max(200), 'The one-use secret, `gho_…`.'),
          email: email(),
        }),
        response: answers([201, Claimed], 409, 413, 415, 429),
      },
    },
    async (request, reply) => {
      const wait = throttle.wait();
      if (wait > 0)
        throw new AdminProblem('too_many_attempts', `Five wrong secrets in a minute; wait ${wait} s.`, wait);
      const forgive = throttle.begin();
      const claimed = await services.changes.claimOwner(request.body).catch((error: unknown) => {
        if (isChangeError(error, 'refused')) throw new AdminProblem('secret_wrong', error.message);
        forgive();
        throw error;
      });
      forgive();
      return reply.code(201).send(claimed);
    },
  );
}
