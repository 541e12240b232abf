import type { ProposalRow } from '../ports.ts';
import { replaceAddress } from './address.ts';
import { listOf, listText } from './json.ts';
import type { Tables } from './schema.ts';
import type { Db } from './scope.ts';

const LISTED = [
  ...(['id', 'base', 'sha256', 'author', 'reason', 'restores', 'kinds'] as const),
  ...(['createdAt', 'expiresAt', 'decision', 'decidedBy', 'decidedAt'] as const),
] as const;

type Decision = { readonly [K in 'decision' | 'decidedBy' | 'decidedAt']: NonNullable<ProposalRow[K]> };

function kindsOf(row: Pick<Tables['proposals'], 'kinds'>): string[] {
  return listOf(row.kinds, 'proposals.kinds');
}

export async function findProposal(db: Db, id: string): Promise<ProposalRow | undefined> {
  const row = await db.selectFrom('proposals').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? undefined : { ...row, kinds: kindsOf(row) };
}

export async function insertProposal(db: Db, row: ProposalRow): Promise<void> {
  await db
    .insertInto('proposals')
    .values({ ...row, kinds: listText(row.kinds) })
    .execute();
}

/** The first decision stays. */
export async function decideProposal(db: Db, id: string, decision: Decision): Promise<void> {
  await db.updateTable('proposals').set(decision).where('id', '=', id).where('decision', 'is', null).execute();
}

export async function newestProposals(db: Db, limit: number): Promise<Omit<ProposalRow, 'text'>[]> {
  const rows = await db
    .selectFrom('proposals')
    .select(LISTED)
    .orderBy('createdAt', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ ...row, kinds: kindsOf(row) }));
}

/** One after the other: many are not held in memory at once. */
export async function redactProposals(db: Db, address: string, id: string): Promise<void> {
  for (const proposal of await db.selectFrom('proposals').select('id').orderBy('id').execute()) {
    const row = await findProposal(db, proposal.id);
    const text = replaceAddress(row?.text ?? '', address, id);
    if (row === undefined || text === row.text) continue;
    await db.updateTable('proposals').set({ text }).where('id', '=', proposal.id).execute();
  }
}
