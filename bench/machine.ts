import { spawnSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import type { Row } from './compare.ts';
import { coresFor, type Options } from './options.ts';
import { versions } from './servers/start.ts';
import { median } from './statistics.ts';

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly kernel: string;
  /** Where data folders were: a journal on a disk in memory syncs for nothing. */
  readonly disk: string;
  readonly pinned: { readonly server: string | null; readonly load: string | null };
  readonly versions: Readonly<Record<string, string | null>>;
}

const MEMORY_FILE_SYSTEM = 0x01021994;

export function machine(options: Options): Machine {
  const onMemory = statfsSync(tmpdir()).type === MEMORY_FILE_SYSTEM;
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGigabytes: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    disk: onMemory ? `${tmpdir()} (in memory)` : tmpdir(),
    pinned: options.pin ? coresFor(null) : { server: null, load: null },
    versions: versions(),
  };
}

export function canPin(): boolean {
  return spawnSync('taskset', ['-V']).status === 0;
}

/** More than this many cores used by others make latencies those of the machine as much as those of a gateway. */
export const QUIET = 0.1;

/** What these figures do not say, on this machine and in this run. */
export function caveats(options: Options, on: Machine, rows: readonly Row[]): string[] {
  const found = [
    'No TLS and no network: everything is on one machine and in plain HTTP, so a real provider costs every variant more.',
    'Gatehouse does more than the others: it checks keys, policy, rates and budgets and records every call before it is sent.',
    'portkey here is the open-source gateway passing calls on: no keys of its own, no budgets, no records.',
    'Memory is resident memory of all processes of a variant, pages they share counted for each.',
    'A 99th percentile of one short stretch is made of few calls; only those of many rounds mean something.',
  ];
  if (!options.pin) found.push('Nothing was pinned: server, generator and double took cores from one another.');
  if (on.cores < 3)
    found.push(
      'Generator and double share one core, and with everything else that runs here: waits for them count as latency.',
    );
  if (options.workers !== null && on.cores < options.workers + 2)
    found.push(
      `${options.workers} workers, the ledger and the load share ${on.cores} cores: how they scale cannot be seen here.`,
    );
  if (on.disk.endsWith('(in memory)')) found.push('The data folder is in memory: a sync costs nothing there.');
  const foreign = rows.map(({ figures }) => figures.foreign);
  if (rows.length > 0) {
    const [middle, worst] = [median(foreign), Math.max(...foreign)];
    found.push(
      `Other processes used ${middle.toFixed(2)} cores at the median and ${worst.toFixed(2)} at the worst of the measurements` +
        (middle > QUIET ? ': latencies are upper bounds, CPU times are dearer than on a quiet machine.' : '.'),
    );
  }
  const failed = rows.filter((row) => row.figures.failed > 0);
  for (const { round, scenario, variant, figures } of failed)
    found.push(`Round ${round}, ${scenario}, ${variant}: ${figures.failed} calls failed (${figures.failure}).`);
  return found;
}
