import { type Checkpoints, startCheckpoints } from '../journal/checkpoint.ts';
import { type DiskWatch, watchDisk } from '../journal/disk-watch.ts';
import { watchLoop } from '../kernel/loop-lag.ts';
import { MetricsRegistry } from '../kernel/metrics.ts';
import { type ProjectionsService, startProjections } from '../projections/client.ts';
import { type Housekeeping, keepHouse } from './housekeeping.ts';
import { dataPaths, WRITER } from './paths.ts';
import type { State, StateParts } from './state.ts';
import type { Fleet, WorkerState } from './workers/fleet.ts';

/** What runs beside the path of a call: views, checkpoints, packing and retiring of segments, numbers. */
export interface Watch {
  readonly metrics: MetricsRegistry;
  readonly projections: ProjectionsService;
  readonly disk: DiskWatch;
  /** Null when calls can be served, else why not. */
  notReady(): string | null;
  /** Sentences about what is wrong now. */
  warnings(): string[];
}

const HOUSEKEEPING_MS = 60_000;

export async function startWatch(parts: StateParts & { state: State }): Promise<Watch> {
  const { config, dataDir, clock, log, closers, state } = parts;
  const paths = dataPaths(dataDir);
  const projections = await startProjections({
    journalDir: paths.journal,
    writer: WRITER,
    databasePath: paths.usage,
    log,
  });
  closers.add('views', () => projections.close());
  const checkpoints = startCheckpoints({
    heads: () => [state.journal.head],
    key: state.signingKey,
    destinations: [paths.checkpoints, ...config.journal.checkpoints],
    intervalMs: config.journal.checkpoint_every,
    clock,
    log,
  });
  closers.add('checkpoints', () => checkpoints.close());
  const disk = startDisk(parts);
  startHousekeeping(parts, { projections, checkpoints });
  const metrics = new MetricsRegistry();
  measure({ metrics, state, projections, disk });
  measureLoop(metrics, closers);
  return {
    metrics,
    projections,
    disk,
    notReady: () => notReady(state, disk),
    warnings: () => troubles(disk, checkpoints),
  };
}

function startDisk({ config, dataDir, clock, log, closers, state }: StateParts & { state: State }): DiskWatch {
  const disk = watchDisk({
    dir: dataPaths(dataDir).journal,
    clock,
    thresholds: { low: config.journal.disk_low, critical: config.journal.disk_critical },
  });
  closers.add('disk watch', () => disk.stop());
  disk.onChange((level, forecast) => {
    if (level === 'ok') {
      log.info({ ...forecast }, 'the disk has room again');
      void state.reserve.hold();
    } else {
      log.error({ level, ...forecast }, 'the disk of the journal fills: calls are refused when it is full');
    }
  });
  return disk;
}

/** Load balancers are told before the disk is full, so that the last bytes serve the calls that are running. */
function notReady(state: State, disk: DiskWatch): string | null {
  if (state.journal.trouble !== null) return 'the journal cannot write';
  return disk.level === 'critical' ? 'the disk of the journal is nearly full' : null;
}

function troubles(disk: DiskWatch, checkpoints: Checkpoints): string[] {
  const found: string[] = [];
  if (disk.level !== 'ok')
    found.push(`The disk of the journal is ${disk.level === 'low' ? 'filling' : 'nearly full'}.`);
  if (disk.trouble !== null) found.push(`The disk of the journal cannot be watched: ${disk.trouble}`);
  for (const { destination, problem } of checkpoints.status) {
    if (problem !== null) found.push(`Checkpoints do not arrive at ${destination}: ${problem}`);
  }
  return found;
}

