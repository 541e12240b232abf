import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { systemClock } from '../../src/kernel/clock.ts';
import { StoreTooNew } from '../../src/store/errors.ts';
import type { Store } from '../../src/store/ports.ts';
import { connect } from '../../src/store/sqlite/connection.ts';
import { deleteContentKey, insertContentKey } from '../../src/store/sqlite/content-keys.ts';
import { bindable } from '../../src/store/sqlite/dialect.ts';
import { migrate } from '../../src/store/sqlite/migrate.ts';
import { MIGRATIONS } from '../../src/store/sqlite/migrations/index.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { credential, identity, invitation, person, policy, proposal, T0, waiting } from './rows.ts';
import { storeSuite } from './suite.ts';

const root = mkdtempSync(join(tmpdir(), 'gatehouse-store-'));
after(() => rmSync(root, { recursive: true, force: true }));

const paths = new WeakMap<Store, string>();
let serial = 0;
const freshPath = (): string => join(mkdtempSync(join(root, 's-')), `${serial++}.db`);

/** A store as the release that knew the first `steps` migrations left it. */
async function older(path: string, steps: number): Promise<DatabaseSync> {
  const db = await connect(path);
  await sql`create table schema_migrations (number integer primary key, name text not null, applied_at integer) strict`.execute(
    db,
  );
  for (const { number, name, up } of MIGRATIONS.slice(0, steps)) {
    await up(db);
    await sql`insert into schema_migrations values (${number}, ${name}, 1)`.execute(db);
  }
  await db.destroy();
  return new DatabaseSync(path);
}

async function open(path: string, clock = systemClock): Promise<Store> {
  const store = await openSqliteStore({ path, clock });
  paths.set(store, path);
  return store;
}

storeSuite('sqlite', {
  open: (clock) => open(freshPath(), clock),
  again: (store) => open(paths.get(store)!),
  copyTarget: () => {
    const path = freshPath();
    return { path, open: () => open(path) };
  },
});

/** The bytes of every file of this store: main file, write-ahead log, index. */
function bytesOf(path: string): Buffer {
  const folder = join(path, '..');
  return Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
}

test('files are readable by their owner only, copies too', {
  skip: process.platform === 'win32' ? 'file modes are POSIX' : false,
}, async () => {
  const path = freshPath();
  writeFileSync(path, '', { mode: 0o644 });
  const store = await open(path);
  await store.change((tx) => tx.setSetting('x', 'y'));
  const copy = freshPath();
  await store.copyTo(copy);
  for (const file of [path, `${path}-wal`, `${path}-shm`, copy]) assert.equal(statSync(file).mode & 0o777, 0o600);
  await store.close();
});

test('every commit is synced, deleted bytes are overwritten, references are checked', async () => {
  const db = await connect(freshPath());
  const pragma = async (name: string) => {
    const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db);
    return Object.values(rows[0] ?? {})[0];
  };
  assert.equal(await pragma('journal_mode'), 'wal');
  assert.equal(await pragma('synchronous'), 2, 'FULL');
  assert.equal(await pragma('secure_delete'), 1);
  assert.equal(await pragma('foreign_keys'), 1);
  assert.equal(await pragma('temp_store'), 2, 'MEMORY');
  assert.equal(await pragma('busy_timeout'), 0, 'waiting in SQLite would hold the whole process');
  await db.destroy();
});

test('a store opens again with everything in it, and runs no migration twice', async () => {
  const path = freshPath();
  const first = await open(path);
  const row = person();
  await first.change((tx) => tx.insertParty(row));
  await first.close();
  await first.close();
  const second = await open(path);
  assert.deepEqual(await second.read((tx) => tx.party(row.id)), row);
  await second.close();
  const raw = new DatabaseSync(path);
  const steps = raw.prepare('select name from schema_migrations order by number').all();
  raw.close();
  assert.deepEqual(
    steps.map((step) => step.name),
    ['001-directory', '002-outbox', '003-policies', '004-identities'],
  );
});

test('a store of the second migration is brought up to date, its keys without a team', async () => {
  const path = freshPath();
  const raw = await older(path, 2);
  const owner = person();
  const { team, ...before } = credential(owner.id);
  raw
    .prepare("insert into parties (id, kind, name, role, created_at) values (?, 'person', ?, 'member', ?)")
    .run(owner.id, owner.name, T0);
  raw
    .prepare('insert into credentials (id, kind, digest, hint, owner, label, created_at) values (?, ?, ?, ?, ?, ?, ?)')
    .run(before.id, before.kind, before.digest, before.hint, before.owner, before.label, before.createdAt);
  raw.close();
  const store = await open(path);
  assert.equal(team, null);
  assert.deepEqual((await store.directory()).credentials, [{ ...before, team }]);
  assert.equal((await store.directory()).policy, null);
  await store.close();
});

