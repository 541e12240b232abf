import { sql } from 'kysely';
import type { Db } from './scope.ts';

export async function findContentKey(db: Db, person: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('contentKeys').select('wrapped').where('person', '=', person).executeTakeFirst();
  return row?.wrapped;
}

export async function insertContentKey(db: Db, person: string, wrapped: Uint8Array): Promise<void> {
  await db.insertInto('contentKeys').values({ person, wrapped }).execute();
}

/** Zeros of the same length take the key's place in its page before the row goes. */
export async function deleteContentKey(db: Db, person: string): Promise<void> {
  await db
    .updateTable('contentKeys')
    .set({ wrapped: sql<Uint8Array>`zeroblob(length(wrapped))` })
    .where('person', '=', person)
    .execute();
  await db.deleteFrom('contentKeys').where('person', '=', person).execute();
}
