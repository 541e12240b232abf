import { z } from 'zod';
import { sixDigits } from '../../kernel/units.ts';
import type { GrantRow } from '../../store/ports.ts';
import { AdminProblem } from './problems.ts';
import { described, idParams, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { showBeneficiary } from './subjects.ts';
import { DirectoryView, isoOrNull } from './view.ts';

export const Grant = named(
  'Grant',
  z.object({
    id: described(z.string(), 'Opaque id, `gra_…`.'),
    kind: z.enum(['budget', 'approval']),
    scope: z.enum(['organization', 'team', 'person', 'service', 'key']),
    subject: described(z.string().nullable(), 'Id of whom it is for; null for the organisation.'),
    for: described(z.string(), 'Whom it is for, in words: `organization`, `team Payments`, an address, a key’s id.'),
    amount_usd: described(
      z.string().nullable(),
      'Of a budget: US dollars on top, as decimal text with six digits; null of an approval.',
    ),
    amount_micros: described(z.number().int().nullable(), 'The same amount in micro-dollars.'),
    model: described(z.string().nullable(), 'Of an approval: the models; null of a budget.'),
    reason: z.string(),
    state: z.enum(['scheduled', 'active', 'ended', 'revoked']),
    actor: described(z.string(), 'Id of who granted it.'),
    actor_name: z.string().nullable(),
    created_at: instant('When it was granted.'),
    starts_at: instant('From when it counts.'),
    ends_at: instant('Until when, not included.'),
    revoked_at: instant('When it was revoked.').nullable(),
  }),
  'More than the policy gives, for a time.',
);

/** The grant as shown to an administrator. */
export function showGrant(view: DirectoryView, row: GrantRow, now: number): z.infer<typeof Grant> {
  return {
    id: row.id,
    kind: row.kind,
    scope: row.scope,
    subject: row.subject,
    for: showBeneficiary(view, row),
    amount_usd: row.micros === null ? null : sixDigits(row.micros),
    amount_micros: row.micros,
    model: row.models,
    reason: row.reason,
    state: stateOf(row, now),
    actor: row.actor,
    actor_name: view.nameOf(row.actor),
    created_at: new Date(row.createdAt).toISOString(),
    starts_at: new Date(row.startsAt).toISOString(),
    ends_at: new Date(row.endsAt).toISOString(),
    revoked_at: isoOrNull(row.revokedAt),
  };
}

function stateOf({ revokedAt, startsAt, endsAt }: GrantRow, now: number): z.infer<typeof Grant>['state'] {
  if (revokedAt !== null) return 'revoked';
  if (endsAt <= now) return 'ended';
  return startsAt > now ? 'scheduled' : 'active';
}

/** The row of a grant, with the directory that names whom it is for. Throws `resource_unknown`. */
export async function findGrant(
  services: AdminServices,
  id: string,
): Promise<{ readonly row: GrantRow; readonly view: DirectoryView }> {
  const state = await services.directory();
  const withId = (row: GrantRow): boolean => row.id === id;
  const row = state.grants.find(withId) ?? (await services.grants(HISTORY)).find(withId);
  if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no grant with this id.');
  return { row, view: new DirectoryView(state) };
}

/** The grant with this id as it is now. Throws `resource_unknown`. */
export async function readGrant(services: AdminServices, id: string): Promise<z.infer<typeof Grant>> {
  const { row, view } = await findGrant(services, id);
  return showGrant(view, row, services.clock.now());
}

/** `{id}` of a grant in a path. */
export const grantParams = idParams('Id of the grant, `gra_…`.');
