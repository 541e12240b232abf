import type { IdentityRow } from '../ports.ts';
import { listOf, listText } from './json.ts';
import type { Tables } from './schema.ts';
import type { Db } from './scope.ts';
import { columnsOf, wholeTable } from './whole.ts';

const COLUMNS = columnsOf<IdentityRow>({
  ...{ provider: true, subject: true, issuer: true, person: true, email: true, groups: true },
  ...{ linkedBy: true, createdAt: true, lastSignInAt: true },
});

type IdentityChange = Partial<Pick<IdentityRow, 'email' | 'groups' | 'lastSignInAt'>>;

function rowOf(row: Tables['identities']): IdentityRow {
  return { ...row, groups: listOf(row.groups, 'identities.groups') };
}

export async function findIdentity(db: Db, provider: string, subject: string): Promise<IdentityRow | undefined> {
  const row = await db
    .selectFrom('identities')
    .selectAll()
    .where('provider', '=', provider)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row === undefined ? undefined : rowOf(row);
}

export async function identitiesOf(db: Db, person: string): Promise<IdentityRow[]> {
  const rows = await db
    .selectFrom('identities')
    .selectAll()
    .where('person', '=', person)
    .orderBy('provider')
    .orderBy('subject')
    .execute();
  return rows.map(rowOf);
}

export async function allIdentities(db: Db): Promise<IdentityRow[]> {
  const rows = await wholeTable<Tables['identities']>(db, {
    table: 'identities',
    columns: COLUMNS,
    order: ['provider', 'subject'],
  });
  return rows.map(rowOf);
}

export async function insertIdentity(db: Db, row: IdentityRow): Promise<void> {
  await db
    .insertInto('identities')
    .values({ ...row, groups: listText(row.groups) })
    .execute();
}

export async function updateIdentity(
  db: Db,
  { provider, subject }: Pick<IdentityRow, 'provider' | 'subject'>,
  { groups, ...others }: IdentityChange,
): Promise<void> {
  const change = groups === undefined ? others : { ...others, groups: listText(groups) };
  if (Object.keys(change).length === 0) return;
  await db
    .updateTable('identities')
    .set(change)
    .where('provider', '=', provider)
    .where('subject', '=', subject)
    .execute();
}

export async function deleteIdentity(db: Db, provider: string, subject: string): Promise<void> {
  await db.deleteFrom('identities').where('provider', '=', provider).where('subject', '=', subject).execute();
}
