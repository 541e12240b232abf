import type { PartyRow } from '../ports.ts';
import type { Db } from './scope.ts';

type PartyChange = Partial<Pick<PartyRow, 'name' | 'team' | 'role' | 'disabledAt' | 'erasedAt'>>;

export async function findParty(db: Db, id: string): Promise<PartyRow | undefined> {
  return db.selectFrom('parties').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findPartyByName(db: Db, kind: PartyRow['kind'], name: string): Promise<PartyRow | undefined> {
  return db.selectFrom('parties').selectAll().where('kind', '=', kind).where('name', '=', name).executeTakeFirst();
}

export async function findOwners(db: Db): Promise<PartyRow[]> {
  return db
    .selectFrom('parties')
    .selectAll()
    .where('kind', '=', 'person')
    .where('role', '=', 'owner')
    .where('erasedAt', 'is', null)
    .orderBy('id')
    .execute();
}

export async function allParties(db: Db): Promise<PartyRow[]> {
  return db.selectFrom('parties').selectAll().orderBy('id').execute();
}

export async function insertParty(db: Db, row: PartyRow): Promise<void> {
  await db.insertInto('parties').values(row).execute();
}

export async function updateParty(db: Db, id: string, change: PartyChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await db.updateTable('parties').set(change).where('id', '=', id).execute();
}
