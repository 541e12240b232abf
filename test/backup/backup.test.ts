import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  appendFile,
  cp,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { compressSealed } from '../../src/journal/compress.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { BackupError, backup } from '../../src/store/backup.ts';
import { checkJournal, copyJournal } from '../../src/store/backup-journal.ts';
import { restore } from '../../src/store/restore.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { verifyBackup } from '../../src/store/verify-backup.ts';
import { person, session } from '../store/rows.ts';
import { addTeam, clock, type Installation, installation, key } from './support.ts';

const problem = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof BackupError, String(error));
  assert.equal(error.problem, expected, error.message);
  return true;
};

function make(at: Installation, name = 'copy', more: object = {}) {
  const { store, journalDir } = at;
  return backup({ store, journalDir, writer: 'main', to: join(at.root, name), clock, ...more });
}

async function teams(path: string): Promise<string[]> {
  const store = await openSqliteStore({ path, clock });
  const { teams: found } = await store.directory();
  await store.close();
  return found.map(({ name }) => name);
}

test('P6: a backup made while records are appended restores elsewhere and verifies', async (t) => {
  const at = await installation(t);
  let running = true;
  const appending = (async () => {
    for (let n = 0; running; n++) {
      await at.journal.append({ kind: 'gateway', body: { n } });
      if (n % 50 === 20) await at.checkpoints.now();
      if (n % 50 === 40) await compressSealed(at.journalDir, at.journal.head);
    }
  })();
  const before = at.journal.head.seq;
  const manifests = [];
  for (let n = 0; n < 5; n++) manifests.push(await make(at, `copy-${n}`));
  running = false;
  await appending;
  assert.ok(manifests.at(-1)!.head.seq > before);
  for (const [n, manifest] of manifests.entries()) {
    const from = join(at.root, `copy-${n}`);
    assert.deepEqual(await verifyBackup(from), manifest);
    const to = join(at.root, `elsewhere-${n}`);
    assert.deepEqual(await restore({ from, to, clock }), { manifest, movedAside: null });
    const lines = (await readFile(join(to, 'checkpoints', 'checkpoints.jsonl'), 'utf8')).trim().split('\n');
    const checkpoint = JSON.parse(lines.at(-1)!);
    const dir = join(at.root, `alone-${n}`);
    await mkdir(dir);
    await cp(join(to, 'journal', 'main'), join(dir, 'main'), { recursive: true });
    const report = await verifyJournal({ dir, checkpoint, publicKey: key.publicKey });
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.deepEqual(await teams(join(to, 'store.db')), ['first']);
  }
});

test('P7: the journal in a backup is never older than the store in it', async (t) => {
  const at = await installation(t);
  const seen: number[] = [];
  const store = {
    copyTo: async (path: string) => {
      await at.store.copyTo(path);
      // A revocation or erasure right after the store was copied.
      seen.push((await at.journal.append({ kind: 'change', body: { action: 'person.erased', outbox: 1 } })).seq);
      await at.checkpoints.now();
    },
  };
  const { head } = await make({ ...at, store: store as Installation['store'] });
  assert.ok(head.seq >= seen[0]!);
});

test('P5: private keys are in no backup, and a backup that brings some is refused', async (t) => {
  const at = await installation(t);
  await make(at);
  const copy = join(at.root, 'copy');
  assert.deepEqual(await readdir(join(copy, 'keys')), ['signing.key.pub']);
  const manifest = JSON.parse(await readFile(join(copy, 'manifest.json'), 'utf8'));
  const planted = Buffer.from('planted');
  await writeFile(join(copy, 'keys', 'master.key'), planted);
  const sha256 = createHash('sha256').update(planted).digest('hex');
  manifest.files.push({ path: 'keys/master.key', bytes: planted.length, sha256 });
  await writeFile(join(copy, 'manifest.json'), JSON.stringify(manifest));
  await assert.rejects(verifyBackup(copy), BackupError);
});

