import { startsOf } from './corpus.ts';
import type { Coverage } from './coverage.ts';
import { minimised } from './minimise.ts';
import { type Material, mutate } from './mutate.ts';
import { type Random, randomOf } from './random.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** Asked after every batch, with the number of inputs that were run. */
  readonly done: (runs: number) => boolean;
  /** Guides the choice of what to go on from; without it only the starts are mutated. */
  readonly coverage?: Coverage;
  /** Longest input, bytes; what the target says unless told. */
  readonly longest?: number;
  readonly onFailure: (input: Buffer, error: unknown) => void;
  /** An input that took longer than two seconds: no failure by itself, for a machine may be busy. */
  readonly onSlow?: (input: Buffer, ms: number) => void;
}

export interface FuzzReport {
  readonly runs: number;
  /** Different failures: by the first line of what was thrown. */
  readonly failures: number;
  /** Inputs that reached something new. */
  readonly reached: number;
}

const BATCH = 64;
const SLOW_MS = 2000;
/** Of one failure; the second input of a kind tells little. */
const MOST_FAILURES = 20;

/** Mutates and runs until told to stop. Each kind of failure is minimised and reported once. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzReport> {
  const random = randomOf(options.seed);
  const pool: Buffer[] = startsOf(target);
  const tokens = target.tokens.map((token) => Buffer.from(token));
  const material: Material = { random, others: pool, tokens, longest: options.longest ?? target.longest ?? 4096 };
  const kinds = new Set<string>();
  const seen = { together: new Set<string>(), alone: new Set<string>() };
  let reached = 0;
  let runs = 0;
  while (!options.done(runs) && kinds.size < MOST_FAILURES) {
    const batch = Array.from({ length: BATCH }, () => mutate(chosen(pool, random), material));
    for (const input of batch) {
      runs++;
      const began = performance.now();
      const error = await failureOf(target, input);
      const took = performance.now() - began;
      if (took > SLOW_MS) options.onSlow?.(input, took);
      if (error === null || kinds.has(kindOf(error))) continue;
      kinds.add(kindOf(error));
      const same = async (candidate: Uint8Array): Promise<boolean> => {
        const other = await failureOf(target, candidate);
        return other !== null && kindOf(other) === kindOf(error);
      };
      options.onFailure(await minimised(input, same), error);
    }
    // What a batch reached is looked for input by input only when there is something: asking V8 costs as much as many runs.
    if (options.coverage?.novel(seen.together) !== true) continue;
    const novel = await novelAmong(batch, target, { seen: seen.alone, coverage: options.coverage });
    pool.push(...novel.slice(0, Math.max(0, MOST_KEPT - pool.length)));
    reached += novel.length;
  }
  return { runs, failures: kinds.size, reached };
}

/** Later inputs more often: they stand where nothing stood before. */
function chosen(pool: readonly Buffer[], random: Random): Buffer {
  const newest = random.below(2) === 0 ? Math.max(0, pool.length - 32) : 0;
  return pool[newest + random.below(pool.length - newest)] ?? Buffer.alloc(0);
}

const MOST_KEPT = 2000;

async function novelAmong(
  batch: readonly Buffer[],
  target: FuzzTarget,
  { seen, coverage }: { seen: Set<string>; coverage: Coverage },
): Promise<Buffer[]> {
  const novel: Buffer[] = [];
  for (const input of batch) {
    await failureOf(target, input);
    if (coverage.novel(seen)) novel.push(input);
  }
  return novel;
}

/** What `run` throws for this input, or null. */
export async function failureOf(target: Pick<FuzzTarget, 'run'>, input: Uint8Array): Promise<unknown> {
  try {
    await target.run(input);
    return null;
  } catch (error) {
    return error ?? new Error('nothing was thrown');
  }
}

/** Failures of one kind differ in their values, not in their words. */
export function kindOf(error: unknown): string {
  const [first = ''] = String(error instanceof Error ? error.message : error).split('\n');
  return first.replace(/"[^"]*"|'[^']*'|\d+/g, '_').slice(0, 120);
}
