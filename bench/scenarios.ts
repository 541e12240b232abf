/** What is measured of every variant. */
export type Scenario = {
  readonly name: string;
  readonly says: string;
  readonly kilobytes: number;
  /** Whether `--quick` has it. */
  readonly quick: boolean;
} & (
  | { readonly kind: 'whole'; readonly perSecond: number; readonly connections: number }
  | { readonly kind: 'first'; readonly perSecond: number; readonly everyMs: number; readonly chunks: number }
  | { readonly kind: 'streams'; readonly streams: number; readonly everyMs: number }
);

/** Rates are such that the slowest variant is not saturated by them on one core of a server machine. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: '2kb',
    says: 'bodies of 2 KB, whole answers of 1.4 KB',
    kilobytes: 2,
    quick: true,
    kind: 'whole',
    perSecond: 500,
    connections: 32,
  },
  {
    name: '120kb',
    says: 'bodies of 120 KB, whole answers of 1.4 KB',
    kilobytes: 120,
    quick: true,
    kind: 'whole',
    perSecond: 100,
    connections: 32,
  },
  {
    name: '400kb',
    says: 'bodies of 400 KB, about 100,000 tokens, whole answers of 1.4 KB',
    kilobytes: 400,
    quick: true,
    kind: 'whole',
    perSecond: 50,
    connections: 16,
  },
  {
    name: 'first-2kb',
    says: 'streams of 10 chunks every 20 ms, bodies of 2 KB',
    kilobytes: 2,
    quick: true,
    kind: 'first',
    perSecond: 50,
    everyMs: 20,
    chunks: 10,
  },
  {
    name: 'first-120kb',
    says: 'streams of 10 chunks every 20 ms, bodies of 120 KB',
    kilobytes: 120,
    quick: false,
    kind: 'first',
    perSecond: 50,
    everyMs: 20,
    chunks: 10,
  },
  {
    name: 'streams-200',
    says: '200 open streams, a chunk every 20 ms in each',
    kilobytes: 2,
    quick: true,
    kind: 'streams',
    streams: 200,
    everyMs: 20,
  },
  {
    name: 'streams-2000',
    says: '2,000 open streams, 4 chunks a second in each',
    kilobytes: 2,
    quick: true,
    kind: 'streams',
    streams: 2000,
    everyMs: 250,
  },
];
