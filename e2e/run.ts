/**
 * Runs the end-to-end suites: `npm run e2e` all of them, `npm run e2e -- claude` one. The last line is `N passed, N failed`.
 */
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const SUITES: Readonly<Record<string, string>> = {
  start: 'the README on a fresh copy: npm ci, npm start, first key, first look at the trail',
  claude: 'the real Claude Code through Gatehouse to the simulated provider',
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => SUITES[name] === undefined);
if (unknown.length > 0) {
  console.error(`There is no end-to-end suite "${unknown[0]}". There are: ${Object.keys(SUITES).join(', ')}.`);
  process.exit(2);
}
const names = wanted.length > 0 ? wanted : Object.keys(SUITES);
for (const name of names) console.log(`${name}: ${SUITES[name]}`);
const files = names.flatMap((name) => globSync(`e2e/${name}/*.test.ts`));
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
