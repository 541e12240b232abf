import { globSync } from 'node:fs';
import { join } from 'node:path';
import { failed, type Result, ROOT, run } from './run.ts';

/** A test that takes longer hangs; a file that leaves a handle open ends here as well. */
const TEST_TIMEOUT_MS = 120_000;

/** All tests of node:test, a process for each file, two at a time. */
export async function unit(): Promise<Result> {
  const files = globSync('test/**/*.test.ts', { cwd: ROOT }).sort();
  if (files.length === 0) return failed('no test file was found');
  const reporter = join(ROOT, 'scripts', 'test-reporter.ts');
  const { code, text } = await run(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-isolation=process',
    '--test-concurrency=2',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
    ...files,
  ]);
  const lines = text.trimEnd().split('\n');
  const counts = readCounts(lines.pop() ?? '');
  if (counts === null) return failed(`the test run broke off (exit code ${code}):\n${text}`);
  const output = lines.join('\n');
  // A run that ended badly although every test passed, such as an error after the last test, is a failure too.
  if (code !== 0 && counts.failed === 0)
    return { ...counts, failed: 1, output: `${output}\nthe test run ended with code ${code}` };
  return { ...counts, output };
}

function readCounts(line: string): Omit<Result, 'output'> | null {
  try {
    return JSON.parse(line) as Omit<Result, 'output'>;
  } catch {
    return null;
  }
}
