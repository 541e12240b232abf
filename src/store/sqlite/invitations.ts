import type { InvitationRow } from '../ports.ts';
import type { Db } from './scope.ts';

type InvitationChange = Partial<Pick<InvitationRow, 'endsAt' | 'person' | 'revokedAt'>>;

export async function findInvitation(db: Db, id: string): Promise<InvitationRow | undefined> {
  return db.selectFrom('invitations').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function openInvitation(db: Db, email: string): Promise<InvitationRow | undefined> {
  return db
    .selectFrom('invitations')
    .selectAll()
    .where('email', '=', email)
    .where('revokedAt', 'is', null)
    .executeTakeFirst();
}

export async function insertInvitation(db: Db, row: InvitationRow): Promise<void> {
  await db.insertInto('invitations').values(row).execute();
}

export async function updateInvitation(db: Db, id: string, change: InvitationChange): Promise<void> {
  if (Object.keys(change).length === 0) return;
  await db.updateTable('invitations').set(change).where('id', '=', id).execute();
}

export async function deleteInvitationsOf(db: Db, person: string, email: string | null): Promise<void> {
  await db.deleteFrom('invitations').where('person', '=', person).execute();
  if (email !== null) await db.deleteFrom('invitations').where('email', '=', email).execute();
}

export async function newestInvitations(db: Db, limit: number): Promise<InvitationRow[]> {
  return db
    .selectFrom('invitations')
    .selectAll()
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
}
