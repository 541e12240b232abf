import type { PartyRow, StoreTransaction } from '../../store/ports.ts';
import type { KeyKind } from '../principal.ts';
import { refusalOf } from '../snapshot.ts';
import { isActiveAt } from '../validity.ts';
import { type ChangeContext, commit, type Done, existingCredential, existingTeam, livingParty } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf, expiryOf, labelOf, overlapOf, reasonOf } from './input.ts';
import { issue } from './rows.ts';

const DAY = 86_400_000;

/** A credential as it is made. The secret is shown once: only its digest is kept (P5). */
export interface Issued {
  readonly id: string;
  readonly secret: string;
}

/**
 * Makes a virtual key or admin token. `expiresAt` is in milliseconds since the epoch, null or absent for never. `team` is charged
 * instead of the owner's first team; whether the owner belongs to it is checked when the key is used, as policy says it then.
 */
export async function createKey(
  context: ChangeContext,
  input: {
    readonly actor: string;
    readonly owner: string;
    readonly label: string;
    readonly kind: KeyKind;
    readonly expiresAt?: number | null;
    readonly team?: string | null;
  },
): Promise<Issued> {
  const actor = actorOf(input.actor);
  const label = labelOf(input.label);
  return commit(context, async (tx, now) => {
    const owner = await livingParty(tx, input.owner);
    if (!isActiveAt(owner, now)) throw new ChangeError('refused', 'The owner is disabled.');
    if (input.kind === 'admin') await maySpeakFor(tx, owner, actor);
    const team = await existingTeam(tx, input.team);
    if (input.kind === 'admin' && team !== null)
      throw new ChangeError('invalid', 'An admin token is charged to no team.');
    const expiresAt = expiryOf(input.expiresAt, now);
    const { row, secret } = issue({ kind: input.kind, owner: owner.id, label, expiresAt, team }, now);
    await tx.insertCredential(row);
    const after = { owner: owner.id, kind: input.kind, expiresAt, team };
    const record = { actor, action: 'key.created', subject: row.id, before: null, after, reason: null };
    return { result: { id: row.id, secret }, record };
  });
}

/**
 * Replaces a credential: the new one has the same owner, kind, label, team and length of life; the old one stays valid for
 * `overlapMs` (24 h unless given, 0 for not at all), never longer than it would have been. `refused` unless it is valid now
 * and was not replaced before.
 */
export async function rotateKey(
  context: ChangeContext,
  input: { readonly actor: string; readonly key: string; readonly overlapMs?: number },
): Promise<Issued> {
  const actor = actorOf(input.actor);
  const overlap = overlapOf(input.overlapMs ?? DAY);
  return commit(context, async (tx, now) => {
    const old = await existingCredential(tx, input.key);
    const owner = await livingParty(tx, old.owner);
    if (refusalOf({ credential: old, owner }, now) !== null || old.rotatedTo !== null) {
      throw new ChangeError('refused', 'Only a valid key that was not rotated before can be rotated.');
    }
    if (old.kind === 'admin') await maySpeakFor(tx, owner, actor);
    const lifetime = old.expiresAt === null ? null : old.expiresAt - old.createdAt;
    const expiresAt = lifetime === null ? null : expiryOf(now + lifetime, now);
    const { kind, label, team } = old;
    const { row, secret } = issue({ kind, owner: owner.id, label, expiresAt, team }, now);
    const oldExpiresAt = Math.min(old.expiresAt ?? Number.POSITIVE_INFINITY, now + overlap);
    await tx.insertCredential(row);
    await tx.updateCredential(old.id, { expiresAt: oldExpiresAt, rotatedTo: row.id });
    const record = {
      actor,
      action: 'key.rotated',
      subject: old.id,
      before: { expiresAt: old.expiresAt },
      reason: null,
    };
    const after = { expiresAt: oldExpiresAt, rotatedTo: row.id, rotatedToExpiresAt: expiresAt };
    return { result: { id: row.id, secret }, record: { ...record, after } };
  });
}

/**
 * An admin token speaks for its owner. One admin who got that of another, or of the primary owner, could do what is not theirs, and
 * be the second person of their own changes.
 */
async function maySpeakFor(tx: StoreTransaction, owner: PartyRow, actor: string): Promise<void> {
  if (owner.kind !== 'person') throw new ChangeError('refused', 'An admin token belongs to a person.');
  if (actor === owner.id || actor === 'system') return;
  if ((await tx.primaryOwner())?.id === actor) return;
  throw new ChangeError(
    'refused',
    'Everybody makes and rotates their own admin tokens; the primary owner may for others.',
  );
}

/** Ends a credential at once and for good. A second time changes nothing. */
export async function revokeCredential(
  context: ChangeContext,
  input: { readonly actor: string; readonly credential: string; readonly reason?: string | null },
): Promise<void> {
  const actor = actorOf(input.actor);
  const reason = reasonOf(input.reason);
  await commit(context, async (tx, now): Promise<Done<void>> => {
    const credential = await existingCredential(tx, input.credential);
    if (credential.revokedAt !== null) return { result: undefined, record: null };
    await tx.updateCredential(credential.id, { revokedAt: now });
    const states = { before: { revokedAt: null }, after: { revokedAt: now } };
    return { result: undefined, record: { actor, action: 'key.revoked', subject: credential.id, ...states, reason } };
  });
}
