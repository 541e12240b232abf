/**
 * Runs the named checks in order: `node scripts/check.ts lint types unit` (all of them when none is named). Prints what failed and
 * what was skipped, and as its last line `N passed, N failed` with `, N skipped` where something was. Exit code 1 on any failure.
 */
import { lint } from './checks/lint.ts';
import { failed, passed, type Result, run, tool } from './checks/run.ts';
import { unit } from './checks/unit.ts';

async function types(): Promise<Result> {
  const { code, text } = await run(process.execPath, [tool('typescript', 'bin', 'tsc')]);
  return code === 0 ? passed() : failed(text);
}

const CHECKS: Readonly<Record<string, () => Promise<Result>>> = { lint, types, unit };

async function main(names: readonly string[]): Promise<void> {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const name of names) {
    const check = CHECKS[name];
    const started = performance.now();
    const result = check === undefined ? failed(`there is no check "${name}"`) : await check().catch(broken);
    if (result.output.trim() !== '') console.log(result.output.trimEnd());
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${result.failed === 0 ? 'ok' : 'FAILED'} ${name} (${seconds} s)`);
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
  }
  const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
}

function broken(error: unknown): Result {
  return failed(`the check itself broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
}

const named = process.argv.slice(2);
await main(named.length === 0 ? Object.keys(CHECKS) : named);
