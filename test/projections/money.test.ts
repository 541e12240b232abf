import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Follower } from '../../src/projections/follower.ts';
import type { SpentLine } from '../../src/projections/ports.ts';
import { askedModels, spentOn } from '../../src/projections/spent.ts';
import { usageRows } from '../../src/projections/usage-query.ts';
import { openViews, type Views } from '../../src/projections/views.ts';
import { CALLERS, FixtureJournal } from './fixture.ts';

const EVER = { from: '2026-01-01', to: '2026-12-31' };
const LINE = { models: null, fromDay: null, toDay: '2026-12-31' };
const LARGEST = 9_007_199_254_740_991;

function setUp(t: TestContext) {
  const journal = new FixtureJournal();
  const views = openViews(':memory:', assert.fail);
  t.after(() => {
    views.close();
    journal.remove();
  });
  const follower = new Follower({ journalDir: journal.dir, writer: 'main', views, onRebuild: () => {} });
  const follow = (): void => {
    while (!follower.step());
  };
  return { journal, views, follow };
}

interface Call {
  readonly caller?: 0 | 1 | 2 | 3;
  readonly model?: string;
  readonly used?: string;
  readonly day?: string;
  readonly cost_center?: string;
  readonly micros: unknown;
  readonly basis?: string;
}

/** A finished call: its intent holds ten dollars, its outcome says what it cost. */
function call(journal: FixtureJournal, { caller = 0, model = 'claude-a', used = model, ...more }: Call): void {
  const { day = '2026-03-01', cost_center = null, micros, basis = 'reported' } = more;
  const who = { ...CALLERS[caller], action: 'model.call', model, day, cost_center };
  const { id } = journal.append('intent', { ...who, reserved: 10_000_000 });
  const cost = { micros, basis, price: 'p' };
  journal.append('outcome', { intent: id, ...who, model_used: used, result: 'ok', usage: { input_tokens: 1 }, cost });
}

function costs(views: Views, by: 'day' | 'team' | 'cost_center' | 'model'): unknown[] {
  return usageRows(views, { by, ...EVER }).map(({ value, costMicros, meteredMicros }) => [
    value,
    costMicros,
    meteredMicros,
  ]);
}

test('P10: a call is booked where its intent says, whatever day, model and team its end has', (t) => {
  const { journal, views, follow } = setUp(t);
  call(journal, { micros: 5, day: '2026-03-02', cost_center: 'CC-1', used: 'claude-b' });
  call(journal, { micros: 7, caller: 1, basis: 'metered' });
  call(journal, { micros: 0, caller: 2, basis: 'none' });
  follow();
  assert.deepEqual(costs(views, 'day'), [
    ['2026-03-01', 7, 7],
    ['2026-03-02', 5, 0],
  ]);
  assert.deepEqual(costs(views, 'team'), [
    ['tea_x', 5, 0],
    ['tea_y', 7, 7],
    [null, 0, 0],
  ]);
  assert.deepEqual(costs(views, 'cost_center'), [
    ['CC-1', 5, 0],
    [null, 7, 7],
  ]);
  assert.deepEqual(costs(views, 'model'), [
    ['claude-a', 7, 7],
    ['claude-b', 5, 0],
  ]);
});

test('P10: a call whose end is unknown costs what was held last, once', (t) => {
  const { journal, views, follow } = setUp(t);
  const who = { ...CALLERS[0], action: 'model.call', model: 'claude-a', cost_center: 'CC-1', day: '2026-02-28' };
  const first = journal.append('intent', { ...who, reserved: 100 }).id;
  const second = journal.append('intent', { ...who, reserved: 100 }).id;
  journal.append('extension', { intent: second, reserved: 250 });
  journal.append('extension', { intent: second, reserved: 240 });
  const old = journal.append('intent', { ...CALLERS[0], action: 'model.call', model: 'claude-a' }).id;
  for (const intent of [first, second, old, second]) journal.append('outcome', { intent, result: 'unknown' });
  journal.append('extension', { intent: second, reserved: 9000 });
  follow();
  assert.deepEqual(costs(views, 'day'), [
    ['2026-02-28', 340, 340],
    ['2026-03-01', 0, 0],
  ]);
  assert.deepEqual(costs(views, 'cost_center'), [
    ['CC-1', 340, 340],
    [null, 0, 0],
  ]);
});

