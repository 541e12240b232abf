import { timingSafeEqual } from 'node:crypto';
import { newBreakGlassSecret, parseBreakGlassSecret } from '../key-format.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import { type ChangeContext, commit } from './commit.ts';
import { ChangeError } from './error.ts';
import { actorOf } from './input.ts';
import { personOrFailure } from './sessions.ts';

/** The setting that holds whose the sealed secret is and its digest, `per_… <hex>`; absent while none is sealed. */
export const BREAK_GLASS_SETTING = 'break-glass';

/**
 * A fresh secret (`ghb_…`) for the envelope of the primary owner, shown once. It replaces the one before. `refused` for everybody else:
 * whoever opens it becomes the primary owner.
 */
export async function sealBreakGlass(
  context: ChangeContext,
  input: { readonly actor: string },
): Promise<{ secret: string }> {
  const actor = actorOf(input.actor);
  const { secret, digest } = newBreakGlassSecret();
  return commit(context, async (tx) => {
    const owner = await tx.primaryOwner();
    if (owner === undefined || (actor !== owner.id && actor !== 'system')) {
      throw new ChangeError('refused', 'Only the primary owner seals a way in.');
    }
    const replaced = (await tx.setting(BREAK_GLASS_SETTING)) !== undefined;
    await tx.setSetting(BREAK_GLASS_SETTING, `${owner.id} ${digest}`);
    const states = { before: { sealed: replaced }, after: { sealed: true } };
    return {
      result: { secret },
      record: { actor, action: 'break_glass.sealed', subject: owner.id, ...states, reason: null },
    };
  });
}

/**
 * Opens the envelope: who the primary owner is. It works once; the session it leads to is the time to seal another. Rejects with a
 * SignInFailure: `secret_wrong`, or `disabled`.
 */
export async function useBreakGlass(
  context: ChangeContext,
  input: { readonly secret: string },
): Promise<{ person: string }> {
  const presented = parseBreakGlassSecret(input.secret)?.digest ?? '';
  return commit(context, async (tx, now) => {
    const owner = await tx.primaryOwner();
    const sealed = (await tx.setting(BREAK_GLASS_SETTING)) ?? '';
    // The owner's id is a part of it: an envelope does not pass to whoever owns the installation next.
    if (owner === undefined || !same(sealed, `${owner.id} ${presented}`)) {
      throw new SignInFailure('secret_wrong', 'this is not the secret that is sealed now');
    }
    const person = await personOrFailure(tx, owner.id, now);
    if (person instanceof SignInFailure) throw person;
    await tx.setSetting(BREAK_GLASS_SETTING, null);
    const states = { before: { sealed: true }, after: { sealed: false, alarm: true } };
    const record = { actor: owner.id, action: 'break_glass.used', subject: owner.id, ...states, reason: null };
    return { result: { person: owner.id }, record };
  });
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
