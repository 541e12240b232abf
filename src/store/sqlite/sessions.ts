import type { SessionRow } from '../ports.ts';
import type { Db } from './scope.ts';
import { columnsOf, wholeTable } from './whole.ts';

const COLUMNS = columnsOf<SessionRow>({
  ...{ id: true, person: true, provider: true, digest: true, previous: true, rotatedAt: true, client: true },
  ...{ label: true, csrf: true, createdAt: true, lastSeenAt: true, expiresAt: true, revokedAt: true },
});

type SessionChange = Partial<Pick<SessionRow, 'digest' | 'previous' | 'rotatedAt' | 'lastSeenAt' | 'revokedAt'>>;

export async function findSession(db: Db, id: string): Promise<SessionRow | undefined> {
  return db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function sessionsOf(db: Db, person: string): Promise<SessionRow[]> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('person', '=', person)
    .where('revokedAt', 'is', null)
    .orderBy('id')
    .execute();
}

export async function livingSessions(db: Db): Promise<SessionRow[]> {
  return wholeTable<SessionRow>(db, { table: 'sessions', columns: COLUMNS, where: 'revokedAt', order: ['id'] });
}

export async function insertSession(db: Db, row: SessionRow): Promise<void> {
  await db.insertInto('sessions').values(row).execute();
}

export async function deleteSessionsOf(db: Db, person: string): Promise<void> {
  await db.deleteFrom('sessions').where('person', '=', person).execute();
}

export async function updateSession(db: Db, id: string, change: SessionChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await db.updateTable('sessions').set(change).where('id', '=', id).execute();
}

export async function newestSessions(db: Db, limit: number, person: string | undefined): Promise<SessionRow[]> {
  let query = db.selectFrom('sessions').selectAll();
  if (person !== undefined) query = query.where('person', '=', person);
  return query.orderBy('createdAt', 'desc').orderBy('id', 'desc').limit(limit).execute();
}

/** Times only ever move forward: batches of two processes may arrive in either order. */
export async function saveSessionsSeen(db: Db, entries: ReadonlyArray<readonly [string, number]>): Promise<void> {
  for (const [id, lastSeenAt] of entries) {
    await db
      .updateTable('sessions')
      .set({ lastSeenAt })
      .where('id', '=', id)
      .where('lastSeenAt', '<', lastSeenAt)
      .execute();
  }
}

/** Drops those that ended before `before`, by being revoked or by their latest end. */
export async function purgeSessions(db: Db, before: number): Promise<void> {
  await db
    .deleteFrom('sessions')
    .where((eb) => eb.or([eb('revokedAt', '<', before), eb('expiresAt', '<', before)]))
    .execute();
}
