import { fileFaults } from './files.ts';
import { type Result, run, tool } from './run.ts';

/** Format and lint rules, dead code, file sizes, and whether the lock file installs. One check. */
export async function lint(): Promise<Result> {
  const biome = await run(process.execPath, [
    tool('@biomejs', 'biome', 'bin', 'biome'),
    'check',
    '--max-diagnostics=50',
    '.',
  ]);
  const knip = await run(process.execPath, [tool('knip', 'bin', 'knip.js'), '--no-progress', '--no-config-hints']);
  const lock = await lockInstalls();
  const parts = [
    biome.code === 0 ? '' : biome.text,
    knip.code === 0 ? '' : `knip: dead code or undeclared dependencies\n${knip.text}`,
    ...fileFaults(),
    lock.fault,
  ].filter((part) => part !== '');
  const failed = parts.length > 0;
  const skips = lock.skip === '' ? '' : `skipped: ${lock.skip}\n`;
  return {
    passed: failed ? 0 : 1,
    failed: failed ? 1 : 0,
    skipped: skips === '' ? 0 : 1,
    output: skips + parts.join('\n'),
  };
}

/**
 * `npm install` leaves platform packages that its registry lacks out of the lock without a word, and `npm ci` then refuses that lock
 * with "Missing: … from lock file". Only npm itself can tell.
 */
async function lockInstalls(): Promise<{ fault: string; skip: string }> {
  const { code, text } = await run('npm', ['ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'], 120_000);
  if (/Missing:|in sync/.test(text)) return { fault: `npm ci refuses package-lock.json:\n${text}`, skip: '' };
  if (code === 0) return { fault: '', skip: '' };
  const reason = text.split('\n').find((line) => line.trim() !== '') ?? 'no answer';
  return { fault: '', skip: `npm ci --dry-run, because npm cannot be asked here (${reason.trim()})` };
}
