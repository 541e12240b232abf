import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type PastCall, type PastSpend, PolicyReplay, replayDecision } from '../../src/policy/replay.ts';
import { BudgetReplay } from '../../src/policy/replay-budgets.ts';
import { RateReplay } from '../../src/policy/replay-rates.ts';
import { ReplayTally } from '../../src/policy/replay-tally.ts';
import { formatReplay } from '../../src/policy/replay-text.ts';
import { TopGroups } from '../../src/policy/top-groups.ts';
import { ada, alan, bot, NOW, policy, rule, team } from './support.ts';

const OPUS = 'claude-opus-5-5';
const HAIKU = 'claude-haiku-5-5';

function call(more: Partial<PastCall> = {}): PastCall {
  return { subject: ada, action: 'model.call', model: HAIKU, at: NOW, refused: null, ...more };
}

function isoDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function spend(more: Partial<PastSpend> = {}): PastSpend {
  return { subject: ada, model: HAIKU, day: '2027-03-15', at: NOW, micros: 1, ...more };
}

const candidate = policy({
  rules: [
    rule('allow', 'claude-haiku-*'),
    rule('deny', OPUS, { to: team('payments') }),
    rule('ask', OPUS, { to: team('research') }),
    rule('allow', OPUS, { until: NOW }),
    rule('deny', HAIKU, { to: [{ kind: 'service', id: 'bot' }], mode: 'observe' }),
  ],
});

test('a past call is judged by the candidate at the time of the call', () => {
  assert.equal(replayDecision(candidate, call()), null);
  assert.equal(replayDecision(candidate, call({ action: 'model.list', model: null })), null);
  const denied = { code: 'not_permitted', rule: 'access[1]', text: `deny ${OPUS}` };
  assert.deepEqual(replayDecision(candidate, call({ model: OPUS })), denied);
  const asked = call({ subject: alan, model: OPUS });
  assert.deepEqual(replayDecision(candidate, asked), {
    code: 'approval_required',
    rule: 'access[2]',
    text: `ask ${OPUS}`,
  });
  assert.equal(replayDecision(candidate, { ...asked, approved: true }), null);
  assert.deepEqual(replayDecision(candidate, call({ model: OPUS, approved: true })), denied);
  const stranger = { ...bot, teams: [] };
  assert.equal(replayDecision(candidate, call({ subject: stranger, model: OPUS, at: NOW - 1 })), null);
  assert.deepEqual(replayDecision(candidate, call({ subject: stranger, model: OPUS })), {
    code: 'not_permitted',
    rule: null,
    text: 'no rule allows it',
  });
});

test('the tally tells newly refused, newly allowed, observed and unchanged apart, by rule and by caller', () => {
  const tally = new ReplayTally(candidate);
  tally.add(call({ model: OPUS, at: NOW + 5 }));
  tally.add(call({ model: OPUS, at: NOW + 1 }));
  tally.add(call({ subject: alan, model: OPUS, at: NOW + 9 }));
  tally.add(call({ refused: 'not_permitted' }));
  tally.add(call({ refused: 'no_policy', subject: alan }));
  tally.add(call({ refused: 'rate_limited' }));
  tally.add(call({ model: OPUS, refused: 'not_permitted' }));
  tally.add(call({ model: null, action: 'model.list' }));
  tally.add(call({ subject: bot }));
  const { seen, newlyRefused, newlyAllowed, unchanged, observed } = tally.result();
  assert.deepEqual([seen, newlyRefused.calls, newlyAllowed.calls, unchanged, observed], [9, 3, 2, 4, 1]);
  assert.deepEqual(newlyRefused.byRule, {
    groups: [
      { of: { rule: 'access[1]', text: `deny ${OPUS}` }, count: 2, first: NOW + 1, last: NOW + 5 },
      { of: { rule: 'access[2]', text: `ask ${OPUS}` }, count: 1, first: NOW + 9, last: NOW + 9 },
    ],
    rest: 0,
  });
  assert.deepEqual(
    newlyRefused.byPerson.groups.map(({ of, count }) => [of.id, count]),
    [
      ['per_ada', 2],
      ['per_alan', 1],
    ],
  );
  assert.deepEqual(
    newlyAllowed.byRule.groups.map(({ of, count }) => [of.rule, count]),
    [['access[0]', 2]],
  );
});

