import { type QueryExecutorProvider, sql } from 'kysely';

/** Who there is: teams, people and services, their credentials and content keys, and the installation's settings. */
export async function up(db: QueryExecutorProvider): Promise<void> {
  await sql`
    create table teams (
      id text primary key,
      name text not null unique,
      created_at integer not null
    ) strict`.execute(db);
  await sql`
    create table parties (
      id text primary key,
      kind text not null check (kind in ('person', 'service')),
      name text check (name is null or erased_at is null),
      team text references teams (id),
      role text not null check (role in ('owner', 'member')),
      created_at integer not null,
      disabled_at integer,
      erased_at integer
    ) strict`.execute(db);
  // Unique among the living only: an address can be given out again after its first holder was erased.
  await sql`create unique index parties_living_name on parties (kind, name) where name is not null`.execute(db);
  await sql`
    create table credentials (
      id text primary key,
      kind text not null check (kind in ('key', 'admin')),
      digest text not null unique,
      hint text not null,
      owner text not null references parties (id),
      label text not null,
      created_at integer not null,
      expires_at integer,
      revoked_at integer,
      rotated_to text references credentials (id)
    ) strict`.execute(db);
  await sql`create index credentials_owner on credentials (owner)`.execute(db);
  // Apart from credentials: written often, and no part of the directory.
  await sql`
    create table credential_use (
      credential text primary key references credentials (id),
      used_at integer not null
    ) strict`.execute(db);
  await sql`
    create table content_keys (
      person text primary key references parties (id),
      wrapped blob not null
    ) strict`.execute(db);
  await sql`create table settings (name text primary key, value text not null) strict`.execute(db);
}
