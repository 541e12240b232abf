import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { addDays } from '../../src/kernel/days.ts';
import { unusualSpending } from '../../src/projections/spending-query.ts';
import { NOTHING } from '../../src/projections/tally.ts';
import { type Habit, type SpendingDay, unusualOf } from '../../src/projections/unusual.ts';
import { openViews } from '../../src/projections/views.ts';

const TODAY = '2026-11-24';
const USD = 1_000_000;
const ME = { who: 'per_1', key: 'key_a', team: 'tea_x', model: 'claude-a' };

/** `usd` on the day this many days ago, in ten calls unless said otherwise. */
function spent(ago: number, usd: number, more: Partial<SpendingDay> = {}): SpendingDay {
  return { ...ME, day: addDays(TODAY, -ago), calls: 10, micros: usd * USD, ...more };
}

/** Two dollars a day, on each day of the baseline. */
const steady = (usd = 2): SpendingDay[] => Array.from({ length: 28 }, (_, index) => spent(7 + index, usd));
const judge = (days: readonly SpendingDay[], more: Partial<Habit> = {}) =>
  unusualOf({ scope: 'person', subject: 'per_1', today: TODAY, days, ...more });

test('spending that stands out is told from the habit of four weeks, with what changed', () => {
  const days = [...steady(), ...[6, 5, 4, 3, 2].map((ago) => spent(ago, 2))];
  const jump = [spent(1, 30, { model: 'claude-b', key: 'key_new' }), spent(1, 2)];
  assert.equal(judge(days), null);
  assert.deepEqual(judge([...days, ...jump]), {
    scope: 'person',
    subject: 'per_1',
    days: 1,
    to: '2026-11-23',
    since: '2026-11-23',
    micros: 32 * USD,
    usualMicros: 2 * USD,
    calls: 20,
    usualCalls: 10,
    // Twice the calls, sixteen times the money: a quarter of it on a scale of ratios.
    driver: 'cost_per_call',
    model: { value: 'claude-b', micros: 30 * USD, usualMicros: 0, isNew: true },
    key: { value: 'key_new', micros: 30 * USD, usualMicros: 0, isNew: true },
    who: null,
  });
});

test('little money, twice the least spread and too little history are not unusual', () => {
  assert.equal(judge([...steady(), spent(0, 6.9)]), null, 'less than five dollars above');
  assert.equal(judge([...steady(), spent(0, 7)])?.micros, 7 * USD, 'five dollars above');
  assert.equal(judge([...steady(20), spent(0, 39.9)]), null, 'less than twice the usual');
  assert.equal(judge([...steady(20), spent(0, 40)])?.usualMicros, 20 * USD);
  assert.equal(judge([8, 9, 10, 11].map((ago) => spent(ago, 2)).concat(spent(0, 900))), null, 'four days are no habit');
  assert.equal(judge([8, 9, 10, 11, 12].map((ago) => spent(ago, 2)).concat(spent(0, 900)))?.days, 1);
  assert.equal(judge([spent(0, 900)]), null, 'somebody new');
  assert.equal(judge([]), null);
  assert.equal(
    judge([...steady(), spent(35, 9000), spent(2, 12)]),
    null,
    'what came before the four weeks, and a day past',
  );
});

test('who varies much is unusual only far outside of that', () => {
  // Median 20, absolute deviations 10: four robust standard deviations are 59.304.
  const wild = [7, 8, 9, 10, 11, 12].map((ago, index) => spent(ago, index % 2 === 0 ? 10 : 30));
  assert.equal(judge([...wild, spent(0, 79.2)]), null);
  assert.equal(judge([...wild, spent(0, 79.4)])?.usualMicros, 20 * USD);
});

test('days without spending do not make a working day unusual', () => {
  // Mondays and Tuesdays only.
  const part = [7, 8, 14, 15, 21, 22, 28, 29].map((ago) => spent(ago, 20));
  assert.equal(judge([...part, spent(1, 22), spent(0, 21)]), null);
});

test('a week that doubles is found though no day of it stands out', () => {
  const days = [...steady(10), ...[0, 1, 2, 3, 4, 5, 6].map((ago) => spent(ago, 19.9, { calls: 20 }))];
  const none = judge(days);
  assert.equal(none, null, 'almost twice');
  const weekly = [...steady(10).filter((_, index) => index % 7 < 5)];
  const found = judge([...weekly, ...[0, 1, 2, 3, 4, 5].map((ago) => spent(ago, 18, { calls: 20 }))]);
  assert.deepEqual(
    [found?.days, found?.since, found?.to, found?.micros, found?.usualMicros, found?.driver],
    [7, '2026-11-19', TODAY, 108 * USD, 50 * USD, 'calls'],
  );
});

test('the largest excess is told, since the first day that stood out', () => {
  const days = [...steady(), spent(4, 20), spent(3, 2), spent(1, 30), spent(0, 25)];
  const found = judge(days);
  // The week of 77 against 14 is further off than the day of 30 against 2.
  assert.deepEqual([found?.days, found?.since, found?.micros], [7, '2026-11-20', 77 * USD]);
  assert.equal(judge(days, { scope: 'key' })?.key, null);
  const others = [spent(0, 70, { who: 'svc_9' }), spent(0, 60, { who: 'svc_8', calls: 70 })];
  const team = judge([...days, ...others], { scope: 'team', subject: 'tea_x' });
  assert.deepEqual(team?.who, { value: 'svc_9', micros: 70 * USD, usualMicros: 0, isNew: true });
  assert.equal(team?.model?.value, 'claude-a');
  assert.equal(team?.driver, 'cost_per_call');
});

function views(t: TestContext, days: readonly SpendingDay[]) {
  const made = openViews(':memory:', assert.fail);
  t.after(() => made.close());
  for (const { day, who, key, team, model, calls, micros } of days) {
    const row = { day, who, key, team, model, asked: model, cost_center: '' };
    made.addUsage(row, { ...NOTHING, calls, costMicros: micros });
  }
  return made;
}

test('people, services, keys and teams are judged each by their own days, and a key is not told twice', (t) => {
  const svc = { who: 'svc_2', key: 'key_s', team: 'tea_y' };
  const shared = { who: 'per_3', key: 'key_c', team: '' };
  const quiet = { who: 'per_4', key: 'key_d', team: 'tea_z' };
  const made = views(t, [
    ...[ME, svc, shared, quiet].flatMap((who) => steady().map((day) => ({ ...day, ...who }))),
    spent(0, 50),
    spent(0, 90, svc),
    spent(0, 6, quiet),
    // One key of this person grew more than another that stands out as well.
    spent(0, 40, shared),
    ...steady().map((day) => ({ ...day, ...shared, key: 'key_e' })),
    spent(0, 30, { ...shared, key: 'key_e' }),
  ]);
  assert.deepEqual(
    unusualSpending(made, TODAY).map(({ scope, subject, micros }) => [scope, subject, micros / USD]),
    [
      ['service', 'svc_2', 90],
      ['team', 'tea_y', 90],
      ['person', 'per_3', 70],
      ['person', 'per_1', 50],
      ['team', 'tea_x', 50],
      ['key', 'key_e', 30],
    ],
  );
  assert.deepEqual(unusualSpending(made, '2027-03-01'), []);
  assert.throws(() => unusualSpending(made, 'now'), RangeError);
});
