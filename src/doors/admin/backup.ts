import { z } from 'zod';
import { actorOf } from './auth.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, named } from './schemas.ts';
import type { AdminServices } from './services.ts';

const Backup = named(
  'Backup',
  z.object({
    folder: described(z.string(), 'Where it was written, on the machine of the gateway.'),
    files: z.number().int(),
    bytes: z.number().int(),
    seq: described(z.number().int(), 'Position in the audit trail that it reaches.'),
  }),
  'A backup that was written and checked.',
);

/** A plain name: it becomes a folder below the configured one and must not be able to mean any other place. */
const Name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be a plain name of letters, digits, dot, dash and underscore');

/** `/backup`: a consistent copy of the running installation. */
export function backupRoutes(app: AdminApp, services: AdminServices): void {
  app.post(
    '/backup',
    {
      config: { permission: 'system.backup' },
      schema: {
        operationId: 'createBackup',
        tags: ['system'],
        summary: 'Write a backup',
        description: 'Copies the store and the journal while calls go on, into a new folder of the backup folder.',
        body: z.strictObject({ name: described(Name, 'Name of the new folder; it must not exist.') }),
        response: answers([201, Backup], 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { name } = request.body;
      const { folder, files, bytes, seq } = await services.backup(name).catch((error: unknown) => {
        if (isTaken(error)) throw new AdminProblem('conflict', 'There is a backup of this name already.');
        throw error;
      });
      const actor = actorOf(request);
      await services.recordAction({ actor, action: 'backup.created', subject: name, after: { files, bytes, seq } });
      return reply.code(201).send({ folder, files, bytes, seq });
    },
  );
}

/** A BackupError of store/backup.ts, by shape: doors know services by interface only. */
function isTaken(error: unknown): boolean {
  return error instanceof Error && 'problem' in error && error.problem === 'exists';
}
