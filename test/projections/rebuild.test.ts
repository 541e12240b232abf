import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeBalances } from '../../src/projections/balances.ts';
import { Follower } from '../../src/projections/follower.ts';
import type { UsageDimension } from '../../src/projections/ports.ts';
import { usageRows } from '../../src/projections/usage-query.ts';
import { openViews, type Views } from '../../src/projections/views.ts';
import { CALLERS, FixtureJournal, REPORTS } from './fixture.ts';

type Step =
  | { do: 'intent'; caller: number; action: string; model: string | null }
  | { do: 'outcome'; pick: number; result: string; used: string | null; report: number }
  | { do: 'unknown'; pick: number }
  | { do: 'refusal'; caller: number; action: string; model: string | null }
  | { do: 'other'; kind: string }
  | { do: 'roll' | 'compress' | 'retire' | 'restart' | 'day' }
  | { do: 'follow'; batch: number };

const model = fc.constantFrom(null, 'claude-a', 'claude-b', 'claude-c');
const caller = fc.nat(CALLERS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('intent' as const),
      caller,
      action: fc.constantFrom('model.call', 'model.call', 'model.count', 'model.list'),
      model,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('outcome' as const),
      pick: fc.nat(),
      result: fc.constantFrom('ok', 'ok', 'error', 'aborted', 'cut', 'refused'),
      used: model,
      report: fc.nat(REPORTS.length - 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('unknown' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refusal' as const),
      caller,
      action: fc.constantFrom('model.call', 'model.list', 'admin'),
      model,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('other' as const),
      kind: fc.constantFrom('strangers', 'change', 'gateway', 'attempt', 'content'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('roll' as const, 'compress' as const, 'retire' as const, 'restart' as const, 'day' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('follow' as const), batch: fc.integer({ min: 1, max: 7 }) }) },
);

const SUMS = [
  'calls',
  'failed',
  'refused',
  'unmetered',
  'inputTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'cacheReadTokens',
  'outputTokens',
  'webSearches',
];

interface Booked {
  readonly day: string;
  readonly caller: number;
  readonly model: string | null;
  readonly sums: readonly number[];
}

/** The oracle: what was done, added up from a plain list. */
function expected(booked: readonly Booked[], by: UsageDimension, from: string, to: string): unknown[] {
  const rows = new Map<string | null, number[]>();
  for (const entry of booked) {
    if (entry.day < from || entry.day > to) continue;
    const { who, key, team } = CALLERS[entry.caller]!;
    if (by === 'person' && !who.startsWith('per_')) continue;
    if (by === 'service' && !who.startsWith('svc_')) continue;
    const value = { person: who, service: who, key, team, model: entry.model, day: entry.day }[by];
    const row = rows.get(value) ?? SUMS.map(() => 0);
    rows.set(
      value,
      row.map((sum, index) => sum + entry.sums[index]!),
    );
  }
  return [...rows]
    .sort(([a], [b]) => (a === null ? 1 : b === null ? -1 : a < b ? -1 : 1))
    .map(([value, sums]) => ({ value, ...Object.fromEntries(SUMS.map((name, index) => [name, sums[index]])) }));
}

const DIMENSIONS = ['team', 'person', 'service', 'key', 'model', 'day'] as const;

function everything(views: Views): unknown {
  return DIMENSIONS.map((by) => usageRows(views, { by, from: '2026-03-01', to: '2026-12-31' }));
}

class History {
  readonly journal = new FixtureJournal();
  readonly booked: Booked[] = [];
  readonly #open: { id: string; caller: number; action: string; model: string | null }[] = [];
  #views = openViews(this.journal.databasePath, assert.fail);
  #follower = this.follower(this.#views);
  #others = 0;

  follower(views: Views, batch = 3): Follower {
    return new Follower({ journalDir: this.journal.dir, writer: 'main', views, onRebuild: () => {}, batch });
  }

  get day(): string {
    return new Date(this.journal.now).toISOString().slice(0, 10);
  }

  async perform(step: Step): Promise<void> {
    const { journal } = this;
    if (step.do === 'intent') this.#intent(step);
    else if (step.do === 'outcome') this.#outcome(step);
    else if (step.do === 'unknown') this.#unknown(step.pick);
    else if (step.do === 'refusal') this.#refusal(step);
    else if (step.do === 'other')
      journal.append(step.kind, { who: CALLERS[0].who, model: 'claude-a', intent: 'rec_none' });
    else if (step.do === 'roll') journal.roll();
    else if (step.do === 'compress') journal.compress();
    else if (step.do === 'day') journal.now += 20 * 3600 * 1000;
    else if (step.do === 'retire') await journal.retire(async (seq, file) => this.balances(seq, file));
    else if (step.do === 'restart') this.#restart();
    else if (step.do === 'follow') for (let i = 0; i < step.batch; i++) this.#follower.step();
  }

  balances(seq: number, file: string): { sha256: string } {
    const views = this.fresh();
    while (views.cursor.seq < seq) this.follower(views).step(seq);
    assert.equal(views.cursor.seq, seq);
    const made = writeBalances(views, file);
    views.close();
    return made;
  }

  fresh(): Views {
    return openViews(join(this.journal.root, `fresh-${++this.#others}.db`), assert.fail);
  }

  finish(): Views {
    while (!this.#follower.step());
    return this.#views;
  }

  end(): void {
    this.#views.close();
    this.journal.remove();
  }

  #restart(): void {
    this.#views.close();
    this.#views = openViews(this.journal.databasePath, assert.fail);
    this.#follower = this.follower(this.#views, 2);
  }

  #intent({ caller, action, model }: Extract<Step, { do: 'intent' }>): void {
    const { id } = this.journal.append('intent', { ...CALLERS[caller], action, model });
    this.#open.push({ id, caller, action, model });
  }

  #outcome({ pick, result, used, report }: Extract<Step, { do: 'outcome' }>): void {
    const [intent] = this.#open.splice(pick % (this.#open.length || 1), 1);
    if (intent === undefined) return;
    const { usage, counts, metered } = REPORTS[report]!;
    const { caller, action, model, id } = intent;
    this.journal.append('outcome', { intent: id, ...CALLERS[caller], action, model, model_used: used, result, usage });
    const tokens = action === 'model.call' ? counts : counts.map(() => 0);
    const unmetered = action === 'model.call' && !metered ? 1 : 0;
    this.booked.push({
      day: this.day,
      caller,
      model: used ?? model,
      sums: [1, result === 'ok' ? 0 : 1, 0, unmetered, ...tokens],
    });
  }

  #unknown(pick: number): void {
    const [intent] = this.#open.splice(pick % (this.#open.length || 1), 1);
    if (intent === undefined) return;
    const { caller, action, model, id } = intent;
    this.journal.append('outcome', { intent: id, result: 'unknown', reason: 'crash' });
    this.booked.push({
      day: this.day,
      caller,
      model,
      sums: [1, 1, 0, action === 'model.call' ? 1 : 0, 0, 0, 0, 0, 0, 0],
    });
  }

  #refusal({ caller, action, model }: Extract<Step, { do: 'refusal' }>): void {
    this.journal.append('refusal', { ...CALLERS[caller], action, model, code: 'not_permitted', status: 451 });
    if (action !== 'admin') this.booked.push({ day: this.day, caller, model, sums: [0, 0, 1, 0, 0, 0, 0, 0, 0, 0] });
  }
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

async function simpleHistory(): Promise<History> {
  const history = new History();
  for (let i = 0; i < 30; i++) {
    await history.perform({ do: 'intent', caller: i % 4, action: 'model.call', model: 'claude-a' });
    if (i % 3 !== 0) await history.perform({ do: 'outcome', pick: 0, result: 'ok', used: 'claude-b', report: 4 });
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
  assert.deepEqual(models, ['claude-b', 'claude-new']);
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
  await history.perform({ do: 'outcome', pick: 0, result: 'ok', used: null, report: 2 });
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
