/** Runs suites of tests that need real processes, tools or minutes, for `npm run e2e` and `npm run faults`. */
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

export interface Suite {
  readonly name: string;
  /** What it is about, in one line; nothing is printed without it. */
  readonly about?: string;
  readonly files: readonly string[];
}

/**
 * Runs the suites whose names are given, all of them without a name, one file at a time and each in a process of its own. The last
 * line is `N passed, N failed`, with `, N skipped` where something was; the exit code is 1 on any failure or when nothing passed,
 * and 2 for a name that does not exist. `kind` names them in that message, for example `end-to-end`.
 */
export function runSuites(kind: string, suites: readonly Suite[], names: readonly string[]): void {
  const unknown = names.find((name) => !suites.some((suite) => suite.name === name));
  if (unknown !== undefined) {
    const known = suites.map(({ name }) => name).join(', ');
    console.error(`There is no ${kind} suite "${unknown}". There are: ${known}.`);
    process.exitCode = 2;
    return;
  }
  const wanted = suites.filter(({ name }) => names.length === 0 || names.includes(name));
  for (const { name, about } of wanted) if (about !== undefined) console.log(`${name}: ${about}`);
  runFiles(wanted.flatMap(({ files }) => files));
}

function runFiles(files: string[]): void {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const stream = run({ files, concurrency: 1, isolation: 'process' });
  stream.on('test:pass', ({ details, skip }) => {
    if (details.type === 'suite') return;
    if (skip === undefined || skip === false) counts.passed++;
    else counts.skipped++;
  });
  stream.on('test:fail', ({ details }) => {
    if (details.type !== 'suite') counts.failed++;
  });
  stream.on('end', () => {
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
    process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
    process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
  });
  stream.compose(spec).pipe(process.stdout, { end: false });
}
