import { z } from 'zod';
import type { StopRow } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';
import { described, idParams, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, isoOrNull } from './view.ts';

export const STOP_TARGETS = ['person', 'service', 'key', 'session', 'model', 'upstream', 'everything'] as const;

/** Most entries of a history that a list looks through. */
export const HISTORY = 10_000;

export const Stop = named(
  'Stop',
  z.object({
    id: described(z.string(), 'Opaque id, `stp_…`; a refused call names it.'),
    target: z.enum(STOP_TARGETS),
    subject: described(
      z.string().nullable(),
      'Id of the person, service or key, id of the session, pattern of models, name of the upstream; null for everything.',
    ),
    subject_name: described(z.string().nullable(), 'E-mail address or name where the subject is a person or service.'),
    reason: described(z.string(), 'Shown to whoever is stopped.'),
    state: z.enum(['active', 'lifted']),
    actor: described(z.string(), 'Id of who stopped it.'),
    actor_name: z.string().nullable(),
    created_at: instant('Since when.'),
    lifted_at: instant('Until when.').nullable(),
  }),
  'Something that is stopped over every policy, until it is lifted.',
);

/** The stop as shown to an administrator. */
export function showStop(view: DirectoryView, row: StopRow): z.infer<typeof Stop> {
  return {
    id: row.id,
    target: row.target === 'party' ? kindOf(row.subject) : row.target,
    subject: row.subject,
    subject_name: row.target === 'party' ? view.nameOf(row.subject) : null,
    reason: row.reason,
    state: row.liftedAt === null ? 'active' : 'lifted',
    actor: row.actor,
    actor_name: view.nameOf(row.actor),
    created_at: new Date(row.createdAt).toISOString(),
    lifted_at: isoOrNull(row.liftedAt),
  };
}

/** By the id, since a restored directory may not know the party of an older stop. */
function kindOf(id: string | null): 'person' | 'service' {
  return id?.startsWith('svc_') ? 'service' : 'person';
}

/** The stop with this id as it is now. Throws `resource_unknown`. */
export async function readStop(services: AdminServices, id: string): Promise<z.infer<typeof Stop>> {
  const state = await services.directory();
  const withId = (row: StopRow): boolean => row.id === id;
  const row = state.stops.find(withId) ?? (await services.stops(HISTORY)).find(withId);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no stop with this id.');
  return showStop(new DirectoryView(state), row);
}

/** `{id}` of a stop in a path. */
export const stopParams = idParams('Id of the stop, `stp_…`.');
