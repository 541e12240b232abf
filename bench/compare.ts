import type { DoubleJob } from './double/main.ts';
import { type Bench, type Figures, measure } from './measure.ts';
import { coresFor, type Options, type Variant } from './options.ts';
import { startWorker } from './process.ts';
import type { Scenario } from './scenarios.ts';
import type { Server } from './servers/server.ts';
import { startServer } from './servers/start.ts';
import { seeded, shuffled } from './statistics.ts';

/** One measurement. */
export interface Row {
  readonly round: number;
  readonly scenario: string;
  readonly variant: Variant;
  readonly figures: Figures;
}

export interface Comparison {
  readonly rows: readonly Row[];
  /** Variants that could not be measured here, and why. */
  readonly left: Readonly<Record<string, string>>;
}

/** Starts generator and double, on cores of their own where cores can be given. */
export async function openBench(
  options: Options,
): Promise<Bench & { readonly upstream: number; close(): Promise<void> }> {
  const cores = options.pin ? coresFor(null).load : null;
  const double = await startWorker<DoubleJob, unknown>(new URL('./double/main.ts', import.meta.url), cores);
  const load = await startWorker(new URL('./load/main.ts', import.meta.url), cores);
  return {
    double,
    load: load as unknown as Bench['load'],
    seconds: options.seconds,
    poisson: options.poisson,
    upstream: (double.first as { port: number }).port,
    async close() {
      await load.stop();
      await double.stop();
    },
  };
}

/** Starts every variant, then measures them in interleaved rounds, in an order of its own for each round and scenario. */
export async function compare(options: Options, say: (line: string) => void): Promise<Comparison> {
  const bench = await openBench(options);
  const servers = new Map<Variant, Server>();
  const left: Record<string, string> = {};
  try {
    await Promise.all(
      options.variants.map(async (variant) => {
        const workers = variant === 'gatehouse-workers' ? options.workers : null;
        const cores = options.pin ? coresFor(workers).server : null;
        try {
          servers.set(variant, await startServer(variant, { upstream: bench.upstream, cores, workers }));
        } catch (error) {
          left[variant] = error instanceof Error ? error.message : String(error);
          say(`left out: ${variant}: ${left[variant]}`);
        }
      }),
    );
    say(`started ${[...servers.keys()].join(', ')}`);
    await warmUp(bench, servers, options);
    return { rows: await rounds(bench, servers, { options, say }), left };
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await bench.close();
  }
}

/** Code that has not run often is interpreted and costs twice as much: nothing of the first seconds is measured. */
async function warmUp(bench: Bench, servers: ReadonlyMap<Variant, Server>, options: Options): Promise<void> {
  const seconds = options.seconds < 1 ? options.seconds / 2 : Math.min(5, options.seconds);
  await bench.double.ask({ answer: 'whole' });
  for (const server of servers.values()) {
    if (server.pid === null) continue;
    for (const kilobytes of new Set(options.scenarios.map((scenario) => scenario.kilobytes))) {
      const { port, headers } = server;
      const target = { port, headers, kilobytes, stream: false, pids: [], own: [] };
      await bench.load.ask({ kind: 'closed', target, connections: 16, seconds });
    }
  }
}

async function rounds(
  bench: Bench,
  servers: ReadonlyMap<Variant, Server>,
  { options, say }: { options: Options; say: (line: string) => void },
): Promise<Row[]> {
  const random = seeded(options.seed);
  const rows: Row[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    for (const scenario of options.scenarios) {
      const seed = options.seed * 1000 + round;
      for (const [variant, server] of shuffled([...servers], random)) {
        const figures = await measure(bench, server, { scenario, seed });
        rows.push({ round, scenario: scenario.name, variant, figures });
        say(progress(round, { scenario, variant, figures }));
      }
    }
  }
  return rows;
}

function progress(round: number, row: { scenario: Scenario; variant: Variant; figures: Figures }): string {
  const { cpuMicros, chunkMicros, p50, firstP50, failed, failure, foreign } = row.figures;
  const shown = (value: number | null, unit: string): string => (value === null ? '' : ` ${value.toFixed(2)} ${unit}`);
  return [
    `round ${round} ${row.scenario.name} ${row.variant}:`,
    shown(cpuMicros, 'µs CPU a call'),
    shown(chunkMicros, 'µs CPU a chunk'),
    shown(p50, 'ms p50'),
    shown(firstP50, 'ms to the first byte'),
    `, others used ${foreign.toFixed(2)} cores`,
    failed > 0 ? `, ${failed} FAILED: ${failure}` : '',
  ].join('');
}