/** Rounds of housekeeping, one at a time. */
function startHousekeeping(
  parts: StateParts & { state: State },
  { projections, checkpoints }: Pick<Housekeeping, 'projections' | 'checkpoints'>,
): void {
  const { config, dataDir, clock, log, closers, state } = parts;
  const round = (): Promise<void> =>
    keepHouse({
      dir: dataPaths(dataDir).journal,
      journal: state.journal,
      projections,
      checkpoints,
      key: state.signingKey,
      clock,
      keepMs: config.journal.keep,
    });
  let running: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(round).catch((error) => log.error({ err: error }, 'old segments could not be put away'));
  }, HOUSEKEEPING_MS);
  timer.unref();
  closers.add('housekeeping', async () => {
    clearInterval(timer);
    await running;
  });
}

/** The processes in front of this one. */
export function measureWorkers(metrics: MetricsRegistry, fleet: Pick<Fleet, 'workers' | 'died'>): void {
  const each = (name: string, help: string, read: (worker: WorkerState) => number): void => {
    const gauge = metrics.gauge(name, help, ['worker']);
    gauge.collect(() => fleet.workers.map((one) => ({ labels: { worker: one.pid }, value: read(one) })));
  };
  each('gatehouse_worker_calls', 'Calls that a relay worker carries now.', ({ calls }) => calls);
  each('gatehouse_worker_resident_bytes', 'Resident memory of a relay worker.', (one) => one.residentBytes);
  each(
    'gatehouse_worker_event_loop_lag_p99_seconds',
    'How late the event loop of a relay worker ran, 99th percentile of the last second.',
    ({ lagSeconds }) => lagSeconds,
  );
  const died = metrics.gauge('gatehouse_workers_died', 'Relay workers that died since the start.');
  died.collect(() => [{ value: fleet.died }]);
}

function measureLoop(metrics: MetricsRegistry, closers: StateParts['closers']): void {
  const { lag, stop } = watchLoop();
  closers.add('event loop watch', stop);
  metrics
    .gauge(
      'gatehouse_event_loop_lag_p99_seconds',
      'How late the event loop ran, 99th percentile since the metrics were read before.',
    )
    .collect(() => [{ value: lag.p99() }]);
}

interface Measured {
  readonly metrics: MetricsRegistry;
  readonly state: State;
  readonly projections: ProjectionsService;
  readonly disk: DiskWatch;
}

function measure({ metrics, state, projections, disk }: Measured): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge(name, help).collect(() => [{ value: read() }]);
  };
  const { journal, openCalls } = state;
  gauge('gatehouse_open_calls', 'Calls that are open now.', () => openCalls.count);
  const { ledger } = state;
  gauge('gatehouse_reservations', 'Calls that hold money of a budget now.', () => ledger.running);
  gauge(
    'gatehouse_budget_overshoot_micros',
    'What running calls cost beyond what was held for them at admission, in micro-dollars.',
    () => ledger.overshoot.now,
  );
  gauge(
    'gatehouse_budget_overshoot_worst_micros',
    'The most by which a budget can have been passed since the start: what calls cost beyond what was held for them.',
    () => ledger.overshoot.worst,
  );
  gauge('gatehouse_request_bytes_held', 'Bytes of request bodies held for open calls.', () => openCalls.bytes);
  gauge('gatehouse_journal_waiting_records', 'Records that wait for their sync.', () => journal.metrics.waiting);
  gauge(
    'gatehouse_journal_flush_seconds',
    'Duration of the last write and sync.',
    () => journal.metrics.lastFlushMs / 1000,
  );
  gauge('gatehouse_journal_records', 'Records written since the start.', () => journal.metrics.records);
  gauge('gatehouse_journal_bytes', 'Bytes written to the journal since the start.', () => journal.metrics.bytes);
  gauge('gatehouse_journal_healthy', '1 while the journal can write, else 0.', () =>
    journal.trouble === null ? 1 : 0,
  );
  gauge('gatehouse_views_lag_records', 'Records of the journal that the views do not show yet.', () =>
    Math.max(0, journal.head.seq - projections.metrics.seq),
  );
  gauge('gatehouse_disk_free_bytes', 'Free space where the journal is.', () => disk.predict().freeBytes ?? 0);
  gauge('gatehouse_resident_bytes', 'Resident memory of the process.', () => process.memoryUsage.rss());
}
