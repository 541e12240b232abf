import { openBench } from './compare.ts';
import { coresFor, type Options } from './options.ts';
import { startGatehouse } from './servers/gatehouse.ts';
import { median } from './statistics.ts';
import { processTree } from './system.ts';

/** Memory after so many calls. */
export interface Sample {
  readonly calls: number;
  readonly rssMegabytes: number;
  readonly cpuMicros: number;
  readonly perSecond: number;
}

export interface Soak {
  readonly calls: number;
  readonly failed: number;
  readonly failure: string | null;
  readonly samples: readonly Sample[];
  /** Median memory of the second fifth, and of the last, in MB: before the second fifth caches fill and code is compiled. */
  readonly early: number;
  readonly late: number;
  /** Megabytes that were added for every million calls in between. */
  readonly perMillion: number;
}

const STEPS = 50;
/** Growth of less is that of caches and of compiled code, and says nothing about a million calls. */
const ENOUGH_CALLS = 500_000;
const CONNECTIONS = 32;
const MEGABYTE = 1024 * 1024;

/** One long closed loop of 2 KB calls against one Gatehouse, in steps between which memory is read. */
export async function soak(options: Options, say: (line: string) => void): Promise<Soak> {
  const bench = await openBench(options);
  const cores = options.pin ? coresFor(options.workers).server : null;
  const server = await startGatehouse('gatehouse', 'synced', {
    upstream: bench.upstream,
    cores,
    workers: options.workers,
  });
  const samples: Sample[] = [];
  let [done, failed, failure]: [number, number, string | null] = [0, 0, null];
  try {
    const { port, headers, pid } = server;
    const calls = Math.max(CONNECTIONS, Math.ceil(options.calls / STEPS));
    while (done + failed < options.calls) {
      const target = {
        port,
        headers,
        kilobytes: 2,
        stream: false,
        pids: processTree(pid ?? 0),
        own: [bench.double.pid],
      };
      const { answer, error } = await bench.load.ask({ kind: 'calls', target, connections: CONNECTIONS, calls });
      if (answer === undefined) throw new Error(error);
      done += answer.done;
      failed += answer.failed;
      failure ??= answer.failure;
      const { stretch } = answer;
      const sample = {
        calls: done + failed,
        rssMegabytes: stretch.rssBytes / MEGABYTE,
        cpuMicros: (stretch.cpuMs * 1000) / answer.done,
        perSecond: answer.done / stretch.seconds,
      };
      samples.push(sample);
      say(soakLine(sample));
    }
  } finally {
    await server.stop();
    await bench.close();
  }
  return { calls: done, failed, failure, samples, ...growth(samples) };
}

function soakLine({ calls, rssMegabytes, cpuMicros, perSecond }: Sample): string {
  return `${calls} calls: ${rssMegabytes.toFixed(0)} MB, ${cpuMicros.toFixed(0)} µs CPU a call, ${perSecond.toFixed(0)} calls/s`;
}

/** How much memory grew between the second fifth of the samples and the last. */
export function growth(samples: readonly Sample[]): Pick<Soak, 'early' | 'late' | 'perMillion'> {
  const fifth = Math.floor(samples.length / 5);
  const [early, late] = [samples.slice(fifth, 2 * fifth), samples.slice(samples.length - fifth)];
  const middle = (some: readonly Sample[], of: (sample: Sample) => number): number => median(some.map(of));
  const [before, after] = [middle(early, (one) => one.rssMegabytes), middle(late, (one) => one.rssMegabytes)];
  const calls = middle(late, (one) => one.calls) - middle(early, (one) => one.calls);
  return { early: before, late: after, perMillion: ((after - before) / calls) * 1_000_000 };
}

export function renderSoak(result: Soak): string {
  const { calls, failed, failure, early, late, perMillion } = result;
  return [
    ...result.samples.map(soakLine),
    '',
    `${calls} calls served, ${failed} failed${failure === null ? '' : ` (${failure})`}.`,
    `Memory: ${early.toFixed(0)} MB in the second fifth, ${late.toFixed(0)} MB in the last${
      calls < ENOUGH_CALLS
        ? '; too few calls to say whether it grows.'
        : `: ${perMillion.toFixed(1)} MB more for every million calls.`
    }`,
  ].join('\n');
}
