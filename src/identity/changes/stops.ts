import { newId } from '../../kernel/ids.ts';
import type { StopRow, StoreTransaction } from '../../store/ports.ts';
import { type ChangeContext, commit, type Done, existingCredential, livingParty } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, modelPatternOf, neededReason, reasonOf, tokenOf } from './input.ts';

export interface StopInput {
  readonly actor: string;
  readonly target: StopRow['target'];
  /** As in StopRow; null exactly for everything. */
  readonly subject: string | null;
  /** Shown to who is stopped, and kept in the journal. */
  readonly reason: string;
}

/**
 * Stops something at once, over every policy, until it is lifted (P3). The same stop while it is in force changes nothing and gives
 * the id of the first. `not_found` for a party or key that is not there, `refused` for an erased person or an admin token.
 */
export async function stop(context: ChangeContext, input: StopInput): Promise<{ id: string }> {
  const actor = actorOf(input.actor);
  const reason = neededReason(input.reason, 'A stop');
  const { target } = input;
  const wanted = subjectOf(input);
  try {
    return await commit(context, async (tx, now) => {
      if (wanted !== null) await mustBeThere(tx, target, wanted);
      const id = newId('stp', now);
      await tx.insertStop({ id, target, subject: wanted, reason, actor, createdAt: now, liftedAt: null });
      const record = {
        actor,
        action: 'stop.made',
        subject: id,
        before: null,
        after: { target, subject: wanted },
        reason,
      };
      return { result: { id }, record };
    });
  } catch (error) {
    if (!(error instanceof ChangeError) || error.code !== 'conflict') throw error;
    // Only the store can tell that two who ask at the same time ask for the same; whoever is second wants it in force too.
    await context.directory.refresh();
    const same = context.directory.current.stops.all.find((row) => row.target === target && row.subject === wanted);
    if (same === undefined) throw error;
    return { id: same.id };
  }
}

/** Lifts a stop. A second time changes nothing. */
export async function liftStop(
  context: ChangeContext,
  input: { readonly actor: string; readonly stop: string; readonly reason?: string | null },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const row = await tx.stop(input.stop);
    if (row === undefined) throw new ChangeError('not_found', 'There is no stop with this id.');
    if (row.liftedAt !== null) return { result: undefined, record: null };
    await tx.liftStop(row.id, now);
    const states = { before: { liftedAt: null }, after: { liftedAt: now } };
    return { result: undefined, record: { actor, action: 'stop.lifted', subject: row.id, ...states, reason } };
  });
}

function subjectOf({ target, subject }: StopInput): string | null {
  if (target === 'everything') {
    if (subject !== null) throw new ChangeError('invalid', 'A stop of everything has no subject.');
    return null;
  }
  if (subject === null) throw new ChangeError('invalid', 'Say what is to be stopped.');
  return target === 'model' ? modelPatternOf(subject) : tokenOf(subject);
}

async function mustBeThere(tx: StoreTransaction, target: StopRow['target'], subject: string): Promise<void> {
  if (target === 'party') await livingParty(tx, subject);
  if (target !== 'key') return;
  const { kind } = await existingCredential(tx, subject);
  // Stops act on the model door: whoever stops an admin token would believe that it no longer opens the other.
  if (kind === 'admin') throw new ChangeError('refused', 'An admin token is revoked, not stopped.');
}