test('groups are the fifty largest, and no number of callers can fill the memory', () => {
  const groups = new TopGroups<number>();
  for (let i = 0; i < 12_000; i++) groups.add(String(i), i, i);
  for (let i = 0; i < 5; i++) groups.add('7777', 0, 50_000 - i);
  // After ten thousand groups a new one is only part of the rest, however large it grows.
  for (let i = 0; i < 5; i++) groups.add('11999', 0, 60_000);
  const { groups: top, rest } = groups.top();
  assert.deepEqual([top.length, rest, groups.total], [50, 12_010 - 6 - 49, 12_010]);
  assert.deepEqual(top[0], { of: 7777, count: 6, first: 7777, last: 50_000 });
});

test('windows are days, ISO weeks from Monday, months, and one for life', () => {
  const windows = (day: string) =>
    (['day', 'week', 'month', 'lifetime'] as const).map((period) => {
      const replay = new BudgetReplay(policy({ budgets: [{ scope: 'person', limit: 0, period }] }));
      replay.add(spend({ day }));
      return replay.result().passed[0]?.window;
    });
  assert.deepEqual(windows('2027-03-15'), ['2027-03-15', '2027-03-15', '2027-03-01', '']);
  assert.deepEqual(windows('2027-03-14'), ['2027-03-14', '2027-03-08', '2027-03-01', '']);
  // ISO 8601: the first days of 2027 belong to the week that began in 2026.
  assert.deepEqual(windows('2027-01-03'), ['2027-01-03', '2026-12-28', '2027-01-01', '']);
  assert.deepEqual(windows('2028-02-29'), ['2028-02-29', '2028-02-28', '2028-02-01', '']);
});

test('a budget is passed when its sum goes over the limit, and what came when nothing was left is late', () => {
  const replay = new BudgetReplay(policy({ budgets: [{ scope: 'person', limit: 10, period: 'month' }] }));
  for (const [i, micros] of [4, 6, 1, 2].entries()) replay.add(spend({ micros, at: NOW + i }));
  replay.add(spend({ subject: alan, micros: 10 }));
  replay.add(spend({ subject: bot, micros: 100 }));
  replay.add(spend({ day: '2027-04-01', micros: 9, at: NOW + 9 }));
  // Admitted on the last evening of March, ended in April.
  replay.add(spend({ day: '2027-03-31', micros: 5, at: NOW + 10 }));
  const place = { path: 'budgets[0]', line: 70, text: 'budget of each person' };
  assert.deepEqual(replay.result(), {
    passed: [
      {
        ...{ place, mode: 'enforce', scope: 'person', counter: 'per_ada', period: 'month', window: '2027-03-01' },
        ...{ limit: 10, at: NOW + 2, spent: 18, late: 3 },
      },
    ],
    rest: 0,
  });
});

test('every scope has its own counters, exceptions their own limits, and a limit of 0 is passed by the first call', () => {
  const replay = new BudgetReplay(
    policy({
      budgets: [
        { scope: 'organization', limit: 5 },
        { scope: 'team', limit: 5 },
        { scope: 'person', limit: 5, except: new Map([['per_ada', 100]]) },
        { scope: 'service', limit: 0, mode: 'observe' },
        { scope: 'key', limit: 5, models: ['claude-opus-*'] },
        { scope: 'model', limit: 5 },
      ],
    }),
  );
  replay.add(spend({ micros: 6 }));
  replay.add(spend({ micros: 6, subject: alan, model: OPUS, at: NOW + 1 }));
  replay.add(spend({ micros: 0, subject: bot, at: NOW + 2 }));
  const brief = replay.result().passed.map(({ place, counter, at, mode }) => [place.path, counter, at - NOW, mode]);
  assert.deepEqual(brief, [
    ['budgets[0]', 'organization', 0, 'enforce'],
    ['budgets[1]', 'payments', 0, 'enforce'],
    ['budgets[5]', HAIKU, 0, 'enforce'],
    ['budgets[1]', 'research', 1, 'enforce'],
    ['budgets[2]', 'per_alan', 1, 'enforce'],
    ['budgets[4]', 'key_alan', 1, 'enforce'],
    ['budgets[5]', OPUS, 1, 'enforce'],
    ['budgets[3]', 'svc_bot', 2, 'observe'],
  ]);
});