test('P10: an amount that is none, and a sum that would be rounded, stop the views where they are true', (t) => {
  for (const micros of [-1, 0.5, '5', null, LARGEST + 1]) {
    const { journal, views, follow } = setUp(t);
    call(journal, { micros: 3 });
    follow();
    call(journal, { micros });
    assert.throws(follow, /record 5 \(outcome\) carries an amount that is no whole number/);
    assert.deepEqual(costs(views, 'day'), [['2026-03-01', 3, 0]]);
  }
  const { journal, views, follow } = setUp(t);
  call(journal, { micros: LARGEST - 1 });
  call(journal, { micros: 1 });
  call(journal, { micros: 1, caller: 1 });
  follow();
  assert.deepEqual(costs(views, 'team'), [
    ['tea_x', LARGEST, 0],
    ['tea_y', 1, 0],
  ]);
  assert.throws(() => costs(views, 'day'), /too large to be exact/);
  assert.throws(() => spentOn(views, [{ ...LINE, id: 'o', scope: 'organization' }]), /too large to be exact/);
  call(journal, { micros: 1 });
  assert.throws(follow, /CHECK constraint failed: costMicros/);
  assert.equal(views.cursor.seq, 7);
});

test('usage can be narrowed to a team and to a caller', (t) => {
  const { journal, views, follow } = setUp(t);
  for (const caller of [0, 1, 2, 3] as const) call(journal, { caller, micros: 10 ** caller });
  follow();
  const narrowed = (query: { team?: string; person?: string }) =>
    usageRows(views, { by: 'key', ...EVER, ...query }).map(({ value, costMicros }) => [value, costMicros]);
  assert.deepEqual(narrowed({ team: 'tea_x' }), [
    ['key_a', 1],
    ['key_d', 1000],
  ]);
  assert.deepEqual(narrowed({ person: CALLERS[0].who }), [
    ['key_a', 1],
    ['key_b', 10],
  ]);
  assert.deepEqual(narrowed({ person: CALLERS[0].who, team: 'tea_y' }), [['key_b', 10]]);
  assert.deepEqual(narrowed({ team: '' }), [['key_c', 100]]);
});

test('P10: what budgets start from is counted by subject, model asked for and day, up to a named record', (t) => {
  const { journal, views, follow } = setUp(t);
  call(journal, { caller: 0, micros: 1, day: '2026-02-28' });
  call(journal, { caller: 1, micros: 20, model: 'claude-b', used: 'claude-z' });
  call(journal, { caller: 2, micros: 300, day: '2026-03-02' });
  call(journal, { caller: 3, micros: 4000, model: 'claude-b', day: '2026-03-31' });
  call(journal, { caller: 3, micros: 0, model: 'claude-free' });
  journal.append('refusal', { ...CALLERS[0], action: 'model.call', model: 'claude-invented' });
  journal.append('intent', { ...CALLERS[0], action: 'model.call', model: 'claude-a', day: '2026-03-01', reserved: 7 });
  follow();
  const spent = (line: Partial<SpentLine>) =>
    spentOn(views, [{ ...LINE, id: 'l', scope: 'organization', ...line }]).rows.map((row) => [row.subject, row.micros]);
  const [ada, bob, service] = [CALLERS[0].who, CALLERS[2].who, CALLERS[3].who];
  assert.deepEqual(spent({}), [['org', 4321]]);
  assert.deepEqual(spent({ scope: 'team' }), [
    ['tea_x', 4001],
    ['tea_y', 20],
  ]);
  assert.deepEqual(spent({ scope: 'person' }), [
    [ada, 21],
    [bob, 300],
  ]);
  assert.deepEqual(spent({ scope: 'service' }), [[service, 4000]]);
  assert.deepEqual(spent({ scope: 'key' }), [
    ['key_a', 1],
    ['key_b', 20],
    ['key_c', 300],
    ['key_d', 4000],
  ]);
  assert.deepEqual(spent({ scope: 'model' }), [
    ['claude-a', 301],
    ['claude-b', 4020],
  ]);
  assert.deepEqual(spent({ fromDay: '2026-03-01', toDay: '2026-03-31' }), [['org', 4320]]);
  assert.deepEqual(spent({ fromDay: '2026-03-01', toDay: '2026-03-30' }), [['org', 320]]);
  assert.deepEqual(spent({ scope: 'person', models: ['claude-b', "x'"] }), [[ada, 20]]);
  assert.deepEqual(spent({ models: [] }), []);
  const both = spentOn(views, [
    { ...LINE, id: 'b', scope: 'service' },
    { ...LINE, id: 'a', scope: 'organization' },
  ]);
  assert.deepEqual(both, {
    seq: journal.seq,
    askedModels: ['claude-a', 'claude-b'],
    rows: [
      { line: 'b', subject: service, micros: 4000 },
      { line: 'a', subject: 'org', micros: 4321 },
    ],
  });
  assert.deepEqual(askedModels(views), ['claude-a', 'claude-b']);
});