/** A person of the release before, in order of making. */
function ownerBefore(n: number, fields: { role?: string; disabledAt?: number; erasedAt?: number } = {}) {
  const { role = 'owner', disabledAt = null, erasedAt = null } = fields;
  const name = erasedAt === null ? `owner${n}@example.com` : null;
  return { id: `per_${String(n).padStart(26, '0')}`, name, role, disabledAt, erasedAt };
}

/** What each person is after the migration, by the last digit of the id. */
async function rolesAfter(people: ReturnType<typeof ownerBefore>[]): Promise<Record<string, string>> {
  const path = freshPath();
  const raw = await older(path, 3);
  raw.exec("insert into teams values ('tea_x', 'Payments', 1)");
  const insert = raw.prepare(
    `insert into parties (id, kind, name, team, role, created_at, disabled_at, erased_at)
     values (?, 'person', ?, 'tea_x', ?, ?, ?, ?)`,
  );
  for (const { id, name, role, disabledAt, erasedAt } of people) insert.run(id, name, role, T0, disabledAt, erasedAt);
  raw.exec("insert into parties (id, kind, name, role, created_at) values ('svc_ci', 'service', 'ci', 'member', 5)");
  for (const [index, { id }] of people.entries()) {
    raw
      .prepare(
        `insert into credentials (id, kind, digest, hint, owner, label, created_at, team)
         values (?, 'admin', ?, 'gha_', ?, '', 1, 'tea_x')`,
      )
      .run(`adm_${index}`, `d${index}`, id);
    raw.prepare('insert into credential_use values (?, 7)').run(`adm_${index}`);
    raw.prepare("insert into content_keys values (?, x'0102')").run(id);
  }
  raw.close();
  const store = await open(path);
  const { parties, credentials } = await store.directory();
  for (const before of people) {
    const after = parties.find(({ id }) => id === before.id);
    const kept = { kind: 'person', team: 'tea_x', createdAt: T0, sponsor: null, endsAt: null };
    assert.deepEqual({ ...after, role: 'any' }, { ...before, ...kept, role: 'any' });
    assert.ok(await store.read((tx) => tx.contentKey(before.id)));
  }
  assert.equal(parties.find(({ id }) => id === 'svc_ci')?.role, 'member');
  assert.equal(credentials.length, people.length);
  assert.equal((await store.credentials()).filter(({ lastUsedAt }) => lastUsedAt === 7).length, people.length);
  // References still hold, and are still checked.
  const orphan = store.change((tx) => tx.insertCredential(credential('per_nobody')));
  await assert.rejects(orphan, /FOREIGN KEY/);
  await store.close();
  const after = new DatabaseSync(path);
  assert.deepEqual(after.prepare('pragma foreign_key_check').all(), []);
  assert.equal(after.prepare('pragma integrity_check').get()?.integrity_check, 'ok');
  after.close();
  return Object.fromEntries(parties.filter(({ kind }) => kind === 'person').map((row) => [row.id.at(-1), row.role]));
}

test('the oldest owner of the release before who can act becomes the primary owner, every other an admin', async () => {
  const [disabledAt, erasedAt] = [T0 + 1, T0 + 2];
  const [first, second, third] = [ownerBefore(1), ownerBefore(2), ownerBefore(3)];
  assert.deepEqual(await rolesAfter([second, first, ownerBefore(4, { role: 'member' })]), {
    1: 'primary_owner',
    2: 'admin',
    4: 'member',
  });
  assert.deepEqual(await rolesAfter([ownerBefore(1, { disabledAt }), ownerBefore(2, { erasedAt }), third]), {
    1: 'admin',
    2: 'admin',
    3: 'primary_owner',
  });
  assert.deepEqual(
    await rolesAfter([ownerBefore(1, { erasedAt }), ownerBefore(2, { disabledAt }), ownerBefore(3, { disabledAt })]),
    { 1: 'admin', 2: 'primary_owner', 3: 'admin' },
    'nobody can act: the oldest who lives',
  );
  assert.deepEqual(await rolesAfter([ownerBefore(1, { erasedAt }), ownerBefore(2, { role: 'member' })]), {
    1: 'admin',
    2: 'member',
  });
  assert.deepEqual(await rolesAfter([]), {});
});

