import type { Figure, RatioName } from './summary.ts';

/** What Gatehouse wants to reach with everything on, on one core. */
export interface Target {
  readonly scenario: string;
  readonly figure: Figure;
  readonly most: number;
  readonly says: string;
}

/** By size of the body: CPU a call, and wait added at the median. A synced journal adds one group commit of the disk to the wait. */
const BODIES = { '2kb': [170, 0.6], '120kb': [600, 1.3], '400kb': [1800, 3] } as const;
const STREAMS = ['streams-200', 'streams-2000'] as const;

export const TARGETS: readonly Target[] = [
  ...Object.entries(BODIES).flatMap(([scenario, [micros, ms]]) => [
    { scenario, figure: 'cpuMicros' as const, most: micros, says: `at most ${micros} µs CPU a call` },
    { scenario, figure: 'addedP50' as const, most: ms, says: `at most ${ms} ms added, p50` },
  ]),
  ...STREAMS.map((scenario) => ({
    scenario,
    figure: 'chunkMicros' as const,
    most: 45,
    says: 'at most 45 µs CPU a streamed chunk',
  })),
  { scenario: 'streams-2000', figure: 'lagP99', most: 20, says: 'event loop at most 20 ms late, p99' },
  ...[...Object.keys(BODIES), ...STREAMS].map((scenario) => ({
    scenario,
    figure: 'rssMegabytes' as const,
    most: 250,
    says: 'at most 250 MB of memory',
  })),
];

/** What it wants to reach beside another. */
export interface RatioTarget {
  readonly scenario: string;
  readonly figure: Figure;
  readonly ratio: RatioName;
  readonly least: number;
  readonly says: string;
}

export const RATIO_TARGETS: readonly RatioTarget[] = Object.keys(BODIES).map((scenario) => ({
  scenario,
  figure: 'cpuMicros',
  ratio: 'portkey / gatehouse',
  least: 4,
  says: "at most a quarter of Portkey's CPU a call",
}));
