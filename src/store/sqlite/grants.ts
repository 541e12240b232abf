import type { GrantRow } from '../ports.ts';
import type { Db } from './scope.ts';

export async function findGrant(db: Db, id: string): Promise<GrantRow | undefined> {
  return db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function insertGrant(db: Db, row: GrantRow): Promise<void> {
  await db.insertInto('grants').values(row).execute();
}

/** The time of the first revocation stays. */
export async function revokeGrant(db: Db, id: string, at: number): Promise<void> {
  await db.updateTable('grants').set({ revokedAt: at }).where('id', '=', id).where('revokedAt', 'is', null).execute();
}

/** Those in force at `now`, and those still to come. */
export async function openGrants(db: Db, now: number): Promise<GrantRow[]> {
  return db
    .selectFrom('grants')
    .selectAll()
    .where('revokedAt', 'is', null)
    .where('endsAt', '>', now)
    .orderBy('id')
    .execute();
}

export async function newestGrants(db: Db, limit: number): Promise<GrantRow[]> {
  return db.selectFrom('grants').selectAll().orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(limit).execute();
}
