import { type QueryExecutorProvider, sql } from 'kysely';

/** Who somebody is at an identity provider, browser sessions, guests, roles, proposals, and answers kept for repeated requests. */
export async function up(db: QueryExecutorProvider): Promise<void> {
  await roles(db);
  await people(db);
  await sql`
    create table sessions (
      id text primary key,
      person text not null references parties (id),
      provider text,
      digest text not null unique,
      previous text,
      rotated_at integer not null,
      client text not null,
      label text not null,
      csrf text not null,
      created_at integer not null,
      last_seen_at integer not null,
      expires_at integer not null,
      revoked_at integer
    ) strict`.execute(db);
  await sql`create index sessions_person on sessions (person)`.execute(db);
  await sql`create table used_assertions (digest text primary key, until integer not null) strict`.execute(db);
  await sql`create index used_assertions_until on used_assertions (until)`.execute(db);
  await sql`
    create table proposals (
      id text primary key,
      base integer not null,
      text text not null,
      sha256 text not null,
      author text not null,
      reason text,
      restores integer,
      kinds text not null,
      created_at integer not null,
      expires_at integer not null,
      decision text check (decision in ('approved', 'rejected', 'withdrawn')),
      decided_by text,
      decided_at integer,
      check ((decision is null) = (decided_by is null) and (decision is null) = (decided_at is null))
    ) strict`.execute(db);
  await sql`
    create table kept_answers (
      key text primary key,
      request text not null,
      status integer,
      body blob,
      created_at integer not null
    ) strict`.execute(db);
}

/** The oldest owner who can act becomes the primary owner, every other owner an admin: exactly one is answerable. */
async function roles(db: QueryExecutorProvider): Promise<void> {
  await sql`
    alter table parties add column assigned_role text not null default 'member'
      check (assigned_role in ('primary_owner', 'admin', 'auditor', 'member'))`.execute(db);
  await sql`update parties set assigned_role = 'admin' where role = 'owner'`.execute(db);
  await sql`
    update parties set assigned_role = 'primary_owner' where id = (
      select id from parties where role = 'owner' and erased_at is null order by disabled_at is not null, id limit 1
    )`.execute(db);
  await sql`alter table parties drop column role`.execute(db);
  await sql`alter table parties rename column assigned_role to role`.execute(db);
  await sql`
    create unique index parties_primary_owner on parties (role)
      where role = 'primary_owner' and erased_at is null`.execute(db);
  await sql`alter table parties add column sponsor text references parties (id)`.execute(db);
  await sql`alter table parties add column ends_at integer`.execute(db);
}

async function people(db: QueryExecutorProvider): Promise<void> {
  await sql`
    create table identities (
      provider text not null,
      subject text not null,
      issuer text not null,
      person text not null references parties (id),
      email text,
      groups text not null,
      linked_by text not null,
      created_at integer not null,
      last_sign_in_at integer,
      primary key (provider, subject)
    ) strict, without rowid`.execute(db);
  await sql`create index identities_person on identities (person)`.execute(db);
  await sql`
    create table waiting_identities (
      id text primary key,
      provider text not null,
      subject text not null,
      issuer text not null,
      email text not null,
      person text not null references parties (id),
      first_seen_at integer not null,
      last_seen_at integer not null,
      unique (provider, subject)
    ) strict`.execute(db);
  await sql`
    create table invitations (
      id text primary key,
      email text not null,
      provider text not null,
      sponsor text not null references parties (id),
      actor text not null,
      created_at integer not null,
      ends_at integer not null,
      person text references parties (id),
      revoked_at integer
    ) strict`.execute(db);
  await sql`create unique index invitations_open on invitations (email) where revoked_at is null`.execute(db);
}
