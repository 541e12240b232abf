/**
 * Writes docs/openapi.json from the admin door's own schemas; with `--check` it only compares and fails when they differ.
 * Run after every change of a route.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { renderOpenapi } from '../src/doors/admin/describe.ts';

const FILE = new URL('../docs/openapi.json', import.meta.url);
const wanted = await renderOpenapi();
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, wanted);
} else if (readFileSync(FILE, 'utf8') !== wanted) {
  console.error('docs/openapi.json is stale: run node scripts/openapi.ts');
  process.exitCode = 1;
}
