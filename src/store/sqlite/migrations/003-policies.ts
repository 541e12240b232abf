import { type QueryExecutorProvider, sql } from 'kysely';

/** What may be: revisions of the policy document, what is stopped over every policy, what is granted beyond it, and the team of a key. */
export async function up(db: QueryExecutorProvider): Promise<void> {
  await sql`
    create table policy_revisions (
      number integer primary key check (number > 0),
      text text not null,
      sha256 text not null,
      author text not null,
      reason text,
      restores integer,
      created_at integer not null
    ) strict`.execute(db);
  // No reference from subject: a stop that is made again after a restore may name what the older store does not know.
  await sql`
    create table stops (
      id text primary key,
      target text not null check (target in ('party', 'key', 'session', 'model', 'upstream', 'everything')),
      subject text check ((subject is null) = (target = 'everything')),
      reason text not null,
      actor text not null,
      created_at integer not null,
      lifted_at integer
    ) strict`.execute(db);
  // Two of the same would have to be lifted twice. NULL differs from NULL in an index, hence the coalesce.
  await sql`
    create unique index stops_active on stops (target, coalesce(subject, '')) where lifted_at is null`.execute(db);
  await sql`
    create table grants (
      id text primary key,
      kind text not null check (kind in ('budget', 'approval')),
      scope text not null check (scope in ('organization', 'team', 'person', 'service', 'key')),
      subject text check ((subject is null) = (scope = 'organization')),
      models text check ((models is null) = (kind = 'budget')),
      micros integer check ((micros is null) = (kind = 'approval')),
      starts_at integer not null,
      ends_at integer not null check (ends_at > starts_at),
      reason text not null,
      actor text not null,
      created_at integer not null,
      revoked_at integer
    ) strict`.execute(db);
  await sql`alter table credentials add column team text references teams (id)`.execute(db);
}
