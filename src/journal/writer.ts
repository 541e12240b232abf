import { join } from 'node:path';
import type { Clock } from '../kernel/clock.ts';
import { failpoint } from '../kernel/failpoints.ts';
import { prepare } from './batch.ts';
import { ChainWriter } from './chain-writer.ts';
import { FileJournal, type JournalLog } from './file-journal.ts';
import { type JournalFiles, realFiles } from './files.ts';
import { writerName } from './names.ts';
import { Queue, type QueueBounds } from './queue.ts';
import { type Recovered, recover } from './recover.ts';
import type { SigningKey } from './signing.ts';

export type { FileJournal, JournalLog } from './file-journal.ts';

export interface JournalOptions {
  /** Folder of all journals of this installation; each writer has a folder in it. */
  readonly dir: string;
  /** Names this process's chain: letters, digits, `-` and `_`. */
  readonly writer: string;
  /** `synced`: on the disk before `append` resolves. `written`: survives the process, not the power. */
  readonly durability: 'synced' | 'written';
  readonly clock: Clock;
  readonly signingKey: SigningKey;
  readonly log: JournalLog;
  /** Size at which a segment is sealed; default 64 MiB, at most 512 MiB. */
  readonly segmentBytes?: number;
  /** Age at which a segment is sealed by the next record, in milliseconds; default 24 h. */
  readonly segmentAgeMs?: number;
  /** How long one write and sync may take before the disk counts as gone; default 15 s. */
  readonly stallMs?: number;
  /** Pauses before trying to get well; default 500 ms, doubling to 5 s. */
  readonly retryMs?: { readonly first: number; readonly longest: number };
  /** How much may wait for the disk; default 100,000 records or 256 Mi characters. */
  readonly bounds?: QueueBounds;
  /** The file system; tests put faults here. */
  readonly files?: JournalFiles;
}

const MIB = 1024 * 1024;
const DEFAULTS = {
  segmentBytes: 64 * MIB,
  segmentAgeMs: 24 * 60 * 60 * 1000,
  stallMs: 15_000,
  retryMs: { first: 500, longest: 5000 },
  bounds: { records: 100_000, bytes: 256 * MIB },
  files: realFiles,
} as const;

/**
 * Opens a writer's journal: claims its folder, reads the newest segment, repairs what a crash left, and gives every intent without
 * an outcome the outcome `unknown` (P1).
 *
 * @throws Error when another process writes there, JournalDamaged when the chain is broken, or the file system's error
 */
export async function openJournal(options: JournalOptions): Promise<FileJournal> {
  const settings = { ...DEFAULTS, ...options, folder: join(options.dir, writerName(options.writer)) };
  if (settings.segmentBytes > 512 * MIB) throw new RangeError('a segment holds at most 512 MiB');
  await settings.files.makeFolder(settings.folder);
  await settings.files.syncFolder(settings.dir);
  const release = await settings.files.lock(settings.folder);
  let writer: ChainWriter | undefined;
  try {
    const found = await recover(settings.files, settings.folder);
    writer = new ChainWriter(settings, found);
    // Not because of age: what a crash left is recorded in the segment it was found in.
    if (writer.needsSegment) await writer.roll();
    await recordRecovery(writer, found, settings);
    const { clock, log, retryMs } = settings;
    return new FileJournal({ writer, queue: new Queue(settings.bounds), clock, log, retryMs, release });
  } catch (error) {
    await writer?.close().catch(() => undefined);
    release();
    throw error;
  }
}

/**
 * Says in the trail what the crash cost. Every outcome is a record of its own, so that a second crash in here leaves the rest for
 * the next start, and no intent gets two.
 */
async function recordRecovery(writer: ChainWriter, found: Recovered, { clock, log }: JournalOptions): Promise<void> {
  const open = [...writer.chain.open];
  if (open.length === 0 && found.tornFiles.length === 0) return;
  const reason = 'gateway stopped before the outcome was recorded';
  const records = open.map((intent) =>
    prepare({ kind: 'outcome', body: { intent, result: 'unknown', reason } }, clock.now()),
  );
  const body = { torn_bytes: found.tornBytes, torn_files: [...found.tornFiles], unknown_outcomes: open.length };
  records.push(prepare({ kind: 'recovered', body }, clock.now()));
  failpoint('journal.recovery');
  await writer.write(records, true);
  log.warn(body, 'the journal was repaired after a crash');
}
