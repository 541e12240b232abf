import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { syncFile, syncFolder } from '../kernel/sync.ts';
import { exists, namesBelow, syncFolders } from './backup-folder.ts';
import { copyJournal, copyLines } from './backup-journal.ts';
import { BackupError, type BackupManifest, FORMAT, MANIFEST, measure } from './backup-manifest.ts';
import type { Store } from './ports.ts';
import { CHECKPOINTS, checkContents } from './verify-backup.ts';

export { BackupError, type BackupManifest } from './backup-manifest.ts';

export interface BackupOptions {
  readonly store: Pick<Store, 'copyTo'>;
  /** Holds a folder for each writer; `checkpoints/` lies beside it. */
  readonly journalDir: string;
  readonly writer: string;
  /** The backup's folder; must not exist, its parent must. */
  readonly to: string;
  readonly clock?: Clock;
}

/**
 * Copies a running installation: store.db, the journal, its checkpoints and the public signing key, with a manifest. Private keys
 * stay where they are: whoever holds a backup could else read kept content and sign checkpoints (P5, P6). The order is
 * store, checkpoints, journal, so that the journal in the backup knows every revocation and erasure that the store in it does
 * not, and reaches every checkpoint. The folder appears under its name only once it is whole, checked and synced.
 *
 * @throws BackupError `exists`, or when what was copied is not a whole journal; errors of the disk and the store as they are
 */
export async function backup(options: BackupOptions): Promise<BackupManifest> {
  const to = resolve(options.to);
  if (await exists(to)) throw new BackupError('exists', `${to} exists already; a backup never replaces another`);
  const unfinished = join(dirname(to), `.${basename(to)}.partial-${randomBytes(6).toString('hex')}`);
  await mkdir(unfinished, { mode: 0o700 });
  try {
    const manifest = await fill(unfinished, options);
    await syncFolders(unfinished);
    await rename(unfinished, to);
    await syncFolder(dirname(to));
    return manifest;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function fill(dir: string, options: BackupOptions): Promise<BackupManifest> {
  const { store, journalDir, writer, clock = systemClock } = options;
  const at = new Date(clock.now()).toISOString();
  await store.copyTo(join(dir, 'store.db'));
  await copyCheckpoints(journalDir, dir);
  await copyJournal(join(journalDir, writer), join(dir, 'journal', writer));
  await copyPublicKey(join(dirname(resolve(journalDir)), 'keys'), join(dir, 'keys'));
  const { head } = await checkContents(dir, writer);
  const files = [];
  for (const path of (await namesBelow(dir)).filter((name) => !name.endsWith('/')).sort()) {
    await chmod(join(dir, path), 0o600);
    await syncFile(join(dir, path));
    files.push(await measure(dir, path));
  }
  const manifest: BackupManifest = { format: FORMAT, at, writer, head, files };
  await writeFile(join(dir, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true });
  return manifest;
}

async function copyCheckpoints(journalDir: string, dir: string): Promise<void> {
  const from = join(dirname(resolve(journalDir)), CHECKPOINTS);
  if (!(await exists(from))) return;
  await mkdir(join(dir, dirname(CHECKPOINTS)), { recursive: true, mode: 0o700 });
  await copyLines(from, join(dir, CHECKPOINTS));
}

const PUBLIC_KEY = 'signing.key.pub';

async function copyPublicKey(from: string, to: string): Promise<void> {
  if (!(await exists(join(from, PUBLIC_KEY)))) return;
  await mkdir(to, { mode: 0o700 });
  await copyFile(join(from, PUBLIC_KEY), join(to, PUBLIC_KEY), constants.COPYFILE_EXCL);
}
