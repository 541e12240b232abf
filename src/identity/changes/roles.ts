import type { AssignedRole } from '../principal.ts';
import { isActiveAt } from '../validity.ts';
import { BREAK_GLASS_SETTING } from './break-glass.ts';
import { type ChangeContext, commit, type Done, livingPerson } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, reasonOf } from './input.ts';

const ASSIGNABLE: readonly string[] = ['admin', 'auditor', 'member'];

/** Assigns a role in the directory; policies may give a higher one. `refused` for the primary owner and for a guest. */
export async function setRole(
  context: ChangeContext,
  input: {
    readonly actor: string;
    readonly person: string;
    readonly role: Exclude<AssignedRole, 'primary_owner'>;
    readonly reason?: string | null;
  },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const { role } = input;
  if (!ASSIGNABLE.includes(role)) throw new ChangeError('invalid', 'A role is admin, auditor or member.');
  await commit(context, async (tx): Promise<Done<void>> => {
    const { id, role: before, endsAt } = await livingPerson(tx, input.person);
    if (before === 'primary_owner') {
      throw new ChangeError('refused', 'The primary owner stays it until they transfer the ownership.');
    }
    if (role === before) return { result: undefined, record: null };
    if (endsAt !== null && role !== 'member') throw new ChangeError('refused', 'A guest is a member.');
    await tx.updateParty(id, { role });
    const states = { before: { role: before }, after: { role } };
    return { result: undefined, record: { actor, action: 'role.changed', subject: id, ...states, reason } };
  });
}

/**
 * Makes somebody else the primary owner; who was it becomes an admin, and the envelope is void. `refused` unless the primary owner asks,
 * for somebody who can act and is no guest.
 */
export async function transferOwner(
  context: ChangeContext,
  input: { readonly actor: string; readonly to: string; readonly reason?: string | null },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const owner = await tx.primaryOwner();
    if (owner === undefined || owner.id !== actor || !isActiveAt(owner, now)) {
      throw new ChangeError('refused', 'Only the primary owner transfers the ownership.');
    }
    const heir = await livingPerson(tx, input.to);
    if (heir.id === owner.id) return { result: undefined, record: null };
    if (!isActiveAt(heir, now) || heir.endsAt !== null) {
      throw new ChangeError('refused', 'The ownership goes to a person who is not disabled and no guest.');
    }
    // In this order: there is never a second one.
    await tx.updateParty(owner.id, { role: 'admin' });
    await tx.updateParty(heir.id, { role: 'primary_owner' });
    await tx.setSetting(BREAK_GLASS_SETTING, null);
    const states = { before: { owner: owner.id, role: heir.role }, after: { owner: heir.id, former: 'admin' } };
    return { result: undefined, record: { actor, action: 'owner.transferred', subject: heir.id, ...states, reason } };
  });
}
