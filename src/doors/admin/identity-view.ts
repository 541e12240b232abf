import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { DirectoryState, IdentityRow } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';
import { described, instant, named } from './schemas.ts';
import { type DirectoryView, isoOrNull } from './view.ts';

export const Identity = named(
  'Identity',
  z.object({
    id: described(z.string(), 'Stands for provider and subject, in addresses.'),
    person: described(z.string(), 'Id of whose it is.'),
    person_name: z.string().nullable(),
    provider: z.string(),
    subject: described(z.string(), 'Who it is at the provider, as the provider writes it.'),
    issuer: described(z.string(), 'Issuer or entity id that proved it first; another one proves somebody else.'),
    email: described(z.string().nullable(), 'As the provider gave it last.'),
    groups: described(z.array(z.string()), 'At the last sign-in, as the provider writes them.'),
    linked_by: described(z.string(), '`sign-in` where the person was made by it, else the id of who linked it.'),
    linked_by_name: z.string().nullable(),
    created_at: instant('Since when.'),
    last_sign_in_at: instant('When it was proven last.').nullable(),
  }),
  'Somebody as an identity provider knows them.',
);

/** A subject can be an address: it stands in no path, because paths stand in logs (P7). */
export function idOfIdentity({ provider, subject }: Pick<IdentityRow, 'provider' | 'subject'>): string {
  return createHash('sha256')
    .update(JSON.stringify([provider.toLowerCase(), subject]))
    .digest('hex')
    .slice(0, 32);
}

/** The identity with this id. Throws `resource_unknown`. */
export function findIdentity({ identities }: DirectoryState, id: string): IdentityRow {
  const row = identities.find((one) => idOfIdentity(one) === id);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no identity with this id.');
  return row;
}

/** The identity as shown to an administrator. */
export function showIdentity(view: DirectoryView, row: IdentityRow): z.infer<typeof Identity> {
  return {
    id: idOfIdentity(row),
    person: row.person,
    person_name: view.nameOf(row.person),
    provider: row.provider,
    subject: row.subject,
    issuer: row.issuer,
    email: row.email,
    groups: [...row.groups],
    linked_by: row.linkedBy,
    linked_by_name: view.nameOf(row.linkedBy),
    created_at: new Date(row.createdAt).toISOString(),
    last_sign_in_at: isoOrNull(row.lastSignInAt),
  };
}
