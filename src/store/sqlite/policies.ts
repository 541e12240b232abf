import type { PolicyRevisionRow } from '../ports.ts';
import { replaceAddress } from './address.ts';
import type { Db } from './scope.ts';

const HISTORY = ['number', 'sha256', 'author', 'reason', 'restores', 'createdAt'] as const;

export async function newestPolicy(db: Db): Promise<PolicyRevisionRow | undefined> {
  return db.selectFrom('policyRevisions').selectAll().orderBy('number', 'desc').limit(1).executeTakeFirst();
}

export async function findPolicy(db: Db, number: number): Promise<PolicyRevisionRow | undefined> {
  return db.selectFrom('policyRevisions').selectAll().where('number', '=', number).executeTakeFirst();
}

export async function insertPolicy(db: Db, row: PolicyRevisionRow): Promise<void> {
  await db.insertInto('policyRevisions').values(row).execute();
}

export async function policyHistory(db: Db, limit: number): Promise<Omit<PolicyRevisionRow, 'text'>[]> {
  return db.selectFrom('policyRevisions').select(HISTORY).orderBy('number', 'desc').limit(limit).execute();
}

/** One revision after the other: a long history is not held in memory at once. */
export async function redactPolicies(db: Db, address: string, id: string): Promise<void> {
  const numbers = await db.selectFrom('policyRevisions').select('number').orderBy('number').execute();
  for (const { number } of numbers) {
    const row = await findPolicy(db, number);
    const text = replaceAddress(row?.text ?? '', address, id);
    if (row === undefined || text === row.text) continue;
    await db.updateTable('policyRevisions').set({ text }).where('number', '=', number).execute();
  }
}
