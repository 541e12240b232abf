import type { StoreTransaction } from '../../store/ports.ts';
import { forgetAddresses, formerAddresses } from './addresses.ts';

/**
 * Removes everything of a person but the opaque id: addresses (in every revision of the policy too), identities at providers and who
 * waits to be linked, invitations, sessions, content key, the labels of their credentials (people write names into labels). Revokes what
 * was not revoked and returns those ids, of sessions too. Safe to repeat.
 */
export async function erase(tx: StoreTransaction, person: string, at: number): Promise<string[]> {
  const revoked: string[] = [];
  for (const credential of await tx.credentialsOf(person)) {
    await tx.updateCredential(credential.id, { label: '' });
    if (credential.revokedAt !== null) continue;
    await tx.updateCredential(credential.id, { revokedAt: at });
    revoked.push(credential.id);
  }
  revoked.push(...(await tx.sessionsOf(person)).map(({ id }) => id));
  await tx.deleteSessionsOf(person);
  const name = (await tx.party(person))?.name ?? null;
  const addresses = new Set([...(await formerAddresses(tx, person)), ...(name === null ? [] : [name])]);
  for (const { provider, subject, email } of await tx.identitiesOf(person)) {
    if (email !== null) addresses.add(email);
    await tx.deleteIdentity(provider, subject);
  }
  for (const address of addresses) await tx.redactPolicies(address, person);
  await forgetAddresses(tx, person);
  await tx.deleteWaitingIdentitiesOf(person);
  await tx.deleteInvitationsOf(person, name);
  await tx.deleteContentKey(person);
  await tx.updateParty(person, { name: null, erasedAt: at });
  return revoked;
}
