import { z } from 'zod';
import type { PartyRow } from '../../store/ports.ts';
import { described, idParams, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, ERASED, isoOrNull } from './view.ts';

export const PersonState = z.enum(['active', 'disabled', 'erased']);

export const Person = named(
  'Person',
  z.object({
    id: described(z.string(), 'Opaque id, `per_…`; the audit trail holds only this.'),
    email: described(z.string(), 'E-mail address, or `erased`.'),
    role: described(
      z.enum(['primary_owner', 'admin', 'auditor', 'member']),
      'What the directory gives; the policy may give more, see GET /api/roles.',
    ),
    team: described(z.string().nullable(), 'Id of the team, `tea_…`.'),
    team_name: z.string().nullable(),
    state: PersonState,
    created_at: instant('When the person was added.'),
    disabled_at: instant('When the person was disabled.').nullable(),
    erased_at: instant('When the person was erased.').nullable(),
    sponsor: described(z.string().nullable(), 'Of a guest: id of who answers for them.'),
    ends_at: instant('Of a guest: from when on nothing of theirs works.').nullable(),
  }),
  'A person who may use Claude through Gatehouse.',
);

/** The person as shown to an administrator. */
export function showPerson(view: DirectoryView, row: PartyRow): z.infer<typeof Person> {
  return {
    id: row.id,
    email: row.name ?? ERASED,
    role: row.role,
    team: row.team,
    team_name: view.nameOf(row.team),
    state: row.erasedAt !== null ? 'erased' : row.disabledAt !== null ? 'disabled' : 'active',
    created_at: new Date(row.createdAt).toISOString(),
    disabled_at: isoOrNull(row.disabledAt),
    erased_at: isoOrNull(row.erasedAt),
    sponsor: row.sponsor,
    ends_at: isoOrNull(row.endsAt),
  };
}

/** `{id}` of a person in a path. */
export const personParams = idParams('Id (`per_…`) or e-mail address, URL-encoded.');

/** The person with this id as they are now. Throws `resource_unknown`. */
export async function readPerson(
  services: Pick<AdminServices, 'directory'>,
  id: string,
): Promise<z.infer<typeof Person>> {
  const view = new DirectoryView(await services.directory());
  return showPerson(view, view.person(id));
}
