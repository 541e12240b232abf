/**
 * Fuzzes our parsers: `npm run fuzz -- --seconds 60 [--target sse] [--seed 7] [--longest BYTES] [--blind]`. Without a target every one
 * has its turn, for so many seconds each. A failure is minimised and kept in `test/fuzz/corpus/<target>/crash-<digest>`, which
 * `npm test` runs from then on. Exit code 1 when something was found.
 */
import { parseArgs } from 'node:util';
import { keep } from '../test/fuzz/engine/corpus.ts';
import { Coverage } from '../test/fuzz/engine/coverage.ts';
import { fuzz } from '../test/fuzz/engine/fuzz.ts';
import type { FuzzTarget } from '../test/fuzz/engine/target.ts';
import { TARGETS } from '../test/fuzz/targets/index.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    longest: { type: 'string' },
    /** Without guidance by coverage: many more runs of a target that is quick. */
    blind: { type: 'boolean', default: false },
  },
});

function numberOf(name: 'seconds' | 'seed' | 'longest'): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number`);
  return value;
}

async function turn(target: FuzzTarget): Promise<number> {
  const coverage = values.blind ? undefined : new Coverage('/src/');
  const ends = performance.now() + numberOf('seconds') * 1000;
  try {
    const report = await fuzz(target, {
      seed: numberOf('seed'),
      ...(values.longest === undefined ? {} : { longest: numberOf('longest') }),
      done: () => performance.now() >= ends,
      ...(coverage === undefined ? {} : { coverage }),
      onFailure(input, error) {
        console.log(
          `${target.name}: ${keep(target.name, input)}\n${error instanceof Error ? error.stack : String(error)}`,
        );
      },
      onSlow: (input, ms) => console.log(`${target.name}: slow (${Math.round(ms)} ms): ${keep(target.name, input)}`),
    });
    console.log(
      `${target.name}: ${report.runs} runs, ${report.reached} reached something new, ${report.failures} failures`,
    );
    return report.failures;
  } finally {
    coverage?.close();
    await target.close?.();
  }
}

const unknown = values.target.filter((name) => !TARGETS.some((target) => target.name === name));
if (unknown.length > 0)
  throw new Error(`no such target: ${unknown.join(', ')}; there are ${TARGETS.map(({ name }) => name).join(', ')}`);
const chosen = TARGETS.filter(({ name }) => values.target.length === 0 || values.target.includes(name));
console.log(`seed ${values.seed}`);
let failures = 0;
for (const target of chosen) failures += await turn(target);
process.exitCode = failures === 0 ? 0 : 1;
