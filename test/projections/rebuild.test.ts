import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { Follower } from '../../src/projections/follower.ts';
import { forecast, unusualSpending } from '../../src/projections/spending-query.ts';
import { spentOn } from '../../src/projections/spent.ts';
import { usageRows } from '../../src/projections/usage-query.ts';
import type { Views } from '../../src/projections/views.ts';
import { CALLERS, type Written } from './fixture.ts';
import { DIMENSIONS, everything, expected, History, step } from './history.ts';

/** What the records say was charged, read straight through: no views, no rows. */
function chargedIn(records: readonly Written[]): number {
  const held = new Map<unknown, number>();
  let total = 0;
  for (const { id, kind, body } of records) {
    if (kind === 'intent') held.set(id, typeof body.reserved === 'number' ? body.reserved : 0);
    if (kind === 'extension' && held.has(body.intent)) held.set(body.intent, Number(body.reserved));
    if (kind !== 'outcome' || !held.has(body.intent)) continue;
    const cost = body.cost as { micros: number } | undefined;
    if (cost !== undefined) total += cost.micros;
    else if (body.result === 'unknown') total += held.get(body.intent) ?? 0;
    held.delete(body.intent);
  }
  return total;
}

function reports(views: Views): unknown {
  const line = { models: null, fromDay: null, toDay: '2026-12-31' };
  return [
    spentOn(
      views,
      (['organization', 'team', 'person', 'service', 'key', 'model'] as const).map((scope) => ({
        ...line,
        id: scope,
        scope,
      })),
    ),
    forecast(views, { month: '2026-03', today: '2026-03-08' }),
    unusualSpending(views, '2026-04-05'),
  ];
}

test('P10: running views with restarts, a fresh rebuild and an oracle agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), async (steps) => {
      const history = new History();
      try {
        for (const one of steps) await history.perform(one);
        const running = history.finish();
        const fresh = history.fresh();
        const follower = history.follower(fresh, 1000);
        while (!follower.step());
        for (const by of DIMENSIONS) {
          for (const [from, to] of [
            ['2026-03-01', '2026-12-31'],
            ['2026-03-02', '2026-03-03'],
          ] as const) {
            const oracle = expected(history.booked, by, from, to);
            const rows = (views: Views): unknown[] => usageRows(views, { by, from, to }).map((row) => ({ ...row }));
            assert.deepEqual(rows(running), oracle, `running, by ${by}`);
            assert.deepEqual(rows(fresh), oracle, `fresh, by ${by}`);
          }
        }
        for (const by of ['team', 'key', 'model', 'day', 'cost_center'] as const) {
          const rows = usageRows(running, { by, from: '2026-03-01', to: '2026-12-31' });
          const total = rows.reduce((sum, row) => sum + row.costMicros, 0);
          assert.equal(total, chargedIn(history.journal.written), `charged back by ${by}`);
        }
        assert.deepEqual(reports(running), reports(fresh));
        const { seq, hash } = fresh.cursor;
        assert.deepEqual({ seq, hash }, { seq: history.journal.seq, hash: history.journal.written.at(-1)!.hash });
        fresh.close();
      } finally {
        history.end();
      }
    }),
    { seed: 20261124, numRuns: 60, endOnFailure: true },
  );
});

const OUTCOME = { do: 'outcome', pick: 0, result: 'ok', micros: 1234, basis: 'reported' } as const;

async function simpleHistory(): Promise<History> {
  const history = new History();
  for (let i = 0; i < 30; i++) {
    await history.perform({
      do: 'intent',
      caller: i % 4,
      action: 'model.call',
      model: 'claude-a',
      booking: i % 5 === 0 ? null : { ahead: false, cost_center: 'CC-1', reserved: 1000 * i },
    });
    if (i % 3 !== 0) await history.perform({ ...OUTCOME, used: 'claude-b', report: 4 });
    if (i % 7 === 6) await history.perform({ do: 'extension', pick: 0, reserved: 77_000 });
    if (i % 8 === 7) await history.perform({ do: 'unknown', pick: 0 });
    if (i % 10 === 9) await history.perform({ do: 'roll' });
  }
  return history;
}