test('a migration that fails leaves the store of the release before as it was', async () => {
  const path = freshPath();
  const raw = await older(path, 3);
  raw.exec("insert into parties (id, kind, name, role, created_at) values ('per_x', 'person', 'a@x.org', 'owner', 1)");
  // Something else has the name of a table that the migration makes last.
  raw.exec('create table kept_answers (x integer)');
  raw.close();
  await assert.rejects(open(path), /kept_answers/);
  const after = new DatabaseSync(path);
  assert.deepEqual({ ...after.prepare('select role from parties').get() }, { role: 'owner' });
  assert.equal(after.prepare('select max(number) as last from schema_migrations').get()?.last, 3);
  after.close();
});

test('a list that is none is an error that says where and what to do, never a shorter list', async () => {
  for (const broken of ['', '{', 'null', '"eng"', '{"0":"eng"}', '[1]', '["eng",null]']) {
    const path = freshPath();
    const store = await open(path);
    const owner = person();
    const change = proposal();
    await store.change(async (tx) => {
      await tx.insertParty(owner);
      await tx.insertIdentity(identity(owner.id));
      await tx.insertProposal(change);
    });
    const raw = new DatabaseSync(path);
    raw.prepare('update identities set groups = ?').run(broken);
    raw.prepare('update proposals set kinds = ?').run(broken);
    raw.close();
    await assert.rejects(store.directory(), /store is damaged: identities\.groups .*gatehouse restore/);
    await assert.rejects(store.proposal(change.id), /store is damaged: proposals\.kinds /);
    await store.close();
  }
});

test('P7: what was deleted of an identity, a waiting one or an invitation is in no file of the open store', async () => {
  const path = freshPath();
  const store = await open(path);
  const owner = person();
  const row = identity(owner.id, { email: 'hopper-a@x.org', subject: 'hopper-s', groups: ['hopper-friends'] });
  const wait = waiting(owner.id, { email: 'hopper-w@x.org', subject: 'hopper-t' });
  await store.change(async (tx) => {
    await tx.insertParty(owner);
    await tx.insertIdentity(row);
    await tx.saveWaitingIdentity(wait);
    await tx.insertInvitation(invitation(owner.id, { email: 'hopper-i@x.org' }));
  });
  const traces = () =>
    new Set(
      bytesOf(path)
        .toString('latin1')
        .match(/hopper-(?:[asweti]|friends)/g),
    );
  assert.equal(traces().size, 6);
  await store.change((tx) => tx.deleteIdentity(row.provider, row.subject));
  assert.deepEqual([...traces()].sort(), ['hopper-i', 'hopper-t', 'hopper-w']);
  await store.change((tx) => tx.deleteWaitingIdentitiesOf(owner.id));
  assert.deepEqual([...traces()], ['hopper-i']);
  await store.change((tx) => tx.deleteInvitationsOf('per_x', 'hopper-i@x.org'));
  assert.deepEqual([...traces()], []);
  await store.change((tx) => tx.saveWaitingIdentity(wait));
  await store.change((tx) => tx.deleteWaitingIdentity(wait.id));
  assert.deepEqual([...traces()], []);
  await store.close();
});

test('P7: a redacted address is in no file of the open store', async () => {
  const path = freshPath();
  const store = await open(path);
  const address = 'grace.hopper@example.com';
  const long = '# a comment that fills pages\n'.repeat(2000);
  await store.change(async (tx) => {
    await tx.insertPolicy(policy(1, `to: ${address}`));
    await tx.insertPolicy(policy(2, `${long}to: ${address}\n${long}`));
  });
  assert.ok(bytesOf(path).includes(address));
  await store.change((tx) => tx.redactPolicies(address, 'per_x'));
  assert.ok(!bytesOf(path).includes(address));
  assert.ok(!bytesOf(path).includes('hopper'));
  assert.equal((await store.policyRevision(2))?.text, `${long}to: per_x\n${long}`);
  await store.close();
});

test('several processes may start on the same new store at once, and none loses a change of another', async () => {
  const path = freshPath();
  const url = new URL('../../src/store/sqlite/store.ts', import.meta.url).href;
  const script = `
    import { openSqliteStore } from ${JSON.stringify(url)};
    const store = await openSqliteStore({ path: ${JSON.stringify(path)}, clock: { now: () => 1, monotonic: () => 1 } });
    for (let i = 0; i < 20; i++) {
      await store.change(async (tx) => {
        const count = Number((await tx.setting('count')) ?? 0);
        await new Promise((done) => setTimeout(done, 1));
        await tx.setSetting('count', String(count + 1));
        await tx.enqueue({ i });
      });
    }
    await store.close();`;
  const run = () => promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  await Promise.all([run(), run(), run()]);
  const store = await open(path);
  assert.equal((await store.directory()).sequence, 60);
  assert.equal(await store.outboxHead(), 60);
  assert.equal(await store.read((tx) => tx.setting('count')), '60');
  await store.close();
});

