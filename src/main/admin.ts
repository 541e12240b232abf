import { mkdir, statfs } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { join, resolve } from 'node:path';
import type {
  AdminServices,
  BackupReport,
  CallContent,
  ContentPart,
  DiskReport,
  Issued,
  NewKey,
  RefusedRequest,
} from '../doors/admin/services.ts';
import { ChangeError } from '../identity/changes.ts';
import type { ContentRecord } from '../identity/content-vault.ts';
import type { Principal } from '../identity/principal.ts';
import type { RefusalBody } from '../journal/bodies.ts';
import { newId } from '../kernel/ids.ts';
import { safeText } from '../kernel/redact.ts';
import { fold } from '../kernel/text.ts';
import { startSpan } from '../kernel/trace.ts';
import { localDay } from '../limits/periods.ts';
import { subjectOf } from '../steps/attribute.ts';
import { backup } from '../store/backup.ts';
import type { CredentialListing } from '../store/ports.ts';
import type { DoorParts } from './doors.ts';
import { dataPaths, WRITER } from './paths.ts';
import { policyServices } from './policy.ts';
import type { State } from './state.ts';
import { warningsOf } from './warnings.ts';

/** What the admin door works with. */
export function adminServices(parts: DoorParts, identify: (headers: IncomingHttpHeaders) => Principal): AdminServices {
  const { config, state, upstream, watch, governance, clock, log } = parts;
  return {
    clock,
    today: () => localDay(clock.now(), governance.keeper.current.policy?.timeZone ?? 'UTC'),
    version: parts.version,
    startedAt: clock.now(),
    identify,
    directory: () => state.store.directory(),
    credentials: (owner) => credentialsOf(state, owner),
    stops: (limit) => state.store.stops(limit),
    grants: (limit) => state.store.grants(limit),
    changes: { ...state.changes, createKey: (input) => createKey(parts, input) },
    policy: policyServices(parts),
    projections: watch.projections,
    journal: state.journal,
    content: (intent) => contentOf(parts, intent),
    durability: config.journal.durability,
    recordRefusal: (refused) => recordRefusal(parts, refused),
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
    warnings: () => [...warningsOf(config), ...watch.warnings(), ...governance.warnings()],
    backup: (name) => makeBackup(parts, name),
    log,
  };
}

/** A key of a person is charged to one of the person's own teams: another would be taken silently and never used. */
async function createKey({ state, governance }: DoorParts, input: NewKey): Promise<Issued> {
  const { directory } = governance.keeper.current;
  const owner = directory.parties.get(input.owner);
  const team = input.team === null ? undefined : directory.teams.get(input.team)?.name;
  if (owner?.kind === 'person' && team !== undefined) {
    const principal = { kind: owner.kind, id: owner.id, credential: { id: '' }, keyTeam: null };
    const { teams } = subjectOf({ principal, governance: governance.keeper.current, asked: undefined }).subject;
    if (!teams.some((name) => fold(name) === fold(team))) {
      throw new ChangeError('refused', 'This person is not in that team: move them, or name them in the policy first.');
    }
  }
  return state.changes.createKey(input);
}

/** The store's list with the uses that are not saved yet. */
async function credentialsOf({ store, lastUse }: State, owner?: string): Promise<CredentialListing[]> {
  const unsaved = new Map(lastUse.snapshot());
  const rows = await store.credentials(owner);
  return rows.map((row) => ({ ...row, lastUsedAt: unsaved.get(row.id) ?? row.lastUsedAt }));
}

/** P1: refusals of known callers are recorded, strangers counted. */
async function recordRefusal({ state, clock }: DoorParts, refused: RefusedRequest): Promise<string | null> {
  const { caller, headers } = refused;
  const userAgent = headers['user-agent'] === undefined ? null : safeText(headers['user-agent'], 200);
  // Over the quota a known caller counts as a stranger: the holder of a revoked token must not fill the disk.
  if (caller === null || !state.refusals.take(caller.who, clock.monotonic())) {
    state.strangers.count(refused.code, refused.peer, userAgent);
    return null;
  }
  const body: RefusalBody & { operation: string } = {
    ...caller,
    action: 'admin',
    operation: refused.operation,
    code: refused.code,
    status: refused.status,
    detail: refused.detail,
    rule: null,
    day: null,
    cost_center: null,
    model: null,
    client: { user_agent: userAgent, session: null, agent: null, parent_agent: null },
    trace: startSpan({}).traceId,
  };
  const id = newId('rec');
  await state.journal.append({ id, kind: 'refusal', body });
  return id;
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