test('P10: dropped, rebuilt and compared, the views are the same', async () => {
  const history = await simpleHistory();
  const views = history.finish();
  const before = everything(views);
  const reasons: string[] = [];
  const follower = new Follower({
    journalDir: history.journal.dir,
    writer: 'main',
    views,
    onRebuild: (reason) => reasons.push(reason),
  });
  follower.reset('test');
  assert.equal(follower.rebuilding, true);
  assert.deepEqual(usageRows(views, { by: 'day', from: '2026-01-01', to: '2026-12-31' }), []);
  while (!follower.step());
  assert.equal(follower.rebuilding, false);
  assert.deepEqual(everything(views), before);
  assert.deepEqual(reasons, ['test']);
  history.end();
});

test('P10: views ahead of a restored older journal are built again', async () => {
  const history = await simpleHistory();
  const { journal } = history;
  const views = history.finish();
  const kept = journal.segments.at(-1)!.first;
  journal.append('refusal', { ...CALLERS[0], action: 'model.call', model: 'claude-z' });
  while (!history.follower(views, 50).step());
  journal.truncateTo(kept);
  journal.append('refusal', { ...CALLERS[1], action: 'model.call', model: 'claude-new' });
  const reasons: string[] = [];
  const follower = new Follower({
    journalDir: journal.dir,
    writer: 'main',
    views,
    onRebuild: (reason) => reasons.push(reason),
  });
  while (!follower.step());
  assert.deepEqual(reasons, ['the journal has another record in the place of the last one of the views']);
  const models = usageRows(views, { by: 'model', from: '2026-01-01', to: '2026-12-31' }).map(({ value }) => value);
  assert.deepEqual(models, ['claude-a', 'claude-b', 'claude-new']);
  history.end();
});

test('P10: a record that is taken back after it was applied leaves nothing behind', async () => {
  const history = await simpleHistory();
  const { journal } = history;
  const views = history.fresh();
  const follower = history.follower(views);
  const settled = journal.seq;
  journal.append('refusal', { ...CALLERS[0], action: 'model.call', model: 'claude-z' });
  while (!follower.step());
  journal.truncateTo(settled);
  while (!follower.step());
  assert.equal(views.cursor.seq, settled);
  assert.deepEqual(everything(views), everything(history.finish()));
  views.close();
  history.end();
});

test('P10: balances do not depend on how far the views are, and a rewritten file is not believed', async () => {
  const history = await simpleHistory();
  const { journal } = history;
  const until = journal.segments[1]!.first - 1;
  const file = (name: string): string => join(journal.root, name);
  const early = history.balances(until, file('early'));
  await history.perform({ ...OUTCOME, used: null, report: 2 });
  history.finish();
  assert.deepEqual(history.balances(until, file('late')), early);
  assert.equal(readFileSync(file('late'), 'utf8'), readFileSync(file('early'), 'utf8'));

  await journal.retire(async (seq, path) => {
    const made = history.balances(seq, path);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"calls":', '"calls":1'));
    return made;
  });
  const views = history.fresh();
  const follower = history.follower(views);
  assert.throws(() => {
    while (!follower.step());
  }, /are not those the journal names/);
  assert.equal(follower.rebuilding, true);
  assert.deepEqual(usageRows(views, { by: 'day', from: '2026-01-01', to: '2026-12-31' }), []);
  const running = history.finish();
  const before = everything(running);
  assert.throws(() => history.follower(running).reset('test'), /are not those the journal names/);
  assert.deepEqual(everything(running), before, 'nothing is dropped when there is nothing to start from');
  views.close();
  history.end();
});

test('P10: a gap in the journal stops the views where they are true', async () => {
  const history = await simpleHistory();
  const { journal } = history;
  const text = readFileSync(journal.path(1), 'utf8').split('\n');
  writeFileSync(journal.path(1), [...text.slice(0, 4), ...text.slice(5)].join('\n'));
  const views = history.fresh();
  const follower = history.follower(views, 100);
  assert.throws(() => {
    while (!follower.step());
  }, /cannot be followed beyond record \d+: the chain breaks/);
  assert.equal(views.cursor.seq, journal.segments[1]!.first + 3);
  views.close();
  history.end();
});
