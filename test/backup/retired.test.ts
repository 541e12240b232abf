import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { retireSegments } from '../../src/journal/retire.ts';
import { startProjections } from '../../src/projections/client.ts';
import { BackupError, backup } from '../../src/store/backup.ts';
import { restore } from '../../src/store/restore.ts';
import { verifyBackup } from '../../src/store/verify-backup.ts';
import { clock, installation, key, quiet } from './support.ts';

const EVER = { by: 'team', from: '2026-01-01', to: '2026-12-31' } as const;

test('P10: a backup of a journal with retired segments carries the opening balances, and usage is rebuilt from it', async (t) => {
  const at = await installation(t);
  const { journal, journalDir } = at;
  const caller = {
    who: 'per_00000000000000000000000001',
    key: 'key_a',
    team: 'tea_x',
    action: 'model.call',
    model: 'claude-a',
  };
  for (let n = 0; n < 30; n++) {
    const { id } = await journal.append({ kind: 'intent', body: caller });
    const usage = { input_tokens: 2, output_tokens: 3 };
    await journal.append({ kind: 'outcome', body: { ...caller, intent: id, result: 'ok', usage } });
  }
  await journal.roll();
  const views = await startProjections({
    journalDir,
    writer: 'main',
    databasePath: join(at.data, 'usage.db'),
    log: quiet,
  });
  t.after(() => views.close());
  const usage = await views.usage(EVER);
  assert.deepEqual(
    usage.map(({ value, calls, inputTokens, outputTokens }) => ({ value, calls, inputTokens, outputTokens })),
    [{ value: 'tea_x', calls: 30, inputTokens: 60, outputTokens: 90 }],
  );
  const retired = await retireSegments({
    dir: journalDir,
    journal,
    keepMs: 0,
    key,
    clock,
    balances: async ({ segment, last }) => {
      const file = `balances-${segment}.txt`;
      return { file, ...(await views.balances(last, join(journalDir, 'main', file))) };
    },
  });
  assert.ok(retired.length > 3);
  await views.rebuild();
  assert.deepEqual(await views.usage(EVER), usage);

  const from = join(at.root, 'copy');
  await backup({ store: at.store, journalDir, writer: 'main', to: from, clock });
  await verifyBackup(from);
  const to = join(at.root, 'elsewhere');
  await restore({ from, to, clock });
  const again = await startProjections({
    journalDir: join(to, 'journal'),
    writer: 'main',
    databasePath: join(to, 'usage.db'),
    log: quiet,
  });
  t.after(() => again.close());
  assert.deepEqual(await again.usage(EVER), usage);

  for (const name of await readdir(join(journalDir, 'main')))
    if (name.includes('balances')) await rm(join(journalDir, 'main', name));
  const incomplete = backup({ store: at.store, journalDir, writer: 'main', to: join(at.root, 'second'), clock });
  await assert.rejects(incomplete, (error) => error instanceof BackupError && error.problem === 'incomplete');
});
