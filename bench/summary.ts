import type { Row } from './compare.ts';
import type { Figures } from './measure.ts';
import type { Variant } from './options.ts';
import { median } from './statistics.ts';

/** What the report shows, in its order. `added` figures are those of a variant without those of `direct` in the same round. */
export const FIGURES = {
  cpuMicros: 'CPU a call, µs',
  perCore: 'calls/s a core (1 s / CPU)',
  perSecond: 'calls/s seen at full load',
  ownMicros: 'CPU a call of generator and double, µs',
  openCpuMicros: 'CPU a call at the fixed rate, µs',
  addedP50: 'added p50, ms',
  addedP99: 'added p99, ms',
  p50: 'p50, ms',
  p99: 'p99, ms',
  addedFirstP50: 'added to the first byte p50, ms',
  addedFirstP99: 'added to the first byte p99, ms',
  firstP50: 'first byte p50, ms',
  firstP99: 'first byte p99, ms',
  chunkMicros: 'CPU a chunk, µs',
  cores: 'cores used',
  chunksPerSecond: 'chunks/s',
  addedChunkP50: 'added chunk delay p50, ms',
  chunkP50: 'chunk delay p50, ms',
  chunkP99: 'chunk delay p99, ms',
  lagP99: 'event loop lag p99, ms',
  rssMegabytes: 'memory (RSS), MB',
  lateP99: 'generator late p99, ms',
  failed: 'failed calls',
  foreign: 'cores used by others',
} as const;

export type Figure = keyof typeof FIGURES;

/** A figure over all rounds. */
export interface Cell {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export interface Line {
  readonly scenario: string;
  readonly figure: Figure;
  readonly cells: Readonly<Partial<Record<Variant, Cell>>>;
  /** Medians of the ratios within each round. */
  readonly ratios: Readonly<Partial<Record<RatioName, number>>>;
}

const RATIOS = {
  'gatehouse / nginx': ['gatehouse', 'nginx'],
  'portkey / gatehouse': ['portkey', 'gatehouse'],
  'written / synced': ['gatehouse-written', 'gatehouse'],
  'workers / one': ['gatehouse-workers', 'gatehouse'],
} as const satisfies Record<string, readonly [Variant, Variant]>;

export type RatioName = keyof typeof RATIOS;
export const RATIO_NAMES = Object.keys(RATIOS) as readonly RatioName[];

/** Figures whose ratios mean something: costs, not differences near zero. */
const COMPARED: readonly Figure[] = ['cpuMicros', 'perSecond', 'openCpuMicros', 'chunkMicros', 'rssMegabytes'];

/** One value of one measurement; null where there is none. */
function figureOf(figure: Figure, own: Figures, direct: Figures | undefined): number | null {
  const minus = (name: 'p50' | 'p99' | 'firstP50' | 'firstP99' | 'chunkP50'): number | null => {
    const [value, base] = [own[name], direct?.[name] ?? null];
    return own === direct || value === null || base === null ? null : value - base;
  };
  switch (figure) {
    case 'perCore':
      return own.cpuMicros === null || own.perSecond === null ? null : 1_000_000 / own.cpuMicros;
    case 'addedP50':
      return minus('p50');
    case 'addedP99':
      return minus('p99');
    case 'addedFirstP50':
      return minus('firstP50');
    case 'addedFirstP99':
      return minus('firstP99');
    case 'addedChunkP50':
      return minus('chunkP50');
    case 'failed':
      return own.failed === 0 ? null : own.failed;
    default:
      return own[figure];
  }
}

/** Everything that was measured, one line for each figure of each scenario that anybody has. */
export function summarise(rows: readonly Row[]): Line[] {
  const lines: Line[] = [];
  for (const scenario of new Set(rows.map((row) => row.scenario))) {
    const of = rows.filter((row) => row.scenario === scenario);
    for (const figure of Object.keys(FIGURES) as Figure[]) {
      const line = lineOf(of, { scenario, figure });
      if (Object.keys(line.cells).length > 0) lines.push(line);
    }
  }
  return lines;
}

function lineOf(rows: readonly Row[], { scenario, figure }: { scenario: string; figure: Figure }): Line {
  // Values by variant and round: what is compared was measured within seconds of each other.
  const values = new Map<Variant, Map<number, number>>();
  for (const { round, variant, figures } of rows) {
    const direct = rows.find((row) => row.round === round && row.variant === 'direct')?.figures;
    const value = figureOf(figure, figures, direct);
    if (value === null || !Number.isFinite(value)) continue;
    values.set(variant, (values.get(variant) ?? new Map<number, number>()).set(round, value));
  }
  const cells = Object.fromEntries([...values].map(([variant, byRound]) => [variant, cellOf([...byRound.values()])]));
  return { scenario, figure, cells, ratios: COMPARED.includes(figure) ? ratiosOf(values) : {} };
}

function cellOf(values: readonly number[]): Cell {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}

function ratiosOf(values: ReadonlyMap<Variant, ReadonlyMap<number, number>>): Line['ratios'] {
  const ratios: Partial<Record<RatioName, number>> = {};
  for (const name of RATIO_NAMES) {
    const [above, below] = RATIOS[name];
    const pairs = [...(values.get(above) ?? [])].flatMap(([round, value]) => {
      const base = values.get(below)?.get(round);
      return base === undefined || base === 0 ? [] : [value / base];
    });
    if (pairs.length > 0) ratios[name] = median(pairs);
  }
  return ratios;
}
