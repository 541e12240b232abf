import type { StoreTransaction } from '../../store/ports.ts';

/**
 * Removes everything of a person but the opaque id: address (in every revision of the policy too), content key, the labels of
 * their credentials (people write names into labels). Revokes what was not revoked and returns those ids. Safe to repeat.
 */
export async function erase(tx: StoreTransaction, person: string, at: number): Promise<string[]> {
  const revoked: string[] = [];
  for (const credential of await tx.credentialsOf(person)) {
    await tx.updateCredential(credential.id, { label: '' });
    if (credential.revokedAt !== null) continue;
    await tx.updateCredential(credential.id, { revokedAt: at });
    revoked.push(credential.id);
  }
  const name = (await tx.party(person))?.name;
  if (name) await tx.redactPolicies(name, person);
  await tx.deleteContentKey(person);
  await tx.updateParty(person, { name: null, erasedAt: at });
  return revoked;
}
