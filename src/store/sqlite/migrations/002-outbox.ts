import { type QueryExecutorProvider, sql } from 'kysely';

/** Changes that wait for their journal record, and the counter of committed changes. */
export async function up(db: QueryExecutorProvider): Promise<void> {
  // AUTOINCREMENT, because a plain rowid is given out again once the highest row is deleted.
  await sql`create table outbox (number integer primary key autoincrement, record text not null) strict`.execute(db);
  await sql`create table counters (name text primary key, value integer not null) strict`.execute(db);
  await sql`insert into counters (name, value) values ('sequence', 0)`.execute(db);
}
