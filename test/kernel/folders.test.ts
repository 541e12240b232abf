import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolders } from '../../src/kernel/folders.ts';

test('missing folders are made for their owner alone, and what is there stays as it is', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-folders-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const path = join(root, 'a', 'b', 'c');
  await makeFolders(path);
  await makeFolders(path);
  assert.ok(statSync(path).isDirectory());
  if (process.platform !== 'win32') assert.equal(statSync(join(root, 'a')).mode & 0o777, 0o700);
  writeFileSync(join(root, 'file'), '');
  await assert.rejects(makeFolders(join(root, 'file', 'x')), { code: 'ENOTDIR' });
});

test('where no folder can be made the start ends with an error instead of trying for ever', {
  skip: process.platform === 'linux' ? false : 'it needs a file system like /proc',
}, async () => {
  await assert.rejects(makeFolders('/proc/gatehouse/data'), { code: 'ENOENT' });
});
