import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SCENARIOS, type Scenario } from './scenarios.ts';

export const VARIANTS = ['direct', 'nginx', 'portkey', 'gatehouse', 'gatehouse-written', 'gatehouse-workers'] as const;
export type Variant = (typeof VARIANTS)[number];

export interface Options {
  readonly rounds: number;
  /** Seconds of every measured stretch. */
  readonly seconds: number;
  readonly variants: readonly Variant[];
  readonly scenarios: readonly Scenario[];
  readonly json: boolean;
  /** File for the JSON report besides what is printed. */
  readonly out: string | null;
  readonly seed: number;
  readonly poisson: boolean;
  /** Worker processes of the variant `gatehouse-workers`; null leaves that variant out. */
  readonly workers: number | null;
  readonly pin: boolean;
  readonly soak: boolean;
  /** Calls of the soak. */
  readonly calls: number;
}

export const HELP = `npm run bench -- [options]

  --quick             one short round of everything, in under two minutes
  --rounds N          interleaved rounds (default 5; quick 1)
  --duration S        seconds of every measured stretch (default 4; quick 0.8)
  --only NAMES        comma-separated variants and scenarios; "direct" is always measured
                      variants:  ${VARIANTS.join(', ')}
                      scenarios: ${SCENARIOS.map(({ name }) => name).join(', ')}
  --workers N         also measure gatehouse start --workers N, as gatehouse-workers
  --arrivals KIND     poisson (default) or constant
  --seed N            of orders and arrivals (default 1)
  --no-pin            leave it to the system which core runs what
  --json              print JSON and nothing else
  --out FILE          write the JSON to a file as well
  --soak              one long closed loop instead, to see whether memory stays flat
  --calls N           calls of the soak (default 1000000)`;

/** @throws Error with a sentence for the user */
export function parseOptions(argv: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...argv],
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      duration: { type: 'string' },
      only: { type: 'string' },
      workers: { type: 'string' },
      arrivals: { type: 'string', default: 'poisson' },
      seed: { type: 'string', default: '1' },
      pin: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
      out: { type: 'string' },
      soak: { type: 'boolean', default: false },
      calls: { type: 'string', default: '1000000' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.arrivals !== 'poisson' && values.arrivals !== 'constant')
    throw new Error('--arrivals must be poisson or constant');
  const workers = values.workers === undefined ? null : numberOf('--workers', values.workers);
  return {
    rounds: numberOf('--rounds', values.rounds ?? (values.quick ? '1' : '5')),
    seconds: numberOf('--duration', values.duration ?? (values.quick ? '0.8' : '4')),
    ...chosen(values.only, { quick: values.quick, workers }),
    json: values.json,
    out: values.out ?? null,
    seed: numberOf('--seed', values.seed),
    poisson: values.arrivals === 'poisson',
    workers,
    pin: values.pin,
    soak: values.soak,
    calls: numberOf('--calls', values.calls),
  };
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${name} must be a number above 0`);
  return number;
}

function chosen(
  only: string | undefined,
  { quick, workers }: { quick: boolean; workers: number | null },
): Pick<Options, 'variants' | 'scenarios'> {
  const names = (only ?? '').split(',').filter((name) => name !== '');
  const known = [...VARIANTS, ...SCENARIOS.map(({ name }) => name)];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`--only: there is no "${unknown}"; there are ${known.join(', ')}`);
  const possible = VARIANTS.filter((name) => name !== 'gatehouse-workers' || workers !== null);
  const variants = possible.filter((name) => names.includes(name));
  const scenarios = SCENARIOS.filter(({ name }) => names.includes(name));
  return {
    variants: variants.length === 0 ? possible : [...new Set<Variant>(['direct', ...variants])],
    scenarios: scenarios.length > 0 ? scenarios : SCENARIOS.filter((scenario) => !quick || scenario.quick),
  };
}

export interface Cores {
  /** Cores of a server, as `taskset -c` takes them; null where nothing is pinned. */
  readonly server: string | null;
  /** Cores of generator and double. */
  readonly load: string | null;
}

/**
 * The server gets the first core, or the first `workers` of them, generator and double the next ones. Where too few are left they
 * share the last, which the report says.
 */
export function coresFor(workers: number | null, cores = availableParallelism()): Cores {
  const servers = Math.min(workers ?? 1, cores);
  const range = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`);
  return { server: range(0, servers - 1), load: range(Math.min(Math.max(1, servers), cores - 1), cores - 1) };
}
