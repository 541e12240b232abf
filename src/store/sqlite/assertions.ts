import type { Db } from './scope.ts';

export async function useAssertion(
  db: Db,
  { digest, until }: { readonly digest: string; readonly until: number },
  now: number,
): Promise<boolean> {
  await db.deleteFrom('usedAssertions').where('until', '<=', now).execute();
  const saved = await db
    .insertInto('usedAssertions')
    .values({ digest, until })
    .onConflict((oc) => oc.column('digest').doNothing())
    .returning('digest')
    .executeTakeFirst();
  return saved !== undefined;
}