test('a backup never replaces another, and one that fails leaves nothing', async (t) => {
  const at = await installation(t);
  await make(at);
  const before = (await readdir(at.root)).sort();
  await assert.rejects(make(at), problem('exists'));
  const copyTo = async (path: string): Promise<void> => {
    await writeFile(path, 'half');
    throw new Error('the disk is full');
  };
  await assert.rejects(make({ ...at, store: { copyTo } as Installation['store'] }, 'second'), /the disk is full/);
  assert.deepEqual((await readdir(at.root)).sort(), before);
});

test('a record that is still being written stays behind', async (t) => {
  const at = await installation(t);
  const { segment, ...head } = at.journal.head;
  await appendFile(join(at.journalDir, 'main', `${segment}.jsonl`), '{"seq":');
  const manifest = await make(at);
  assert.deepEqual(manifest.head, { seq: head.seq, hash: head.hash });
  await verifyBackup(join(at.root, 'copy'));
});

test('a segment that is compressed or retired under the copy makes it look again', async (t) => {
  const at = await installation(t);
  const gone = join(at.journalDir, 'main', '999999999999.jsonl');
  // A name that is listed and cannot be opened, until the copy has begun.
  await symlink(join(at.root, 'nowhere'), gone);
  let removed = false;
  const to = join(at.root, 'journal-copy');
  const watching = (async () => {
    while (
      !(await readdir(to).then(
        (names) => names.length > 0,
        () => false,
      ))
    )
      await immediate();
    await rm(gone);
    removed = true;
  })();
  await copyJournal(join(at.journalDir, 'main'), to);
  await watching;
  assert.equal(removed, true);
  assert.deepEqual((await checkJournal(to, new Map())).head.seq, at.journal.head.seq);
});