test('at most fifty passed budgets are listed, the earliest, with a rest', () => {
  const replay = new BudgetReplay(policy({ budgets: [{ scope: 'key', limit: 0 }] }));
  for (let i = 60; i > 0; i--) replay.add(spend({ subject: { ...ada, key: `key_${i}` }, at: NOW + i }));
  const { passed, rest } = replay.result();
  assert.deepEqual([passed.length, passed[0]?.counter, rest], [50, 'key_1', 10]);
});

test('a budget simulation equals a plain sum over the past', () => {
  const budgets = (['day', 'week', 'month', 'lifetime'] as const).map((period, i) => ({
    scope: 'person' as const,
    period,
    limit: 20 + 10 * i,
  }));
  const monday = Date.UTC(2026, 11, 28);
  const week = 7 * 86_400_000;
  const windows = {
    day: (day: string) => day,
    week: (day: string) => isoDay(monday + Math.floor((Date.parse(day) - monday) / week) * week),
    month: (day: string) => `${day.slice(0, 7)}-01`,
    lifetime: () => '',
  };
  const past = fc.array(
    fc.record({
      who: fc.constantFrom(ada, alan),
      days: fc.integer({ min: 0, max: 2 }),
      micros: fc.integer({ min: 0, max: 9 }),
    }),
    { minLength: 1, maxLength: 60 },
  );
  const same = fc.property(past, (steps) => {
    const replay = new BudgetReplay(policy({ budgets }));
    let at = Date.UTC(2027, 0, 1, 12);
    const spends = steps.map(({ who, days, micros }) => {
      at += days * 86_400_000;
      return spend({ subject: who, micros, day: isoDay(at), at });
    });
    for (const one of spends) replay.add(one);
    const sums = new Map<string, number>();
    for (const [i, { period, limit }] of budgets.entries()) {
      for (const one of spends) {
        const key = `budgets[${i}] ${one.subject.id} ${windows[period](one.day)} ${limit}`;
        sums.set(key, (sums.get(key) ?? 0) + one.micros);
      }
    }
    const expected = [...sums]
      .filter(([key, sum]) => sum > Number(key.split(' ').at(-1)))
      .map(([key, sum]) => `${key} ${sum}`);
    const { passed, rest } = replay.result();
    const found = passed.map((one) => `${one.place.path} ${one.counter} ${one.window} ${one.limit} ${one.spent}`);
    assert.equal(found.length + rest, expected.length);
    for (const one of found) assert.ok(expected.includes(one));
  });
  fc.assert(same, { seed: 20260303, numRuns: 200 });
});

test('a rate refuses the call that would be one too many in 60 seconds; what is refused does not count', () => {
  const replay = new RateReplay(policy({ rates: [{ scope: 'person', requests: 2, countTokens: 1 }] }));
  const refusedAt = (): number => replay.result().over.groups.reduce((sum, group) => sum + group.count, 0);
  for (const [seconds, refused] of [
    [0, 0],
    [30, 0],
    [59.999, 1],
    [60, 1],
    [61, 2],
    [90, 2],
    [91, 3],
  ] as const) {
    replay.add(call({ at: NOW + seconds * 1000 }));
    assert.equal(refusedAt(), refused, `after ${seconds} s`);
  }
  replay.add(call({ action: 'usage.own', model: null, at: NOW + 92_000 }));
  replay.add(call({ action: 'model.count', at: NOW + 92_000 }));
  replay.add(call({ subject: bot, at: NOW + 92_000 }));
  replay.add(call({ subject: alan, at: NOW + 92_000 }));
  assert.equal(refusedAt(), 3);
  replay.add(call({ action: 'model.list', model: null, at: NOW + 93_000 }));
  const [requests, counts] = replay.result().over.groups;
  assert.deepEqual(requests, {
    of: {
      rule: 'rates[0]',
      text: 'rate of each person',
      mode: 'enforce',
      measure: 'requests',
      limit: 2,
      counter: 'per_ada',
    },
    count: 3,
    first: NOW + 59_999,
    last: NOW + 91_000,
  });
  assert.deepEqual([counts?.of.measure, counts?.count], ['countTokens', 1]);
});

