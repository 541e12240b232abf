import { z } from 'zod';
import type { PartyRow } from '../../store/ports.ts';
import { described, idParams, instant, named } from './schemas.ts';
import { type DirectoryView, ERASED, isoOrNull } from './view.ts';

export const PersonState = z.enum(['active', 'disabled', 'erased']);

export const Person = named(
  'Person',
  z.object({
    id: described(z.string(), 'Opaque id, `per_…`; the audit trail holds only this.'),
    email: described(z.string(), 'E-mail address, or `erased`.'),
    role: z.enum(['owner', 'member']),
    team: described(z.string().nullable(), 'Id of the team, `tea_…`.'),
    team_name: z.string().nullable(),
    state: PersonState,
    created_at: instant('When the person was added.'),
    disabled_at: instant('When the person was disabled.').nullable(),
    erased_at: instant('When the person was erased.').nullable(),
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
  };
}

/** `{id}` of a person in a path. */
export const personParams = idParams('Id (`per_…`) or e-mail address, URL-encoded.');
