import type { CredentialListing, CredentialRow } from '../ports.ts';
import type { Db } from './scope.ts';
import { columnsOf, wholeTable } from './whole.ts';

const COLUMNS = columnsOf<CredentialRow>({
  ...{ id: true, kind: true, digest: true, hint: true, owner: true, label: true },
  ...{ createdAt: true, expiresAt: true, revokedAt: true, rotatedTo: true, team: true },
});

type CredentialChange = Partial<Pick<CredentialRow, 'label' | 'expiresAt' | 'revokedAt' | 'rotatedTo'>>;

export async function findCredential(db: Db, id: string): Promise<CredentialRow | undefined> {
  return db.selectFrom('credentials').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function credentialsOf(db: Db, owner: string): Promise<CredentialRow[]> {
  return db.selectFrom('credentials').selectAll().where('owner', '=', owner).orderBy('id').execute();
}

export async function allCredentials(db: Db): Promise<CredentialRow[]> {
  return wholeTable<CredentialRow>(db, { table: 'credentials', columns: COLUMNS, order: ['id'] });
}

export async function insertCredential(db: Db, row: CredentialRow): Promise<void> {
  await db.insertInto('credentials').values(row).execute();
}

export async function updateCredential(db: Db, id: string, change: CredentialChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await db.updateTable('credentials').set(change).where('id', '=', id).execute();
}

export async function listCredentials(db: Db, owner: string | undefined): Promise<CredentialListing[]> {
  let query = db
    .selectFrom('credentials')
    .leftJoin('credentialUse', 'credentialUse.credential', 'credentials.id')
    .selectAll('credentials')
    .select('credentialUse.usedAt as lastUsedAt');
  if (owner !== undefined) query = query.where('credentials.owner', '=', owner);
  return query.orderBy('credentials.createdAt').orderBy('credentials.id').execute();
}

/** Times only ever move forward: batches of two processes may arrive in either order. */
export async function saveLastUse(db: Db, entries: ReadonlyArray<readonly [string, number]>): Promise<void> {
  for (const [credential, usedAt] of entries) {
    const known = await db.selectFrom('credentials').select('id').where('id', '=', credential).executeTakeFirst();
    if (known === undefined) continue;
    await db
      .insertInto('credentialUse')
      .values({ credential, usedAt })
      .onConflict((oc) => oc.column('credential').doUpdateSet({ usedAt }).where('credentialUse.usedAt', '<', usedAt))
      .execute();
  }
}
