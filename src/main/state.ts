import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { GatehouseConfig } from '../config.ts';
import { type DirectoryChanges, directoryChanges } from '../identity/changes.ts';
import { ContentVault } from '../identity/content-vault.ts';
import { Directory } from '../identity/directory.ts';
import { LastUse } from '../identity/last-use.ts';
import { applyNewer } from '../identity/replay.ts';
import { Sessions } from '../identity/sessions.ts';
import { Strangers } from '../identity/strangers.ts';
import { type OutboxPump, startOutboxPump } from '../journal/outbox-pump.ts';
import { readRecords } from '../journal/read.ts';
import type { JsonObject } from '../journal/records.ts';
import { loadSigningKey, type SigningKey } from '../journal/signing.ts';
import { type FileJournal, openJournal } from '../journal/writer.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Closers } from '../kernel/closers.ts';
import type { Logger } from '../kernel/log.ts';
import { Estimator } from '../limits/estimator.ts';
import { Ledger } from '../limits/ledger.ts';
import { OpenCalls } from '../limits/open-calls.ts';
import { Rates } from '../limits/rates.ts';
import { RefusalQuota } from '../limits/refusal-quota.ts';
import { countsModel } from '../policy/patterns.ts';
import { loadMasterKey } from '../secrets/master-key.ts';
import type { Store } from '../store/ports.ts';
import { DiskReserve } from '../store/reserve.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import { dataPaths, WRITER } from './paths.ts';
import { type Sealer, sealer } from './sealer.ts';

/** Everything that is kept, and what is compiled from it in memory. */
export interface State {
  readonly store: Store;
  readonly journal: FileJournal;
  readonly pump: OutboxPump;
  readonly directory: Directory;
  readonly changes: DirectoryChanges;
  readonly openCalls: OpenCalls;
  readonly rates: Rates;
  readonly ledger: Ledger;
  readonly estimator: Estimator;
  /** One for all doors. */
  readonly refusals: RefusalQuota;
  readonly strangers: Strangers;
  readonly lastUse: LastUse;
  /** Browsers that are signed in. */
  readonly sessions: Sessions;
  readonly vault: ContentVault;
  readonly signingKey: SigningKey;
  /** Encrypts under the master key, for one purpose each. */
  readonly sealer: (purpose: string) => Sealer;
  readonly reserve: DiskReserve;
}

export interface StateParts {
  readonly config: GatehouseConfig;
  readonly dataDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly closers: Closers;
}

/** Opens journal, then store; brings an older store up to what the journal knows; compiles the directory. */
export async function openState(parts: StateParts): Promise<State> {
  const { config, dataDir, clock, log, closers } = parts;
  const paths = dataPaths(dataDir);
  await mkdir(paths.keys, { recursive: true, mode: 0o700 });
  const signingKey = await loadSigningKey(join(paths.keys, 'signing.key'));
  const master = await loadMasterKey(join(paths.keys, 'master.key'));
  const journal = await openJournal({
    dir: paths.journal,
    writer: WRITER,
    durability: config.journal.durability,
    clock,
    signingKey,
    log,
    segmentBytes: config.journal.segment,
    segmentAgeMs: config.journal.segment_age,
  });
  closers.add('journal', () => journal.close());
  const reserve = new DiskReserve(paths.reserve);
  await reserve.hold();
  const store = await openSqliteStore({ path: paths.store, clock, reserve });
  closers.add('store', () => store.close());
  await catchUp({ store, journal, dir: paths.journal, log });
  const pump = await startOutboxPump({ store, journal, log });
  closers.add('outbox', () => pump.close());
  const directory = await Directory.load({ store, clock });
  const openCalls = openCallsOf(config);
  const vault = new ContentVault(store, master);
  cutWhenInvalid({ directory, openCalls, vault, closers, clock, log });
  const refusals = new RefusalQuota();
  const strangers = new Strangers(journal, clock);
  const lastUse = new LastUse();
  const ledger = new Ledger({
    matches: countsModel,
    since: journal.head.seq,
    onWarn: ({ line, subject, mark, period }) =>
      log.warn({ budget: line.place.path, subject, mark, period }, 'a budget has passed a mark'),
  });
  const { idle: idleMs, rotate: rotateMs } = config.signin;
  const sessions = new Sessions({ directory, idleMs, rotateMs });
  saveNowAndThen({ store, lastUse, sessions, strangers, clock, log, closers });
  const changes = recorded(directoryChanges({ store, directory, clock }), pump, log);
  const limits = { rates: new Rates(countsModel), ledger, estimator: new Estimator() };
  const counted = { openCalls, refusals, strangers, lastUse, sessions, ...limits };
  const sealed = { vault, signingKey, sealer: (purpose: string) => sealer(master, purpose) };
  return { store, journal, pump, directory, changes, ...counted, ...sealed, reserve };
}

