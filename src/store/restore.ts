import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { syncFile, syncFolder } from '../kernel/sync.ts';
import { exists, stamp, syncFolders } from './backup-folder.ts';
import { BackupError, type BackupFile, type BackupManifest, checkFile } from './backup-manifest.ts';
import { verifyBackup } from './verify-backup.ts';

const STORE = 'store.db';

export interface RestoreOptions {
  /** The backup's folder. */
  readonly from: string;
  /** The data folder. Gatehouse must not run on it. */
  readonly to: string;
  /**
   * `store` replaces store.db alone: the next start applies the revocations and erasures that the newer journal holds.
   * `journal` replaces the journal alone. Default: everything.
   */
  readonly only?: 'store' | 'journal';
  /** Moves what is there aside instead of refusing. Nothing is ever deleted. Default false. */
  readonly force?: boolean;
  readonly clock?: Clock;
}

export interface Restored {
  readonly manifest: BackupManifest;
  /** Where what was replaced is now; null when there was nothing. */
  readonly movedAside: string | null;
}

/**
 * Puts a backup back. The whole backup is verified before anything is written, and each file again as it was written. Private
 * keys are in no backup and must be put back by hand before the next start. The usage views are rebuilt by that start.
 *
 * Restoring everything also forgets every revocation and erasure made since the backup. Where the newer journal survives, restore
 * with `only: 'store'`: it knows them. Browsers sign in again in any case: nobody can tell whose session was ended since, or stolen.
 *
 * @throws BackupError, before anything was changed
 */
export async function restore({
  from,
  to,
  only,
  force = false,
  clock = systemClock,
}: RestoreOptions): Promise<Restored> {
  const manifest = await verifyBackup(from);
  const now = clock.now();
  const job: Job = { from, to: resolve(to), manifest, force, now, time: stamp(now) };
  const movedAside = only === undefined ? await restoreAll(job) : await restorePart(job, only);
  return { manifest, movedAside };
}

interface Job {
  readonly from: string;
  readonly to: string;
  readonly manifest: BackupManifest;
  readonly force: boolean;
  /** Milliseconds since the epoch, and the same for names of files. */
  readonly now: number;
  readonly time: string;
}

async function restoreAll(job: Job): Promise<string | null> {
  const { to, force, time } = job;
  const present = await exists(to);
  const occupied = present && (await readdir(to)).length > 0;
  if (occupied && !force) throw new BackupError('not_empty', `${to} is not empty; give --force to move it aside`);
  // An empty folder may be a mount point, which cannot be renamed: it is filled in place.
  const inPlace = present && !occupied;
  const staging = await stage(job, inPlace ? to : dirname(to), job.manifest.files);
  if (inPlace) {
    // The store last: without it, nothing would start on half of a backup and take it for whole.
    const names = (await readdir(staging)).sort((a, b) => Number(a === 'store.db') - Number(b === 'store.db'));
    for (const name of names) await rename(join(staging, name), join(to, name));
    await rm(staging, { recursive: true });
    await syncFolder(to);
    return null;
  }
  const aside = occupied ? `${to}.before-restore-${time}` : null;
  await swap(staging, to, aside);
  return aside;
}

/** Moves the old folder aside and the new one into its place; puts the old one back when that fails. */
async function swap(staging: string, to: string, aside: string | null): Promise<void> {
  let moved = false;
  try {
    if (aside !== null) await rename(to, aside);
    moved = aside !== null;
    await rename(staging, to);
    await syncFolder(dirname(to));
  } catch (cause) {
    if (moved && aside !== null && !(await exists(to))) await rename(aside, to);
    await rm(staging, { recursive: true, force: true });
    throw new BackupError('not_empty', `${to} could not be moved aside; if it is a mount point, empty it by hand`, {
      cause,
    });
  }
}

async function restorePart(job: Job, only: 'store' | 'journal'): Promise<string | null> {
  const { to, force, time, manifest } = job;
  const name = only === 'store' ? 'store.db' : 'journal';
  const target = join(to, name);
  const occupied = await exists(target);
  if (occupied && !force) throw new BackupError('not_empty', `${target} exists; give --force to move it aside`);
  await mkdir(to, { recursive: true, mode: 0o700 });
  const staging = await stage(
    job,
    to,
    manifest.files.filter(({ path }) => path.split('/')[0] === name),
  );
  const aside = occupied ? `${target}.before-restore-${time}` : null;
  if (aside !== null && only === 'store') await setStoreAside(target, aside);
  else if (aside !== null) await rename(target, aside);
  await rename(join(staging, name), target);
  await rm(staging, { recursive: true });
  await syncFolder(to);
  return aside;
}

/**
 * Keeps the old store with its write-ahead log. The log must be gone before the new file takes its name: SQLite would play the
 * old store's log into it.
 */
async function setStoreAside(target: string, aside: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) {
    if (!(await exists(target + suffix))) continue;
    await copyFile(target + suffix, aside + suffix, constants.COPYFILE_EXCL);
    await syncFile(aside + suffix);
  }
  for (const suffix of ['-wal', '-shm']) await rm(target + suffix, { force: true });
}

/** Copies files of the backup into a new folder inside `parent`, checked and synced. */
async function stage({ from, now }: Job, parent: string, files: readonly BackupFile[]): Promise<string> {
  const staging = join(parent, `.restore-${randomBytes(6).toString('hex')}`);
  await mkdir(staging, { recursive: true, mode: 0o700 });
  try {
    for (const file of files) {
      const path = join(staging, file.path);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await copyFile(join(from, file.path), path, constants.COPYFILE_EXCL);
      await chmod(path, 0o600);
      await syncFile(path);
      await checkFile(staging, file);
    }
    if (files.some(({ path }) => path === STORE)) {
      endSessions(join(staging, STORE), now);
      await syncFile(join(staging, STORE));
    }
    await syncFolders(staging);
    return staging;
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

/** Ends every browser session in a store that is not open. One of a release before sessions has none. */
function endSessions(path: string, now: number): void {
  const database = new DatabaseSync(path);
  try {
    // No write-ahead log beside a file that is about to be renamed.
    database.exec('PRAGMA journal_mode = DELETE');
    database.exec('PRAGMA synchronous = FULL');
    const { count } =
      database.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE name = 'sessions'").get() ?? {};
    if (count === 1) database.prepare('UPDATE sessions SET revoked_at = ? WHERE revoked_at IS NULL').run(now);
    // The envelope may have been opened since the copy, and its secret read.
    database.exec("DELETE FROM settings WHERE name = 'break-glass'");
  } finally {
    database.close();
  }
}
