/** Addresses that a person had: policies may name them still, and an erased person's names vanish (P7). */
import type { StoreTransaction } from '../../store/ports.ts';

const settingOf = (person: string): string => `former-addresses-${person}`;

/** Those before the present one, oldest first. */
export async function formerAddresses(tx: StoreTransaction, person: string): Promise<string[]> {
  const text = await tx.setting(settingOf(person));
  return text === undefined ? [] : text.split('\n');
}

/** Gives a person another address, and remembers the one before. */
export async function rename(
  tx: StoreTransaction,
  { id, name }: { readonly id: string; readonly name: string | null },
  address: string,
): Promise<void> {
  await tx.updateParty(id, { name: address });
  if (name === null) return;
  const former = new Set([...(await formerAddresses(tx, id)), name]);
  await tx.setSetting(settingOf(id), [...former].join('\n'));
}

/** The last of a person's addresses. */
export async function forgetAddresses(tx: StoreTransaction, person: string): Promise<void> {
  await tx.setSetting(settingOf(person), null);
}
