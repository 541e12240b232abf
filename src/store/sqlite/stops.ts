import type { StopRow } from '../ports.ts';
import type { Db } from './scope.ts';

export async function findStop(db: Db, id: string): Promise<StopRow | undefined> {
  return db.selectFrom('stops').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function insertStop(db: Db, row: StopRow): Promise<void> {
  await db.insertInto('stops').values(row).execute();
}

/** The time of the first lifting stays. */
export async function liftStop(db: Db, id: string, at: number): Promise<void> {
  await db.updateTable('stops').set({ liftedAt: at }).where('id', '=', id).where('liftedAt', 'is', null).execute();
}

export async function activeStops(db: Db): Promise<StopRow[]> {
  return db.selectFrom('stops').selectAll().where('liftedAt', 'is', null).orderBy('id').execute();
}

export async function newestStops(db: Db, limit: number): Promise<StopRow[]> {
  return db.selectFrom('stops').selectAll().orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(limit).execute();
}
