import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { exists, namesBelow } from './backup-folder.ts';
import { checkJournal, type JournalCopy } from './backup-journal.ts';
import { BackupError, type BackupManifest, checkFile, MANIFEST, readManifest } from './backup-manifest.ts';

export const CHECKPOINTS = 'checkpoints/checkpoints.jsonl';

/**
 * Checks that a backup is whole and unchanged: every file against the manifest and none besides, the store's own consistency,
 * the journal's chain from its start (or its opening balances) to the head that the manifest names, and the checkpoints in it.
 * It does not check signatures; that is the trail verifier's work, on the journal inside.
 *
 * @throws BackupError
 */
export async function verifyBackup(dir: string): Promise<BackupManifest> {
  const manifest = await readManifest(dir);
  await checkNames(dir, manifest);
  for (const file of manifest.files) await checkFile(dir, file);
  const copy = await checkContents(dir, manifest.writer);
  const { seq, hash } = manifest.head;
  if (copy.head.seq !== seq || copy.head.hash !== hash) {
    throw new BackupError('changed', `the journal ends at record ${copy.head.seq}, the manifest names another end`);
  }
  checkStore(join(dir, 'store.db'));
  return manifest;
}

async function checkNames(dir: string, { files }: BackupManifest): Promise<void> {
  const named = new Set(files.map(({ path }) => path));
  if (named.size !== files.length) throw new BackupError('changed', `${MANIFEST} names a file twice`);
  if (!named.has('store.db')) throw new BackupError('incomplete', `${MANIFEST} names no store.db`);
  const found = (await namesBelow(dir)).filter((name) => !name.endsWith('/') && name !== MANIFEST);
  for (const name of found) {
    if (!named.has(name)) throw new BackupError('changed', `${name} is not in the manifest`);
    // A link could be pointed elsewhere between this check and a restore.
    if (!(await lstat(join(dir, name))).isFile()) throw new BackupError('changed', `${name} is no plain file`);
    named.delete(name);
  }
  for (const name of named) throw new BackupError('incomplete', `${name} is missing`);
}

/** What a backup's manifest does not say: that the journal in it is a whole one. */
export async function checkContents(dir: string, writer: string): Promise<JournalCopy> {
  const folder = join(dir, 'journal', writer);
  const copy = await checkJournal(folder, await marksOf(join(dir, CHECKPOINTS), writer));
  if (copy.balances !== null) {
    const { file, sha256 } = copy.balances;
    if (!/^[a-z0-9][a-z0-9._-]*$/i.test(file) || !(await exists(join(folder, file)))) {
      throw new BackupError('incomplete', `the opening balances ${JSON.stringify(file)} are missing`);
    }
    await checkFile(folder, { path: file, sha256, bytes: (await lstat(join(folder, file))).size });
  }
  return copy;
}

/** The heads that checkpoints name for this writer. Unfinished lines are left out, as every reader of checkpoints does. */
async function marksOf(path: string, writer: string): Promise<Map<number, string>> {
  const marks = new Map<number, string>();
  if (!(await exists(path))) return marks;
  for (const line of (await readFile(path, 'utf8')).split('\n')) {
    for (const head of headsOf(line)) if (head?.writer === writer) marks.set(Number(head.seq), String(head.hash));
  }
  return marks;
}

function headsOf(line: string): { writer?: unknown; seq?: unknown; hash?: unknown }[] {
  try {
    const { heads } = JSON.parse(line);
    return Array.isArray(heads) ? heads : [];
  } catch {
    return [];
  }
}

function checkStore(path: string): void {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const { quick_check: check } = database.prepare('PRAGMA quick_check(1)').get() ?? {};
      if (check !== 'ok') throw new Error(String(check));
    } finally {
      database.close();
    }
  } catch (cause) {
    throw new BackupError('changed', 'store.db is no sound database', { cause });
  }
}
