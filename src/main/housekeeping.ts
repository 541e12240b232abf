import { join } from 'node:path';
import type { Checkpoints } from '../journal/checkpoint.ts';
import { compressSealed } from '../journal/compress.ts';
import { retireSegments } from '../journal/retire.ts';
import type { SigningKey } from '../journal/signing.ts';
import type { FileJournal } from '../journal/writer.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Projections } from '../projections/ports.ts';

export interface Housekeeping {
  readonly dir: string;
  readonly journal: FileJournal;
  readonly projections: Pick<Projections, 'balances'>;
  readonly checkpoints: Pick<Checkpoints, 'now'>;
  readonly key: SigningKey;
  readonly clock: Clock;
  /** Segments sealed longer ago than this are retired, milliseconds. */
  readonly keepMs: number;
}

/** One round: packs sealed segments, retires old ones with their opening balances (P10). Off the path of a call. */
export async function keepHouse(house: Housekeeping): Promise<void> {
  const { dir, journal, projections, checkpoints, key, clock, keepMs } = house;
  await compressSealed(dir, journal.head);
  // The newest checkpoint must never name a record that is gone: after a run of short lives it may be as old as the oldest segment.
  await checkpoints.now();
  await retireSegments({
    dir,
    journal,
    keepMs,
    balances: async ({ segment, last }) => {
      // No segment may be named so: the verifier takes every `.jsonl` in this folder for one.
      const file = `balances-${segment}.txt`;
      return { file, ...(await projections.balances(last, join(dir, journal.head.writer, file))) };
    },
    key,
    clock,
  });
}