/** Writes a manifest that fits what is in the folder, as a forger would. */
async function forge(dir: string): Promise<void> {
  const path = join(dir, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  for (const file of manifest.files) {
    const bytes = await readFile(join(dir, file.path));
    file.bytes = bytes.length;
    file.sha256 = createHash('sha256').update(bytes).digest('hex');
  }
  await writeFile(path, JSON.stringify(manifest));
}

test('P6: torn, tampered and incomplete backups are refused, and nothing is restored from them', async (t) => {
  const at = await installation(t);
  await make(at);
  const segments = (await readdir(join(at.root, 'copy', 'journal', 'main'))).sort();
  const segment = (index: number): string => join('journal', 'main', segments.at(index)!);
  const edit = async (path: string, change: (text: string) => string) =>
    writeFile(path, change(await readFile(path, 'utf8')));
  const cases: [string, string, (dir: string) => Promise<unknown>][] = [
    ['no manifest', 'incomplete', (dir) => rm(join(dir, 'manifest.json'))],
    [
      'another version',
      'unknown_format',
      (dir) => edit(join(dir, 'manifest.json'), (text) => text.replace('backup/1', 'backup/2')),
    ],
    ['a file cut', 'changed', async (dir) => truncate(join(dir, segment(-1)), 300)],
    ['a byte changed', 'changed', (dir) => edit(join(dir, segment(0)), (text) => text.replace('"n":3', '"n":4'))],
    ['the store changed', 'changed', (dir) => appendFile(join(dir, 'store.db'), 'x')],
    ['a file missing', 'incomplete', (dir) => rm(join(dir, segment(1)))],
    ['a file added', 'changed', (dir) => writeFile(join(dir, 'journal', 'main', '999999999999.jsonl'), '')],
    [
      'a file linked',
      'changed',
      async (dir) => {
        await rename(join(dir, 'store.db'), join(at.root, 'outside.db'));
        await symlink(join(at.root, 'outside.db'), join(dir, 'store.db'));
      },
    ],
    [
      'a path out of the folder',
      'changed',
      (dir) => edit(join(dir, 'manifest.json'), (text) => text.replace('"store.db"', '"keys/../../store.db"')),
    ],
    [
      'forged: a byte changed',
      'changed',
      async (dir) => {
        await edit(join(dir, segment(0)), (text) => text.replace('"n":3', '"n":4'));
        await forge(dir);
      },
    ],
    [
      'forged: torn',
      'incomplete',
      async (dir) => {
        await edit(join(dir, segment(-1)), (text) => `${text}{"seq":`);
        await forge(dir);
      },
    ],
    [
      'forged: whole records cut',
      'incomplete',
      async (dir) => {
        await edit(join(dir, segment(-1)), (text) => `${text.split('\n').slice(0, -2).join('\n')}\n`);
        await forge(dir);
      },
    ],
    [
      'forged: no database',
      'changed',
      async (dir) => {
        await writeFile(join(dir, 'store.db'), 'x'.repeat(8192));
        await forge(dir);
      },
    ],
    [
      'forged: a segment left out',
      'incomplete',
      async (dir) => {
        await rm(join(dir, segment(1)));
        await edit(join(dir, 'manifest.json'), (text) => {
          const manifest = JSON.parse(text);
          manifest.files = manifest.files.filter(({ path }: { path: string }) => path !== segment(1));
          return JSON.stringify(manifest);
        });
      },
    ],
  ];
  for (const [name, expected, spoil] of cases) {
    const dir = join(at.root, `spoilt ${name}`);
    await cp(join(at.root, 'copy'), dir, { recursive: true });
    await spoil(dir);
    await assert.rejects(verifyBackup(dir), problem(expected), name);
    const to = join(at.root, 'target');
    await assert.rejects(restore({ from: dir, to, clock }), BackupError, name);
    await assert.rejects(stat(to), { code: 'ENOENT' });
  }
});

test('a restore goes into nothing, into an empty folder, or with force beside what was there', async (t) => {
  const at = await installation(t);
  const manifest = await make(at);
  const from = join(at.root, 'copy');
  const to = join(at.root, 'new');
  const files = ['checkpoints', 'journal', 'keys', 'store.db'];
  await mkdir(to);
  await restore({ from, to, clock });
  assert.deepEqual((await readdir(to)).sort(), files);
  await writeFile(join(to, 'mine'), 'precious');
  await assert.rejects(restore({ from, to, clock }), problem('not_empty'));
  const aside = `${to}.before-restore-20261124T120000Z`;
  assert.deepEqual(await restore({ from, to, force: true, clock }), { manifest, movedAside: aside });
  assert.deepEqual((await readdir(to)).sort(), files);
  assert.equal(await readFile(join(aside, 'mine'), 'utf8'), 'precious');
  assert.deepEqual(
    (await readdir(at.root)).filter((name) => name.startsWith('.')),
    [],
  );
  // A second one in the same second must not swallow the first one's treasure.
  await assert.rejects(restore({ from, to, force: true, clock }), problem('not_empty'));
  assert.deepEqual((await readdir(to)).sort(), files);
  assert.equal(await readFile(join(aside, 'mine'), 'utf8'), 'precious');
  assert.deepEqual(
    (await readdir(at.root)).filter((name) => name.startsWith('.')),
    [],
  );
});

test('P3: the store alone goes back under a newer journal, and its old log does not come along', async (t) => {
  const at = await installation(t);
  const from = join(at.root, 'copy');
  await make(at);
  await addTeam(at.store, 'later');
  await at.journal.append({ kind: 'change', body: { action: 'key.revoked', outbox: 1 } });
  const { head } = await make(at, 'now');
  const to = join(at.root, 'other');
  await restore({ from: join(at.root, 'now'), to, clock });
  await writeFile(join(to, 'store.db-wal'), 'log of the old store');
  await assert.rejects(restore({ from, to, only: 'store', clock }), problem('not_empty'));
  const { movedAside } = await restore({ from, to, only: 'store', force: true, clock });
  assert.equal(movedAside, join(to, 'store.db.before-restore-20261124T120000Z'));
  await assert.rejects(stat(join(to, 'store.db-wal')), { code: 'ENOENT' });
  assert.equal(await readFile(`${movedAside}-wal`, 'utf8'), 'log of the old store');
  assert.deepEqual(await teams(join(to, 'store.db')), ['first']);
  await rm(`${movedAside}-wal`);
  assert.deepEqual((await teams(movedAside!)).sort(), ['first', 'later']);
  const last = (await readFile(join(to, 'journal', 'main', `${at.journal.head.segment}.jsonl`), 'utf8'))
    .trim()
    .split('\n')
    .at(-1)!;
  assert.equal(JSON.parse(last).seq, head.seq, 'the newer journal stays');
});

test('P3: after any restore that brings a store, browsers sign in again: whose session was taken since is not known', async (t) => {
  const at = await installation(t);
  const [owner, gone] = [person(), session('', { revokedAt: 5 })];
  await at.store.change(async (tx) => {
    await tx.insertParty(owner);
    for (const row of [session(owner.id), session(owner.id), { ...gone, person: owner.id }])
      await tx.insertSession(row);
  });
  await make(at);
  const from = join(at.root, 'copy');
  const ends = async (to: string) => {
    const { mode } = await stat(join(to, 'store.db'));
    assert.equal(mode & 0o777, 0o600);
    assert.deepEqual(
      (await readdir(to)).filter((name) => /-wal|-shm|-journal/.test(name)),
      [],
    );
    const store = await openSqliteStore({ path: join(to, 'store.db'), clock });
    const rows = await store.sessions(9);
    assert.deepEqual((await store.directory()).sessions, []);
    await store.close();
    return rows.map(({ revokedAt }) => revokedAt).sort();
  };
  const now = clock.now();
  for (const name of ['new', 'empty']) {
    const to = join(at.root, name);
    if (name === 'empty') await mkdir(to);
    await restore({ from, to, clock });
    assert.deepEqual(await ends(to), [now, now, 5]);
  }
  const to = join(at.root, 'empty');
  await restore({ from, to, only: 'store', force: true, clock });
  assert.deepEqual(await ends(to), [now, now, 5]);
  assert.deepEqual((await at.store.directory()).sessions.length, 2, 'the backup and its source are as they were');
  await verifyBackup(from);
});

test('a backup of the release before, which knew no sessions, is restored as it is', async (t) => {
  const at = await installation(t);
  const raw = new DatabaseSync(join(at.data, 'store.db'));
  raw.exec('drop table sessions');
  raw.close();
  await make(at);
  const to = join(at.root, 'new');
  await restore({ from: join(at.root, 'copy'), to, clock });
  const restored = new DatabaseSync(join(to, 'store.db'));
  assert.equal(restored.prepare('select count(*) as count from teams').get()?.count, 1);
  restored.close();
});

test('the journal alone goes back beside the store', async (t) => {
  const at = await installation(t);
  const from = join(at.root, 'copy');
  const { head } = await make(at);
  await addTeam(at.store, 'later');
  await at.journal.append({ kind: 'gateway', body: {} });
  const to = join(at.root, 'other');
  await make(at, 'now');
  await restore({ from: join(at.root, 'now'), to, clock });
  const { movedAside } = await restore({ from, to, only: 'journal', force: true, clock });
  assert.equal(movedAside, join(to, 'journal.before-restore-20261124T120000Z'));
  assert.deepEqual((await teams(join(to, 'store.db'))).sort(), ['first', 'later']);
  assert.deepEqual(
    (await readdir(to)).filter((name) => name.startsWith('.')),
    [],
  );
  const names = (await readdir(join(to, 'journal', 'main'))).sort();
  const last = (await readFile(join(to, 'journal', 'main', names.at(-1)!), 'utf8')).trim().split('\n').at(-1)!;
  assert.equal(JSON.parse(last).seq, head.seq);
});