test('a rate simulation equals a naive sliding window, however long the past is', () => {
  const past = fc.array(fc.tuple(fc.constantFrom(ada, alan), fc.integer({ min: 0, max: 40_000 })), { maxLength: 80 });
  const same = fc.property(past, fc.integer({ min: 0, max: 5 }), (steps, limit) => {
    const replay = new RateReplay(policy({ rates: [{ scope: 'person', requests: limit }] }));
    const passed: (readonly [string, number])[] = [];
    let at = NOW;
    let refused = 0;
    for (const [subject, gap] of steps) {
      at += gap;
      replay.add(call({ subject, at }));
      const open = passed.filter(([id, time]) => id === subject.id && at - time < 60_000).length;
      if (open < limit) passed.push([subject.id, at]);
      else refused += 1;
    }
    const { groups, rest } = replay.result().over;
    assert.equal(
      groups.reduce((sum, group) => sum + group.count, rest),
      refused,
    );
  });
  fc.assert(same, { seed: 20260304, numRuns: 300 });
});

test('a whole replay reads: decisions, budgets, rates; calls that the rules refuse fill no rate', () => {
  const whole = policy({
    rules: candidate.rules,
    budgets: [
      { scope: 'person', limit: 1_500_000 },
      { scope: 'team', limit: 1, period: 'lifetime', mode: 'observe' },
    ],
    rates: [{ scope: 'person', requests: 1 }],
  });
  const replay = new PolicyReplay(whole);
  assert.equal(replay.call(call({ model: OPUS }))?.rule, 'access[1]');
  assert.equal(replay.call(call({ at: NOW + 1000 })), null);
  replay.call(call({ at: NOW + 2000 }));
  replay.call(call({ subject: bot, at: NOW + 3000 }));
  replay.spend(spend({ micros: 1_600_000, at: NOW + 4000 }));
  replay.spend(spend({ micros: 1, at: NOW + 5000 }));
  assert.deepEqual(formatReplay(replay.result()), [
    '4 calls seen: 1 newly refused by rules, 0 newly allowed, 3 unchanged.',
    '1 calls would be refused if what only observes were enforced.',
    '',
    'Newly refused, by rule:',
    `  access[1]: deny ${OPUS}: once, 2027-03-15T12:00:00Z`,
    'Newly refused, by caller:',
    '  ada@example.com: once, 2027-03-15T12:00:00Z',
    '',
    'Budgets that would have been passed:',
    '  budgets[0] (line 70): budget of each person, per_ada from 2027-03-01: passed 2027-03-15T12:00:04Z; 1.600001 USD spent of 1.50 USD/month; 1 calls refused',
    '  budgets[1] (line 71): budget of each team, payments: passed 2027-03-15T12:00:04Z; 1.600001 USD spent of 0.000001 USD for life; 1 calls after it, none refused: it only observes',
    '',
    'Rates that would have been passed:',
    '  rates[0], per_ada, over 1 requests/min: once, 2027-03-15T12:00:02Z',
  ]);
  assert.deepEqual(formatReplay(new PolicyReplay(whole).result()), [
    '0 calls seen: 0 newly refused by rules, 0 newly allowed, 0 unchanged.',
    '',
    'No budget would have been passed.',
    '',
    'No rate would have been passed.',
  ]);
});