test('a store of a newer version is refused and left as it was', async () => {
  const path = freshPath();
  await (await open(path)).close();
  const raw = new DatabaseSync(path);
  raw.exec("insert into schema_migrations (number, name, applied_at) values (999, '999-from-the-future', 1)");
  raw.close();
  const before = readFileSync(path);
  await assert.rejects(open(path), (error) => {
    assert.ok(error instanceof StoreTooNew);
    assert.match(error.message, /newer Gatehouse.*999-from-the-future.*004-identities/);
    return true;
  });
  assert.deepEqual(readFileSync(path), before);
});

test('a missing folder and a file that is no store are errors; the file stays as it was', async () => {
  const folder = mkdtempSync(join(root, 's-'));
  await assert.rejects(open(join(folder, 'missing', 'x.db')), { code: 'ENOENT' });
  const path = join(folder, 'letter.txt');
  writeFileSync(path, 'Dear Ada, '.repeat(100));
  await assert.rejects(open(path), /not a database/);
  assert.equal(readFileSync(path, 'utf8'), 'Dear Ada, '.repeat(100));
});

test('P7: the bytes of a deleted content key are in no file of the open store', async () => {
  const path = freshPath();
  const store = await open(path);
  // Names that SQLite moves from page to page as more come: it clears where a row is, not where it was.
  const people = Array.from({ length: 200 }, (_, i) => person({ name: `person${200 + i}@example.com` }));
  const keys = new Map(people.map((row) => [row.id, randomBytes(60)]));
  for (const row of people) {
    await store.change(async (tx) => {
      await tx.insertParty(row);
      await tx.insertContentKey(row.id, keys.get(row.id)!);
    });
  }
  assert.ok(people.every((row) => bytesOf(path).includes(keys.get(row.id)!)));
  const gone = people.filter((_, i) => i % 3 !== 0);
  for (const row of gone) {
    await store.change(async (tx) => {
      await tx.deleteContentKey(row.id);
      await tx.updateParty(row.id, { name: null, erasedAt: T0 });
    });
    const bytes = bytesOf(path);
    assert.ok(!bytes.includes(keys.get(row.id)!), 'key survived');
    assert.ok(!bytes.includes(row.name!), 'name survived');
  }
  const kept = people.filter((_, i) => i % 3 === 0);
  assert.ok(kept.every((row) => bytesOf(path).includes(keys.get(row.id)!)));
  await store.close();
  assert.ok(gone.every((row) => !bytesOf(path).includes(keys.get(row.id)!)));
});

test('P7: a deleted content key is overwritten even where SQLite itself would leave it', async () => {
  const path = freshPath();
  const db = await connect(path);
  await migrate(db, systemClock);
  await sql`pragma secure_delete = off`.execute(db);
  const row = person();
  const key = randomBytes(60);
  await db.transaction().execute(async (tx) => {
    await tx.insertInto('parties').values(row).execute();
    await insertContentKey(tx, row.id, key);
  });
  await sql`pragma wal_checkpoint(truncate)`.execute(db);
  assert.ok(bytesOf(path).includes(key));
  await db.transaction().execute((tx) => deleteContentKey(tx, row.id));
  await db.destroy();
  assert.ok(!bytesOf(path).includes(key));
});

test('P7: a reader in another process delays the removal from the log, the next change completes it', async () => {
  const path = freshPath();
  const store = await open(path);
  const row = person();
  const key = randomBytes(60);
  await store.change(async (tx) => {
    await tx.insertParty(row);
    await tx.insertContentKey(row.id, key);
  });
  const reader = new DatabaseSync(path);
  reader.exec('begin; select * from parties');
  await store.change((tx) => tx.deleteContentKey(row.id));
  assert.ok(bytesOf(path).includes(key), 'the reader still holds the old log');
  reader.exec('commit');
  await store.change((tx) => tx.setSetting('x', 'y'));
  assert.ok(!bytesOf(path).includes(key));
  reader.close();
  await store.close();
});

test('values that SQLite would not give back as they were are refused', () => {
  assert.deepEqual([bindable(true), bindable(false), bindable(undefined), bindable(null)], [1, 0, null, null]);
  assert.equal(bindable(Number.MAX_SAFE_INTEGER), 9007199254740991);
  for (const bad of [2 ** 53, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => bindable(bad), RangeError);
  assert.throws(() => bindable({}), TypeError);
});
