import { z } from 'zod';
import type { InvitationRow } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';
import { described, idParams, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView, isoOrNull } from './view.ts';

export const INVITATION_STATES = ['open', 'taken', 'ended', 'revoked'] as const;

export const Invitation = named(
  'Invitation',
  z.object({
    id: described(z.string(), 'Opaque id, `inv_…`.'),
    email: described(z.string(), 'The address that may enter.'),
    provider: described(z.string(), 'Where it must be proven.'),
    sponsor: described(z.string(), 'Id of who answers for the guest.'),
    sponsor_name: z.string().nullable(),
    state: described(z.enum(INVITATION_STATES), '`taken`: the guest is here.'),
    person: described(z.string().nullable(), 'Id of the guest; null while nobody has come.'),
    actor: described(z.string(), 'Id of who invited.'),
    actor_name: z.string().nullable(),
    created_at: instant('When it was made.'),
    ends_at: instant('From when on nothing of the guest works.'),
    revoked_at: instant('When it was revoked.').nullable(),
  }),
  'Lets an address enter that no provider’s domains cover.',
);

/** The invitation as shown to an administrator. */
export function showInvitation(view: DirectoryView, row: InvitationRow, now: number): z.infer<typeof Invitation> {
  return {
    id: row.id,
    email: row.email,
    provider: row.provider,
    sponsor: row.sponsor,
    sponsor_name: view.nameOf(row.sponsor),
    state: stateOf(row, now),
    person: row.person,
    actor: row.actor,
    actor_name: view.nameOf(row.actor),
    created_at: new Date(row.createdAt).toISOString(),
    ends_at: new Date(row.endsAt).toISOString(),
    revoked_at: isoOrNull(row.revokedAt),
  };
}

function stateOf(
  { revokedAt, endsAt, person }: Pick<InvitationRow, 'revokedAt' | 'endsAt' | 'person'>,
  now: number,
): (typeof INVITATION_STATES)[number] {
  if (revokedAt !== null) return 'revoked';
  if (endsAt <= now) return 'ended';
  return person === null ? 'open' : 'taken';
}

/** The invitation with this id as it is now. Throws `resource_unknown`. */
export async function readInvitation(services: AdminServices, id: string): Promise<z.infer<typeof Invitation>> {
  const row = (await services.invitations(HISTORY)).find((one) => one.id === id);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no invitation with this id.');
  return showInvitation(new DirectoryView(await services.directory()), row, services.clock.now());
}

/** `{id}` of an invitation in a path. */
export const invitationParams = idParams('Id of the invitation, `inv_…`.');
