import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { systemClock } from '../../src/kernel/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';

test('P9: while a change waits for another process, this one goes on; free again, the change is made', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'store.db');
  const store = await openSqliteStore({ path, clock: systemClock });
  t.after(() => store.close());
  const other = new DatabaseSync(path);
  t.after(() => other.isOpen && other.close());
  other.exec('BEGIN IMMEDIATE');
  let made = false;
  const change = store
    .change((tx) => tx.setSetting('owner', 'x'))
    .then(() => {
      made = true;
    });
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(made, false);
  other.exec('ROLLBACK');
  await change;
  assert.equal(await store.read((tx) => tx.setting('owner')), 'x');
});