/** A store restored from an older copy gives nobody back what was taken since: the journal's newer changes are applied first. */
async function catchUp(parts: { store: Store; journal: FileJournal; dir: string; log: Logger }): Promise<void> {
  const { store, journal, dir, log } = parts;
  if (journal.outboxFloor <= (await store.outboxHead())) return;
  const replayed = await applyNewer(store, changeBodies(dir, journal.head.seq));
  log.warn({ ...replayed }, 'the store was older than the journal: newer revocations and erasures were applied');
}

async function* changeBodies(dir: string, through: number): AsyncGenerator<JsonObject> {
  for await (const { record } of readRecords(dir, WRITER, { through })) {
    if (record.kind === 'change') yield record;
  }
}

function openCallsOf({ limits }: GatehouseConfig): OpenCalls {
  return new OpenCalls({
    perCaller: limits.open_calls_per_caller,
    total: limits.open_calls,
    bytesPerCaller: limits.bytes_in_flight_per_caller,
    bytesTotal: limits.bytes_in_flight,
  });
}

/** P3: whatever stops being valid, by a change or by the clock, ends its running streams. */
function cutWhenInvalid(parts: {
  directory: Directory;
  openCalls: OpenCalls;
  vault: ContentVault;
  closers: Closers;
  clock: Clock;
  log: Logger;
}): void {
  const { directory, openCalls, vault, closers, clock, log } = parts;
  directory.onChange(({ credentials, parties }) => {
    if (credentials.size === 0 && parties.size === 0) return;
    openCalls.cut((call) => credentials.has(call.credential) || parties.has(call.caller), 'revoked_while_running');
    vault.forget(parties);
  });
  const sweeper = setInterval(() => {
    const next = directory.nextExpiry();
    if (next === null || next > clock.now()) return;
    try {
      directory.sweep();
    } catch (error) {
      log.error({ err: error }, 'not everybody heard that a key expired');
    }
  }, 1000);
  sweeper.unref();
  closers.add('expiry', () => clearInterval(sweeper));
}

const DAY_MS = 86_400_000;
/** How long what is over stays to be looked at, milliseconds. */
const KEPT = { sessions: 30 * DAY_MS, answers: DAY_MS, waiting: 30 * DAY_MS };

function saveNowAndThen(parts: {
  store: Store;
  lastUse: LastUse;
  sessions: Sessions;
  strangers: Strangers;
  clock: Clock;
  log: Logger;
  closers: Closers;
}): void {
  const { store, lastUse, sessions, strangers, clock, log, closers } = parts;
  const save = async (): Promise<void> => {
    await strangers.flush();
    const entries = lastUse.snapshot();
    if (entries.length > 0) {
      await store.saveLastUse(entries);
      lastUse.saved(entries);
    }
    const seen = sessions.snapshot();
    if (seen.length > 0) {
      await store.saveSessionsSeen(seen);
      sessions.saved(seen);
    }
  };
  const timer = setInterval(() => {
    save().catch((error) => log.warn({ err: error }, 'last uses could not be saved; trying again in a minute'));
    const now = clock.now();
    const before = { sessions: now - KEPT.sessions, answers: now - KEPT.answers, waiting: now - KEPT.waiting };
    store.purge(before).catch((error) => log.warn({ err: error }, 'what is over could not be put away'));
  }, 60_000);
  timer.unref();
  closers.add('last use', async () => {
    clearInterval(timer);
    await save();
  });
}

/**
 * Every verb, followed by its record in the journal. A change that is committed is in force at once; when the journal cannot take
 * its record now, the outbox keeps it and the change stands.
 */
function recorded(changes: DirectoryChanges, pump: OutboxPump, log: Logger): DirectoryChanges {
  const entries = Object.entries(changes).map(([name, verb]) => [
    name,
    async (input: never) => {
      const result = await (verb as (given: never) => Promise<unknown>)(input);
      await pump.flush().catch((error) => log.error({ err: error }, 'a change waits for the journal'));
      return result;
    },
  ]);
  return Object.fromEntries(entries) as DirectoryChanges;
}
