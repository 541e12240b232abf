import { z } from 'zod';
import type { CredentialListing } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';
import { described, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, isoOrNull, type KeyState } from './view.ts';

export const KEY_STATES = [
  'active',
  'expiring',
  'rotated',
  'expired',
  'revoked',
  'owner_disabled',
] as const satisfies readonly KeyState[];

export const Key = named(
  'Key',
  z.object({
    id: described(z.string(), 'Opaque id, `key_…` or `adm_…`.'),
    kind: z.enum(['key', 'admin']),
    hint: described(z.string(), 'First characters of the secret, to recognise it by.'),
    label: z.string(),
    owner: described(z.string(), 'Id of the owner, `per_…` or `svc_…`.'),
    owner_kind: z.enum(['person', 'service']),
    owner_name: described(z.string(), 'E-mail address or name of the owner, or `erased`.'),
    team: described(z.string().nullable(), 'Id of the owner’s team.'),
    team_name: z.string().nullable(),
    charged_team: described(
      z.string().nullable(),
      'Id of the team its calls are charged to while the owner belongs to it; null: the owner’s first team.',
    ),
    charged_team_name: z.string().nullable(),
    state: described(z.enum(KEY_STATES), '`expiring`: ends within 14 days. `rotated`: replaced, still valid.'),
    created_at: instant('When it was made.'),
    expires_at: instant('When it ends.').nullable(),
    revoked_at: instant('When it was revoked.').nullable(),
    rotated_to: described(z.string().nullable(), 'Id of the key that replaces it.'),
    last_used_at: instant('Its newest accepted call; a crash can lose the last minute.').nullable(),
  }),
  'A credential, without its secret.',
);

/** What of a key its calls change: not part of its tag, or nobody could change a busy key with `if-match`. */
export const VOLATILE = ['last_used_at'];

export const IssuedKey = named(
  'IssuedKey',
  z.object({ key: Key, secret: described(z.string(), 'The whole credential. Shown only now.') }),
  'A credential that was just made, with its secret.',
);

/** The key as shown to an administrator. */
export function showKey(view: DirectoryView, row: CredentialListing, now: number): z.infer<typeof Key> {
  const owner = view.party(row.owner);
  return {
    id: row.id,
    kind: row.kind,
    hint: row.hint,
    label: row.label,
    owner: row.owner,
    owner_kind: owner?.kind ?? 'person',
    owner_name: view.nameOf(row.owner) ?? row.owner,
    team: owner?.team ?? null,
    team_name: view.nameOf(owner?.team ?? null),
    charged_team: row.team,
    charged_team_name: view.nameOf(row.team),
    state: view.stateOf(row, now),
    created_at: new Date(row.createdAt).toISOString(),
    expires_at: isoOrNull(row.expiresAt),
    revoked_at: isoOrNull(row.revokedAt),
    rotated_to: row.rotatedTo,
    last_used_at: isoOrNull(row.lastUsedAt),
  };
}

/** The key with this id as it is now. Throws `resource_unknown`. */
export async function readKey(services: AdminServices, id: string): Promise<z.infer<typeof Key>> {
  const view = new DirectoryView(await services.directory());
  const { owner } = view.credential(id);
  const row = (await services.credentials(owner)).find((credential) => credential.id === id);
  if (!row) throw new AdminProblem('resource_unknown', 'There is no key with this id.');
  return showKey(view, row, services.clock.now());
}
