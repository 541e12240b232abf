import type { PartyRow } from '../ports.ts';
import type { Db } from './scope.ts';
import { columnsOf, wholeTable } from './whole.ts';

const COLUMNS = columnsOf<PartyRow>({
  ...{ id: true, kind: true, name: true, team: true, role: true, createdAt: true },
  ...{ disabledAt: true, erasedAt: true, sponsor: true, endsAt: true },
});

type PartyChange = Partial<Pick<PartyRow, 'name' | 'team' | 'role' | 'disabledAt' | 'erasedAt' | 'sponsor' | 'endsAt'>>;

export async function findParty(db: Db, id: string): Promise<PartyRow | undefined> {
  return db.selectFrom('parties').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findPartyByName(db: Db, kind: PartyRow['kind'], name: string): Promise<PartyRow | undefined> {
  return db.selectFrom('parties').selectAll().where('kind', '=', kind).where('name', '=', name).executeTakeFirst();
}

export async function findPrimaryOwner(db: Db): Promise<PartyRow | undefined> {
  return db
    .selectFrom('parties')
    .selectAll()
    .where('role', '=', 'primary_owner')
    .where('erasedAt', 'is', null)
    .executeTakeFirst();
}

export async function allParties(db: Db): Promise<PartyRow[]> {
  return wholeTable<PartyRow>(db, { table: 'parties', columns: COLUMNS, order: ['id'] });
}

export async function insertParty(db: Db, row: PartyRow): Promise<void> {
  await db.insertInto('parties').values(row).execute();
}

export async function updateParty(db: Db, id: string, change: PartyChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await db.updateTable('parties').set(change).where('id', '=', id).execute();
}
