import type { DoubleJob } from './double/main.ts';
import type { LoadAnswer, LoadJob, Target } from './load/jobs.ts';
import type { Worker } from './process.ts';
import type { Scenario } from './scenarios.ts';
import type { Server } from './servers/server.ts';
import { processTree } from './system.ts';

/** The two processes that make the load, and how they are pinned. */
export interface Bench {
  readonly load: Worker<LoadJob, { readonly answer?: LoadAnswer; readonly error?: string }>;
  readonly double: Worker<DoubleJob, unknown>;
  readonly seconds: number;
  readonly poisson: boolean;
}

/** Figures of one variant in one scenario and one round. Null is what does not apply or could not be measured. */
export interface Figures {
  /** CPU time of the server per call, in microseconds: at full load for whole answers. */
  readonly cpuMicros: number | null;
  /** Calls per second at full load. */
  readonly perSecond: number | null;
  /** CPU time of generator and double per call at full load, in microseconds. */
  readonly ownMicros: number | null;
  /** CPU time per call at the fixed rate, in microseconds. */
  readonly openCpuMicros: number | null;
  /** ms from the intended time of sending to the end of the answer. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** ms from the intended time of sending to the first byte of the body. */
  readonly firstP50: number | null;
  readonly firstP99: number | null;
  /** How late the generator itself was, p99 in ms. */
  readonly lateP99: number | null;
  /** CPU time of the server per chunk, in microseconds. */
  readonly chunkMicros: number | null;
  /** Cores that the server used while the streams ran. */
  readonly cores: number | null;
  readonly chunksPerSecond: number | null;
  /** ms from the double's write of a chunk to the client's read. */
  readonly chunkP50: number | null;
  readonly chunkP99: number | null;
  /** p99 of the lag of the server's event loop while the streams ran, in ms. */
  readonly lagP99: number | null;
  readonly rssMegabytes: number | null;
  readonly done: number;
  readonly failed: number;
  readonly failure: string | null;
  /** Share of the time that each core was busy, by core, whoever used it; the most of all stretches. */
  readonly busy: readonly number[];
  /** Cores' worth of CPU time that others used meanwhile; the most of all stretches. */
  readonly foreign: number;
}

export const EMPTY: Figures = {
  cpuMicros: null,
  perSecond: null,
  ownMicros: null,
  openCpuMicros: null,
  p50: null,
  p99: null,
  firstP50: null,
  firstP99: null,
  lateP99: null,
  chunkMicros: null,
  cores: null,
  chunksPerSecond: null,
  chunkP50: null,
  chunkP99: null,
  lagP99: null,
  rssMegabytes: null,
  done: 0,
  failed: 0,
  failure: null,
  busy: [],
  foreign: 0,
};

const MEGABYTE = 1024 * 1024;
/** The lag of an event loop is a 99th percentile of looks every 10 ms: it needs some of them to mean something. */
const LAG_SECONDS = 1.5;
/** Streams are opened at this rate, so that opening them is no load test of its own. */
const OPENED_PER_SECOND = 800;

/** Measures one variant in one scenario. `seed` fixes the arrivals, which are the same for all variants of a round. */
export async function measure(
  bench: Bench,
  server: Server,
  { scenario, seed }: { scenario: Scenario; seed: number },
): Promise<Figures> {
  const target: Target = {
    port: server.port,
    headers: server.headers,
    kilobytes: scenario.kilobytes,
    stream: scenario.kind !== 'whole',
    pids: server.pid === null ? [] : processTree(server.pid),
    own: [bench.double.pid],
  };
  switch (scenario.kind) {
    case 'whole':
      return whole(bench, target, { scenario, seed });
    case 'first':
      return first(bench, target, { scenario, seed });
    case 'streams':
      return streams(bench, target, { scenario, server });
  }
}

async function run(bench: Bench, job: LoadJob): Promise<LoadAnswer> {
  const { answer, error } = await bench.load.ask(job);
  if (answer === undefined) throw new Error(error ?? 'the generator did not answer');
  return answer;
}

type Of<K extends Scenario['kind']> = Extract<Scenario, { kind: K }>;

