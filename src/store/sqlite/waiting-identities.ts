import type { WaitingIdentityRow } from '../ports.ts';
import type { Db } from './scope.ts';

export async function findWaiting(db: Db, id: string): Promise<WaitingIdentityRow | undefined> {
  return db.selectFrom('waitingIdentities').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findWaitingOf(
  db: Db,
  provider: string,
  subject: string,
): Promise<WaitingIdentityRow | undefined> {
  return db
    .selectFrom('waitingIdentities')
    .selectAll()
    .where('provider', '=', provider)
    .where('subject', '=', subject)
    .executeTakeFirst();
}

export async function saveWaiting(db: Db, row: WaitingIdentityRow): Promise<void> {
  const { email, person, lastSeenAt } = row;
  await db
    .insertInto('waitingIdentities')
    .values(row)
    .onConflict((oc) => oc.columns(['provider', 'subject']).doUpdateSet({ email, person, lastSeenAt }))
    .execute();
}

export async function deleteWaiting(db: Db, id: string): Promise<void> {
  await db.deleteFrom('waitingIdentities').where('id', '=', id).execute();
}

export async function deleteWaitingOf(db: Db, person: string): Promise<void> {
  await db.deleteFrom('waitingIdentities').where('person', '=', person).execute();
}

export async function newestWaiting(db: Db, limit: number): Promise<WaitingIdentityRow[]> {
  return db
    .selectFrom('waitingIdentities')
    .selectAll()
    .orderBy('firstSeenAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}

/** Drops those that nobody has come back with since `before`. */
export async function purgeWaiting(db: Db, before: number): Promise<void> {
  await db.deleteFrom('waitingIdentities').where('lastSeenAt', '<', before).execute();
}
