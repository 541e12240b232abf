import { mkdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { AdminServices, BackupReport, CallContent, ContentPart, DiskReport } from '../doors/admin/services.ts';
import type { ContentRecord } from '../identity/content-vault.ts';
import { localDay } from '../limits/periods.ts';
import { backup } from '../store/backup.ts';
import type { CredentialListing } from '../store/ports.ts';
import type { DoorParts } from './doors.ts';
import { follow } from './follow.ts';
import { guardedChanges } from './guarded-changes.ts';
import { identityServices } from './identity/admin.ts';
import { adminCallers } from './identity/callers.ts';
import type { SignInParts } from './identity/sign-in.ts';
import { answerKeeper } from './kept-answers.ts';
import { dataPaths, WRITER } from './paths.ts';
import { policyServices } from './policy.ts';
import { recordRefusal } from './refusals.ts';
import type { State } from './state.ts';
import { warningsOf } from './warnings.ts';

/** What the admin door works with. */
export function adminServices(parts: SignInParts): AdminServices {
  const { config, dataDir, state, upstream, watch, governance, clock, log } = parts;
  const { store, journal } = state;
  return {
    ...identityServices(parts),
    clock,
    today: () => localDay(clock.now(), governance.keeper.current.policy?.timeZone ?? 'UTC'),
    version: parts.version,
    startedAt: clock.now(),
    identify: adminCallers(parts),
    answers: answerKeeper({ store, sealer: state.sealer('kept answers'), clock }),
    follow: (following) => follow({ journal, dir: dataPaths(dataDir).journal, writer: WRITER }, following),
    directory: () => state.store.directory(),
    credentials: (owner) => credentialsOf(state, owner),
    stops: (limit) => state.store.stops(limit),
    grants: (limit) => state.store.grants(limit),
    changes: guardedChanges(parts),
    policy: policyServices(parts),
    projections: watch.projections,
    journal: state.journal,
    content: (intent) => contentOf(parts, intent),
    durability: config.journal.durability,
    recordRefusal: (refused) => recordRefusal(parts, { ...refused, action: 'admin' }),
    async recordAction(action) {
      await state.store.change((tx) => tx.enqueue({ ...action, before: null, reason: null }));
      await state.pump.flush();
    },
    disk: () => diskReport(parts),
    upstream: () => ({
      name: upstream.target.upstream,
      configured: upstream.unusable === null,
      simulated: upstream.target.simulated,
    }),
    snapshot: () => ({ policy: governance.keeper.current.version, directory: state.directory.current.version }),
    warnings: () => [
      ...warningsOf(config),
      ...watch.warnings(),
      ...governance.warnings(),
      ...(parts.tls?.warnings() ?? []),
    ],
    backup: (name) => makeBackup(parts, name),
    log,
  };
}

/** The store's list with the uses that are not saved yet. */
async function credentialsOf({ store, lastUse }: State, owner?: string): Promise<CredentialListing[]> {
  const unsaved = new Map(lastUse.snapshot());
  const rows = await store.credentials(owner);
  return rows.map((row) => ({ ...row, lastUsedAt: unsaved.get(row.id) ?? row.lastUsedAt }));
}

async function contentOf({ state, watch }: DoorParts, intent: string): Promise<CallContent | null> {
  const records = await watch.projections.show(intent);
  if (records[0]?.kind !== 'intent') return null;
  const part = async (name: 'request' | 'response'): Promise<ContentPart> => {
    const record = records.find((one) => one.kind === 'content' && one.part === name);
    if (record === undefined) return { state: 'none', text: null };
    const plain = await state.vault.open(record as unknown as ContentRecord);
    return plain === null ? { state: 'erased', text: null } : { state: 'kept', text: plain.toString() };
  };
  return { request: await part('request'), response: await part('response') };
}

async function diskReport({ dataDir, state, watch }: DoorParts): Promise<DiskReport> {
  const { bavail, blocks, bsize } = await statfs(dataPaths(dataDir).journal);
  const low = watch.disk.level === 'ok' ? 'ok' : 'low';
  return {
    freeBytes: bavail * bsize,
    totalBytes: blocks * bsize,
    fullAt: watch.disk.predict().fullAt,
    state: state.journal.trouble === null ? low : 'stopped',
  };
}

async function makeBackup({ config, dataDir, state }: DoorParts, name: string): Promise<BackupReport> {
  const paths = dataPaths(dataDir);
  const folder = resolve(config.backup.folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const to = join(folder, name);
  const manifest = await backup({ store: state.store, journalDir: paths.journal, writer: WRITER, to });
  return {
    folder: to,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.bytes, 0),
    seq: manifest.head.seq,
  };
}
