/**
 * Breaks a running Gatehouse on purpose: `npm run faults` in every way, `npm run faults -- crash` in one. `--rounds N` asks the
 * suites that take random turns for more of them, `--seed N` for the same ones again. The last line is `N passed, N failed`.
 */
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { runSuites, type Suite } from '../scripts/suites.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, seed: { type: 'string' } },
});
if (values.rounds !== undefined) process.env.FAULT_ROUNDS = values.rounds;
if (values.seed !== undefined) process.env.FAULT_SEED = values.seed;

const suites = new Map<string, { readonly name: string; readonly files: string[] }>();
for (const file of [...globSync('test/faults/*.test.ts'), ...globSync('faults/*.test.ts')].sort()) {
  const name = basename(file, '.test.ts');
  const suite = suites.get(name) ?? { name, files: [] };
  suite.files.push(file);
  suites.set(name, suite);
}
runSuites('fault', [...suites.values()] satisfies Suite[], positionals);