test('P10: spending without a team, key or model counts for none of them', (t) => {
  const { journal, views, follow } = setUp(t);
  const who = { ...CALLERS[2], key: null, action: 'model.call', model: null, day: '2026-03-01' };
  const { id } = journal.append('intent', { ...who, reserved: 7 });
  journal.append('outcome', { intent: id, result: 'unknown' });
  follow();
  const subjects = (['organization', 'person', 'team', 'key', 'model'] as const).map((scope) =>
    spentOn(views, [{ ...LINE, id: 'l', scope }]).rows.map(({ subject }) => subject),
  );
  assert.deepEqual(subjects, [['org'], [CALLERS[2].who], [], [], []]);
});

test('a question about spending that means nothing is refused', (t) => {
  const { views } = setUp(t);
  const line = { ...LINE, id: 'l', scope: 'organization' } as const;
  assert.throws(() => spentOn(views, [line, { ...line, scope: 'team' }]), RangeError);
  assert.throws(() => spentOn(views, [{ ...line, scope: 'planet' as never }]), RangeError);
  assert.throws(() => spentOn(views, [{ ...line, fromDay: 'May' }]), RangeError);
  assert.throws(() => spentOn(views, [{ ...line, toDay: '' }]), RangeError);
  assert.deepEqual(spentOn(views, []), { seq: 0, askedModels: [], rows: [] });
});

/** Retires the oldest segment with these balances, whatever they say. */
async function retireWith(journal: FixtureJournal, lines: readonly object[]): Promise<void> {
  await journal.retire(async (_seq, file) => {
    const bytes = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    writeFileSync(file, bytes);
    return { sha256: createHash('sha256').update(bytes).digest('hex') };
  });
}

test('P10: opening balances of version 0.1.0 are read: they cost nothing, and their open calls can still end', async (t) => {
  const { journal, views, follow } = setUp(t);
  const caller = { ...CALLERS[0], action: 'model.call', model: 'claude-a' };
  const open = journal.append('intent', caller).id;
  journal.roll();
  const counts = { calls: 4, failed: 1, refused: 2, unmetered: 1, inputTokens: 10, cacheWrite5mTokens: 11 };
  const more = { cacheWrite1hTokens: 12, cacheReadTokens: 13, outputTokens: 14, webSearches: 15 };
  const { who, key, team } = CALLERS[0];
  const last = journal.segments[1]!.first - 1;
  await retireWith(journal, [
    { format: 'gatehouse-balances/1', seq: last, hash: journal.written[last - 1]!.hash },
    { usage: { day: '2026-02-01', who, key, team, model: 'claude-old' }, sums: { ...counts, ...more } },
    { intent: { id: open, who, key, team, model: 'claude-a', action: 'model.call' } },
  ]);
  journal.append('outcome', { intent: open, result: 'unknown', reason: 'crash' });
  call(journal, { micros: 6 });
  follow();
  const nothing = Object.fromEntries(Object.keys({ ...counts, ...more }).map((name) => [name, 0]));
  const ends = { ...nothing, calls: 2, failed: 1, unmetered: 1, inputTokens: 1 };
  assert.deepEqual(usageRows(views, { by: 'day', ...EVER }), [
    { value: '2026-02-01', ...counts, ...more, costMicros: 0, meteredMicros: 0 },
    { value: '2026-03-01', ...ends, costMicros: 6, meteredMicros: 0 },
  ]);
});

test('P10: opening balances of a later format are refused with a sentence', async (t) => {
  const { journal, follow } = setUp(t);
  journal.roll();
  await retireWith(journal, [{ format: 'gatehouse-balances/3', seq: 2, hash: '' }]);
  assert.throws(follow, /balances-\d+\.jsonl are of a format that this version of Gatehouse does not know/);
});