async function whole(
  bench: Bench,
  target: Target,
  { scenario, seed }: { scenario: Of<'whole'>; seed: number },
): Promise<Figures> {
  await bench.double.ask({ answer: 'whole' });
  const { seconds, poisson } = bench;
  const closed = await run(bench, { kind: 'closed', target, connections: scenario.connections, seconds });
  const open = await run(bench, { kind: 'open', target, perSecond: scenario.perSecond, seconds, poisson, seed });
  return {
    ...EMPTY,
    ...together(target, [closed, open]),
    cpuMicros: perUnit(target, closed, closed.done),
    perSecond: closed.done / closed.stretch.seconds,
    ownMicros: closed.done === 0 ? null : (closed.stretch.ownMs * 1000) / closed.done,
    openCpuMicros: perUnit(target, open, open.done),
    p50: open.whole.p50,
    p99: open.whole.p99,
    lateP99: open.late.p99,
  };
}

async function first(
  bench: Bench,
  target: Target,
  { scenario, seed }: { scenario: Of<'first'>; seed: number },
): Promise<Figures> {
  const { perSecond, everyMs, chunks } = scenario;
  await bench.double.ask({ answer: 'stream', everyMs, chunks });
  const { seconds, poisson } = bench;
  const open = await run(bench, { kind: 'open', target, perSecond, seconds, poisson, seed });
  return {
    ...EMPTY,
    ...together(target, [open]),
    cpuMicros: perUnit(target, open, open.done),
    firstP50: open.first.p50,
    firstP99: open.first.p99,
    lateP99: open.late.p99,
  };
}

async function streams(
  bench: Bench,
  target: Target,
  { scenario, server }: { scenario: Of<'streams'>; server: Server },
): Promise<Figures> {
  await bench.double.ask({ answer: 'stream', everyMs: scenario.everyMs, chunks: null });
  const seconds = Math.max(bench.seconds, LAG_SECONDS);
  const { streams, perSecond } = { streams: scenario.streams, perSecond: OPENED_PER_SECOND };
  await run(bench, { kind: 'open-streams', target, streams, perSecond });
  // What the server tells next is of the time since now: opening the streams is not in it.
  await server.lagMs();
  const held = await run(bench, { kind: 'hold', target, seconds });
  const lagP99 = await server.lagMs();
  await bench.double.ask({ answer: 'finish' });
  const ended = await run(bench, { kind: 'drain' });
  const missing = scenario.streams - ended.done - ended.failed;
  return {
    ...EMPTY,
    ...together(target, [held]),
    done: ended.done,
    failed: ended.failed + missing,
    failure: ended.failure ?? (missing > 0 ? 'streams that did not end' : null),
    firstP50: held.first.p50,
    firstP99: held.first.p99,
    chunkMicros: perUnit(target, held, held.chunks),
    cores: target.pids.length === 0 ? null : held.stretch.cpuMs / 1000 / held.stretch.seconds,
    chunksPerSecond: held.chunks / held.stretch.seconds,
    chunkP50: held.chunkDelay.p50,
    chunkP99: held.chunkDelay.p99,
    lagP99,
  };
}

/** CPU time of the server per unit, in microseconds; null where there is no server or nothing was done. */
function perUnit(target: Target, { stretch }: LoadAnswer, units: number): number | null {
  return target.pids.length === 0 || units === 0 ? null : (stretch.cpuMs * 1000) / units;
}

type Common = Pick<Figures, 'done' | 'failed' | 'failure' | 'busy' | 'foreign' | 'rssMegabytes'>;

function together(target: Target, answers: readonly LoadAnswer[]): Common {
  const most = (values: readonly number[]): number => Math.max(...values);
  const busy = answers[0]?.stretch.busy ?? [];
  return {
    done: answers.reduce((sum, { done }) => sum + done, 0),
    failed: answers.reduce((sum, { failed }) => sum + failed, 0),
    failure: answers.find(({ failure }) => failure !== null)?.failure ?? null,
    busy: busy.map((_, core) => most(answers.map(({ stretch }) => stretch.busy[core] ?? 0))),
    foreign: most(answers.map(({ stretch }) => foreignOf(stretch))),
    rssMegabytes: target.pids.length === 0 ? null : most(answers.map(({ stretch }) => stretch.rssBytes)) / MEGABYTE,
  };
}

/** Cores' worth of CPU time that neither the server nor the benchmark used. Ticks are coarse: it may come out just below 0. */
export function foreignOf(stretch: LoadAnswer['stretch']): number {
  const busy = stretch.busy.reduce((sum, share) => sum + share, 0);
  return Math.max(0, busy - (stretch.cpuMs + stretch.ownMs) / 1000 / stretch.seconds);
}
