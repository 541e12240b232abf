import { type Kysely, sql, type Transaction } from 'kysely';
import type { Clock } from '../../kernel/clock.ts';
import { StoreTooNew } from '../errors.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Tables } from './schema.ts';

/**
 * Brings the schema up to date. All steps and their bookkeeping are one transaction that holds the write lock from the start:
 * a second process waits for it and then finds nothing to do, and a crash leaves the old schema.
 * Rejects with StoreTooNew, having written nothing, when the store knows a step that this version does not.
 */
export async function migrate(db: Kysely<Tables>, clock: Clock): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const applied = await appliedSteps(tx);
    const newest = MIGRATIONS.at(-1);
    for (const step of applied) {
      const known = MIGRATIONS.some((m) => m.number === step.number && m.name === step.name);
      if (!known) throw new StoreTooNew(step.name, newest?.name ?? 'none');
    }
    const last = applied.at(-1)?.number ?? 0;
    for (const { number, name, up } of MIGRATIONS) {
      if (number <= last) continue;
      await up(tx);
      await tx.insertInto('schemaMigrations').values({ number, name, appliedAt: clock.now() }).execute();
    }
  });
}

async function appliedSteps(tx: Transaction<Tables>): Promise<Array<{ number: number; name: string }>> {
  await sql`
    create table if not exists schema_migrations (
      number integer primary key,
      name text not null,
      applied_at integer not null
    ) strict`.execute(tx);
  return tx.selectFrom('schemaMigrations').select(['number', 'name']).orderBy('number').execute();
}
