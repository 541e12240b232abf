import type { KeptAnswerRow } from '../ports.ts';
import type { Db } from './scope.ts';

export async function findKeptAnswer(db: Db, key: string): Promise<KeptAnswerRow | undefined> {
  return db.selectFrom('keptAnswers').selectAll().where('key', '=', key).executeTakeFirst();
}

export async function saveKeptAnswer(db: Db, row: KeptAnswerRow): Promise<void> {
  const { key: _, ...rest } = row;
  await db
    .insertInto('keptAnswers')
    .values(row)
    .onConflict((oc) => oc.column('key').doUpdateSet(rest))
    .execute();
}

export async function deleteKeptAnswer(db: Db, key: string): Promise<void> {
  await db.deleteFrom('keptAnswers').where('key', '=', key).execute();
}

export async function purgeKeptAnswers(db: Db, before: number): Promise<void> {
  await db.deleteFrom('keptAnswers').where('createdAt', '<', before).execute();
}
