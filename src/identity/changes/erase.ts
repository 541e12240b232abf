import type { StoreTransaction } from '../../store/ports.ts';

/**
 * Removes everything of a person but the opaque id: address, content key, the labels of their credentials (people write
 * names into labels). Revokes what was not revoked and returns those ids. Safe to repeat.
 */
export async function erase(tx: StoreTransaction, person: string, at: number): Promise<string[]> {
  const revoked: string[] = [];
  for (const credential of await tx.credentialsOf(person)) {
    await tx.updateCredential(credential.id, { label: '' });
    if (credential.revokedAt !== null) continue;
    await tx.updateCredential(credential.id, { revokedAt: at });
    revoked.push(credential.id);
  }
  await tx.deleteContentKey(person);
  await tx.updateParty(person, { name: null, erasedAt: at });
  return revoked;
}
