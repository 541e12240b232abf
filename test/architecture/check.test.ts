import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { lockFaults, manifestFaults } from '../../scripts/checks/files.ts';
import { ROOT, run } from '../../scripts/checks/run.ts';

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-check-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs made-up test files under the reporter; returns what it printed and the counts in its last line. */
async function report(files: Record<string, string>): Promise<{ text: string; counts: unknown; code: number | null }> {
  const paths = Object.entries(files).map(([name, source]) => {
    const path = join(folder, name);
    writeFileSync(path, source);
    return path;
  });
  const reporter = join(ROOT, 'scripts', 'test-reporter.ts');
  const { text, code } = await run(process.execPath, ['--test', `--test-reporter=${reporter}`, ...paths]);
  const lines = text.trimEnd().split('\n');
  return { counts: JSON.parse(lines.pop() ?? ''), text: lines.join('\n'), code };
}

const HEAD = `import { describe, it, test } from 'node:test'; import assert from 'node:assert/strict';\n`;

test('the reporter counts tests and not suites, and prints each failure once with its place and reason', async () => {
  const { text, counts, code } = await report({
    'a.test.mjs': `${HEAD}
      test('fine', () => {});
      test('wrong', () => assert.equal('left', 'right'));
      describe('suite', () => { it('inner fine', () => {}); it('inner wrong', () => { throw new Error('boom'); }); });
      test('outer', async (t) => { await t.test('deep wrong', () => assert.ok(false, 'deep reason')); });
      test('later', { skip: 'no database' }, () => {});
      test('some day', { todo: true }, () => {});`,
  });
  assert.deepEqual(counts, { passed: 2, failed: 5, skipped: 1 });
  assert.notEqual(code, 0);
  for (const said of [
    '✖ wrong',
    'left',
    '✖ inner wrong',
    'boom',
    '✖ deep wrong',
    'deep reason',
    '(no database)',
    'todo',
  ]) {
    assert.equal(text.split(said).length > 1, true, `${said} in ${text}`);
  }
  assert.ok(!text.includes('✖ outer') && !text.includes('✖ suite') && !text.includes('fine\n'));
  assert.match(text, /a\.test\.mjs:4:\d+/);
});

test('a test file that does not load, or holds no test, is a failure', async () => {
  const broken = await report({ 'broken.test.ts': `throw new Error('does not load');` });
  assert.deepEqual(broken.counts, { passed: 0, failed: 1, skipped: 0 });
  assert.ok(broken.text.includes('does not load'));
  const empty = await report({ 'empty.test.ts': 'export {};' });
  assert.deepEqual(empty.counts, { passed: 0, failed: 1, skipped: 0 });
});

test('a lock with addresses or install scripts is refused', () => {
  const lock = (entry: object) => JSON.stringify({ packages: { '': {}, 'node_modules/x': entry } });
  assert.deepEqual(lockFaults(lock({ version: '1.0.0', integrity: 'sha512-x' })), []);
  assert.equal(lockFaults(lock({ resolved: 'https://example.com/x.tgz' })).length, 1);
  assert.equal(lockFaults(lock({ hasInstallScript: true })).length, 1);
});

test('a version that is a range, a tag or an address is refused', () => {
  assert.deepEqual(manifestFaults(JSON.stringify({ dependencies: { x: '1.2.3', y: '1.0.0-rc.1' } })), []);
  for (const version of [
    '^1.2.3',
    '~1.2.3',
    '*',
    'latest',
    '1',
    '1.2',
    '1.x',
    '>=1.0.0',
    'npm:y@^1',
    'git+ssh://h/x',
  ]) {
    assert.equal(manifestFaults(JSON.stringify({ optionalDependencies: { x: version } })).length, 1, version);
  }
});

test('an unknown check is a failure, and the last line says so', async () => {
  const { code, text } = await run(process.execPath, [join(ROOT, 'scripts', 'check.ts'), 'nonsense']);
  assert.equal(code, 1);
  assert.equal(text.trimEnd().split('\n').at(-1), '0 passed, 1 failed');
});
