import { sql } from 'kysely';
import type { JsonObject } from '../../journal/records.ts';
import type { OutboxRow } from '../ports.ts';
import type { Db } from './scope.ts';

export async function enqueue(db: Db, record: JsonObject): Promise<number> {
  const row = await db
    .insertInto('outbox')
    .values({ record: JSON.stringify(record) })
    .returning('number')
    .executeTakeFirstOrThrow();
  return row.number;
}

export async function waiting(db: Db, limit: number): Promise<OutboxRow[]> {
  const rows = await db.selectFrom('outbox').selectAll().orderBy('number').limit(limit).execute();
  return rows.map(({ number, record }) => ({ number, record: JSON.parse(record) as JsonObject }));
}

export async function dropUpTo(db: Db, number: number): Promise<void> {
  await db.deleteFrom('outbox').where('number', '<=', number).execute();
}

/** The highest number given out; SQLite keeps it in its own table, also when every row is gone. */
export async function head(db: Db): Promise<number> {
  const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = 'outbox'`.execute(db);
  return rows[0]?.seq ?? 0;
}

/** Uses up every number to `floor` by giving out that one and taking it back. */
export async function raiseFloor(db: Db, floor: number): Promise<void> {
  await dropUpTo(db, floor);
  if (floor <= (await head(db))) return;
  await db.insertInto('outbox').values({ number: floor, record: '{}' }).execute();
  await dropUpTo(db, floor);
}

export async function currentSequence(db: Db): Promise<number> {
  const row = await db.selectFrom('counters').select('value').where('name', '=', 'sequence').executeTakeFirstOrThrow();
  return row.value;
}

export async function growSequence(db: Db): Promise<void> {
  await db
    .updateTable('counters')
    .set((eb) => ({ value: eb('value', '+', 1) }))
    .where('name', '=', 'sequence')
    .execute();
}

export async function raiseSequence(db: Db, floor: number): Promise<void> {
  await db
    .updateTable('counters')
    .set({ value: floor })
    .where('name', '=', 'sequence')
    .where('value', '<', floor)
    .execute();
}
