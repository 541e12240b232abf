import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Checkpoints, startCheckpoints } from '../../src/journal/checkpoint.ts';
import { temporaryKey } from '../../src/journal/signing.ts';
import { type FileJournal, openJournal } from '../../src/journal/writer.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Store } from '../../src/store/ports.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

export const clock: Clock = { now: () => Date.parse('2026-11-24T12:00:00.250Z'), monotonic: () => 0 };
export const key = temporaryKey();
export const quiet = { info() {}, warn() {}, error() {} };

export interface Installation {
  /** Holds everything of the test. */
  readonly root: string;
  readonly data: string;
  readonly journalDir: string;
  readonly store: Store;
  readonly journal: FileJournal;
  readonly checkpoints: Checkpoints;
}

/** A running installation with small segments, some records, a team and keys. */
export async function installation(t: Pick<TestContext, 'after'>): Promise<Installation> {
  const root = await mkdtemp(join(tmpdir(), 'gatehouse-backup-'));
  const data = join(root, 'data');
  const journalDir = join(data, 'journal');
  await mkdir(join(data, 'keys'), { recursive: true });
  await mkdir(journalDir);
  for (const name of ['master.key', 'signing.key', 'signing.key.pub'])
    await writeFile(join(data, 'keys', name), name, { mode: 0o600 });
  const store = await openSqliteStore({ path: join(data, 'store.db'), clock });
  const journal = await openJournal({
    dir: journalDir,
    writer: 'main',
    durability: 'written',
    clock,
    signingKey: key,
    log: quiet,
    segmentBytes: 4096,
  });
  const destinations = [join(data, 'checkpoints')];
  const checkpoints = startCheckpoints({
    heads: () => [journal.head],
    key,
    destinations,
    intervalMs: 3_600_000,
    clock,
    log: quiet,
  });
  t.after(async () => {
    await checkpoints.close();
    await journal.close();
    await store.close();
    await rm(root, { recursive: true });
  });
  await addTeam(store, 'first');
  for (let n = 0; n < 40; n++) await journal.append({ kind: 'gateway', body: { n } });
  await checkpoints.now();
  return { root, data, journalDir, store, journal, checkpoints };
}

export async function addTeam(store: Store, name: string): Promise<void> {
  await store.change((tx) => tx.insertTeam({ id: `tea_${name}`, name, createdAt: clock.now() }));
}
