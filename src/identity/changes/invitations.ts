import { newId } from '../../kernel/ids.ts';
import type { InvitationRow, PartyRow, StoreTransaction } from '../../store/ports.ts';
import { isActiveAt } from '../validity.ts';
import { type ChangeContext, commit, type Done, livingPerson } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, emailOf, expiryOf, nameOf, reasonOf } from './input.ts';
import { endSessions } from './sessions.ts';

/** Whoever stays longer is no guest. */
const LONGEST = 366 * 86_400_000;

interface Asked {
  readonly actor: string;
  readonly reason?: string | null;
}

/**
 * Lets an address enter that no provider's domains cover, through one provider, until `endsAt` (milliseconds since the epoch, not
 * included, at most 366 days ahead). A guest whose time is over is the same person again. `conflict` when anybody else has the address or it
 * is invited already; `refused` for a sponsor who cannot act or is a guest.
 */
export async function invite(
  context: ChangeContext,
  input: Asked & Pick<InvitationRow, 'email' | 'provider' | 'sponsor' | 'endsAt'>,
): Promise<{ id: string }> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const email = emailOf(input.email);
  const provider = nameOf(input.provider).toLowerCase();
  return commit(context, async (tx, now) => {
    const sponsor = await livingPerson(tx, input.sponsor);
    if (!isActiveAt(sponsor, now) || sponsor.endsAt !== null) {
      throw new ChangeError('refused', 'Whoever answers for a guest is neither disabled nor a guest.');
    }
    const before = await tx.partyByName('person', email);
    if (before !== undefined && !mayReturn(before, now)) {
      throw new ChangeError('conflict', 'A person with this address is here already; extend their invitation.');
    }
    const endsAt = endOf(input.endsAt, now);
    const open = await tx.openInvitation(email);
    // One that is over holds the place of the address, and nothing else.
    if (open !== undefined && open.endsAt <= now) await tx.updateInvitation(open.id, { revokedAt: now });
    const id = newId('inv', now);
    const row = { id, email, provider, sponsor: sponsor.id, actor, createdAt: now, endsAt };
    const person = before?.id ?? null;
    await tx.insertInvitation({ ...row, person, revokedAt: null });
    if (person !== null) await tx.updateParty(person, { sponsor: sponsor.id, endsAt });
    const after = { provider, sponsor: sponsor.id, endsAt, person };
    return {
      result: { id },
      record: { actor, action: 'invitation.made', subject: id, before: null, after, reason },
    };
  });
}

/** A guest whose time is over, and who was not disabled besides. */
function mayReturn({ endsAt, disabledAt }: PartyRow, now: number): boolean {
  return endsAt !== null && endsAt <= now && disabledAt === null;
}

/** Another end, later or earlier; that of the guest follows at once. `refused` once it was revoked. */
export async function extendInvitation(
  context: ChangeContext,
  input: Asked & { readonly invitation: string; readonly endsAt: number },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const { id, person, endsAt: before, revokedAt } = await existingInvitation(tx, input.invitation);
    if (revokedAt !== null) throw new ChangeError('refused', 'This invitation was revoked.');
    const endsAt = endOf(input.endsAt, now);
    if (endsAt === before) return { result: undefined, record: null };
    await tx.updateInvitation(id, { endsAt });
    if (person !== null) await tx.updateParty(person, { endsAt });
    const states = { before: { endsAt: before }, after: { endsAt, person } };
    return { result: undefined, record: { actor, action: 'invitation.extended', subject: id, ...states, reason } };
  });
}

/** Ends an invitation, and with it the guest and all sessions and keys, at once. A second time changes nothing. */
export async function revokeInvitation(
  context: ChangeContext,
  input: Asked & { readonly invitation: string },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const row = await existingInvitation(tx, input.invitation);
    if (row.revokedAt !== null) return { result: undefined, record: null };
    const sessions = await endInvitation(tx, row, now);
    const states = { before: { revokedAt: null }, after: { revokedAt: now, person: row.person, sessions } };
    return { result: undefined, record: { actor, action: 'invitation.revoked', subject: row.id, ...states, reason } };
  });
}

/** Revokes one as a part of another change; returns the ids of the sessions that ended. */
export async function endInvitation(tx: StoreTransaction, row: InvitationRow, at: number): Promise<string[]> {
  await tx.updateInvitation(row.id, { revokedAt: at });
  if (row.person === null) return [];
  const guest = await tx.party(row.person);
  await tx.updateParty(row.person, { endsAt: Math.min(guest?.endsAt ?? at, at) });
  return endSessions(tx, { person: row.person, at });
}

async function existingInvitation(tx: StoreTransaction, id: string): Promise<InvitationRow> {
  const row = await tx.invitation(id);
  if (row === undefined) throw new ChangeError('not_found', 'There is no invitation with this id.');
  return row;
}

function endOf(at: number, now: number): number {
  const endsAt = expiryOf(at, now);
  if (endsAt === null || endsAt - now > LONGEST) {
    throw new ChangeError('invalid', 'An invitation ends after at most 366 days.');
  }
  return endsAt;
}
