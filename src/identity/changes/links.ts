import type { StoreTransaction, WaitingIdentityRow } from '../../store/ports.ts';
import { type ChangeContext, commit, type Done, livingPerson, mustNotTouchOwner } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, reasonOf } from './input.ts';
import { endSessions } from './sessions.ts';

interface Asked {
  readonly actor: string;
  readonly reason?: string | null;
}

/**
 * Gives a waiting identity to the person who has its address: whoever proves it from then on is this person. `refused` for the primary
 * owner, unless asked by themselves: whoever may change providers could else have them prove anything. Undone by `unlinkIdentity`.
 */
export async function linkIdentity(
  context: ChangeContext,
  input: Asked & { readonly waiting: string },
): Promise<{ person: string }> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  return commit(context, async (tx, now) => {
    const { id, provider, subject, issuer, email, person: known } = await existingWaiting(tx, input.waiting);
    const person = await livingPerson(tx, known);
    mustNotTouchOwner(person, actor);
    // Addresses change hands while somebody waits.
    if (person.name !== email) {
      throw new ChangeError('conflict', 'The address is not theirs any more: let them sign in again.');
    }
    await tx.insertIdentity({
      ...{ provider, subject, issuer, person: person.id, email, groups: [] },
      ...{ linkedBy: actor, createdAt: now, lastSignInAt: null },
    });
    await tx.deleteWaitingIdentity(id);
    const after = { provider, waiting: id, linkedAt: now };
    const record = { actor, action: 'identity.linked', subject: person.id, before: null, after, reason };
    return { result: { person: person.id }, record };
  });
}

/** Takes an identity from a person, and ends the sessions that it opened. `refused` for the primary owner, unless asked by themselves. */
export async function unlinkIdentity(
  context: ChangeContext,
  input: Asked & { readonly provider: string; readonly subject: string },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  const provider = input.provider.toLowerCase();
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const identity = await tx.identity(provider, input.subject);
    if (identity === undefined) throw new ChangeError('not_found', 'There is no such identity.');
    const person = await livingPerson(tx, identity.person);
    mustNotTouchOwner(person, actor);
    await tx.deleteIdentity(provider, input.subject);
    const sessions = await endSessions(tx, { person: person.id, at: now, provider });
    // Which of several it was: by the moment it was linked. A subject can be an address (P7).
    const before = { provider, linkedAt: identity.createdAt, linkedBy: identity.linkedBy };
    const states = { before, after: { unlinkedAt: now, sessions } };
    return { result: undefined, record: { actor, action: 'identity.unlinked', subject: person.id, ...states, reason } };
  });
}

/** Forgets a waiting identity; the next sign-in with it waits again. */
export async function discardWaiting(
  context: ChangeContext,
  input: Asked & { readonly waiting: string },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx): Promise<Done<void>> => {
    const { id, provider, person } = await existingWaiting(tx, input.waiting);
    await tx.deleteWaitingIdentity(id);
    const states = { before: { provider, person }, after: null };
    return { result: undefined, record: { actor, action: 'identity.discarded', subject: id, ...states, reason } };
  });
}

async function existingWaiting(tx: StoreTransaction, id: string): Promise<WaitingIdentityRow> {
  const row = await tx.waitingIdentity(id);
  if (row === undefined) throw new ChangeError('not_found', 'Nobody waits under this id.');
  return row;
}
