import type { StoreTransaction } from '../../store/ports.ts';
import { newOwnerSecret, parseOwnerSecret } from '../key-format.ts';
import { isActiveAt } from '../validity.ts';
import { BREAK_GLASS_SETTING } from './break-glass.ts';
import { type ChangeContext, commit, type Done } from './commit.ts';
import { ChangeError } from './error.ts';
import { emailOf } from './input.ts';
import { issue, newParty } from './rows.ts';

/** The setting that holds the digest of the one-use secret; absent once it was used. */
export const OWNER_SECRET_SETTING = 'owner-secret-digest';
const FIRST_TOKEN_LABEL = 'first admin token';

/**
 * A fresh one-use secret (`gho_…`) while no owner can act, else null. It replaces the one given before, so that only the
 * newest of several starts counts.
 */
export async function ensureOwnerSecret(context: ChangeContext): Promise<string | null> {
  return commit(context, async (tx, now): Promise<Done<string | null>> => {
    if (await ownerCanAct(tx, now)) return { result: null, record: null };
    const { secret, digest } = newOwnerSecret();
    await tx.setSetting(OWNER_SECRET_SETTING, digest);
    const record = { actor: 'system', action: 'owner_secret.issued', subject: 'owner-secret' };
    return { result: secret, record: { ...record, before: null, after: null, reason: null } };
  });
}

/**
 * Makes the primary owner: a person with an admin token, shown once. The secret works once. One who cannot act any more becomes a
 * member. `refused` for any secret that is not the current one, without saying why; `conflict` when the address is taken.
 */
export async function claimOwner(
  context: ChangeContext,
  input: { readonly secret: string; readonly email: string },
): Promise<{ person: string; credential: string; token: string }> {
  const name = emailOf(input.email);
  const presented = parseOwnerSecret(input.secret);
  return commit(context, async (tx, now) => {
    const expected = await tx.setting(OWNER_SECRET_SETTING);
    // Digests of a 202-bit secret: how long their comparison takes tells nothing about the secret.
    if (presented === null || presented.digest !== expected || (await ownerCanAct(tx, now))) {
      throw new ChangeError('refused', 'This owner secret is not valid: it was used, replaced, or mistyped.');
    }
    await tx.setSetting(OWNER_SECRET_SETTING, null);
    await tx.setSetting(BREAK_GLASS_SETTING, null);
    const displaced = (await tx.primaryOwner())?.id ?? null;
    if (displaced !== null) await tx.updateParty(displaced, { role: 'member' });
    const person = newParty({ kind: 'person', name, team: null, role: 'primary_owner' }, now);
    const token = { kind: 'admin', owner: person.id, label: FIRST_TOKEN_LABEL, expiresAt: null, team: null } as const;
    const { row, secret } = issue(token, now);
    await tx.insertParty(person);
    await tx.insertCredential(row);
    const after = { kind: 'person', role: person.role, team: null, credential: row.id, displaced };
    const record = { actor: 'owner-secret', action: 'owner.claimed', subject: person.id, before: null, reason: null };
    return {
      result: { person: person.id, credential: row.id, token: secret },
      record: { ...record, after },
    };
  });
}

/** A disabled last owner leaves nobody to enable them: a restart then offers a new secret to whoever can read its output. */
async function ownerCanAct(tx: StoreTransaction, now: number): Promise<boolean> {
  const owner = await tx.primaryOwner();
  return owner !== undefined && isActiveAt(owner, now);
}
