import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCheckpoints } from '../../src/journal/checkpoint.ts';
import { temporaryKey } from '../../src/journal/signing.ts';
import { verifyJournal } from '../../src/journal/verify.ts';
import { openJournal } from '../../src/journal/writer.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { keepHouse } from '../../src/main/housekeeping.ts';
import { startProjections } from '../../src/projections/client.ts';
import { KEY, PERSON, silent } from '../support/gateway.ts';

test('P6, P10: old segments are packed and retired; the trail still verifies against the newest checkpoint, and usage rebuilt from the balances is the same', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-retire-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const dir = join(folder, 'journal');
  mkdirSync(dir);
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const key = temporaryKey();
  const journal = await openJournal({
    dir,
    writer: 'main',
    durability: 'written',
    clock,
    signingKey: key,
    log: silent,
  });
  const databasePath = join(folder, 'usage.db');
  const projections = await startProjections({ journalDir: dir, writer: 'main', databasePath, log: silent });
  t.after(() => Promise.all([projections.close(), journal.close()]));
  const call = async (tokens: number): Promise<void> => {
    const common = { who: PERSON, key: KEY, team: null, action: 'model.call', model: 'm' };
    const { id } = await journal.append({ kind: 'intent', body: { ...common, stream: false } });
    const usage = { input_tokens: tokens, output_tokens: 1 };
    const ended = { intent: id, ...common, model_used: 'm', result: 'ok', code: null, usage };
    await journal.append({ kind: 'outcome', body: ended });
  };
  const away = join(folder, 'away');
  const checkpoints = startCheckpoints({
    heads: () => [journal.head],
    key,
    destinations: [away],
    // As after lives too short for any: none but those that housekeeping asks for.
    intervalMs: 3_600_000,
    clock,
    log: silent,
  });
  t.after(() => checkpoints.close());
  const house = { dir, journal, projections, checkpoints, key, clock, keepMs: 86_400_000 };
  const days = { by: 'person', from: '2000-01-01', to: '2099-12-31' } as const;
  for (const tokens of [5, 7, 11]) {
    await call(tokens);
    await journal.roll();
  }
  const before = await projections.usage(days);
  assert.partialDeepStrictEqual(before, [{ value: PERSON, calls: 3, inputTokens: 23, outputTokens: 3 }]);
  await keepHouse(house);
  const packed = readdirSync(join(dir, 'main')).filter((name) => name.endsWith('.gz'));
  assert.equal(packed.length, 3);
  ahead = 2 * 86_400_000;
  await call(100);
  await keepHouse(house);
  const left = readdirSync(join(dir, 'main')).filter((name) => /^\d{12}\.jsonl/.test(name));
  // The one that was open all the time, sealed for its age by the last call, and the new one.
  assert.equal(left.length, 2);
  const [newest = ''] = readFileSync(join(away, 'checkpoints.jsonl'), 'utf8').trim().split('\n').reverse();
  await projections.rebuild();
  const after = await projections.usage(days);
  assert.partialDeepStrictEqual(after, [{ value: PERSON, calls: 4, inputTokens: 123, outputTokens: 4 }]);
  await projections.close();
  await journal.close();
  const report = await verifyJournal({ dir, publicKey: key.publicKey, checkpoint: JSON.parse(newest) });
  assert.deepEqual([report.problems, report.writers.flatMap(({ problems }) => problems)], [[], []]);
});
