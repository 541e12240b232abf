import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dollars } from '../../src/cli/money.ts';
import { terminalWithDoor } from './fake-io.ts';

const ROW = { calls: 1234, failed: 0, refused: 0, unmetered: 0, inputTokens: 5, outputTokens: 6, cacheReadTokens: 7 };
const REST = { cacheWrite5mTokens: 8, cacheWrite1hTokens: 9, webSearches: 0 };

test('usage shows cost first, what is metered, and the period', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  door.world.usage.push({ value: 'CC-1', ...ROW, ...REST, costMicros: 1_234_565_000, meteredMicros: 0 });
  door.world.usage.push({ value: null, ...ROW, ...REST, costMicros: 1, meteredMicros: 1 });
  assert.equal(await terminal.run('usage', '--by', 'cost_center', '--month', '2026-11', '--team', 'tea_x'), 0);
  const [title, , header, first, second, total, , remark] = terminal.out.split('\n');
  assert.equal(title, 'Usage 2026-11-01 to 2026-11-30, cost and tokens by class');
  assert.match(header ?? '', /^COST CENTER +USD +CALLS /);
  assert.match(first ?? '', /^CC-1 +1,234\.57 +1,234 +0 /);
  assert.match(second ?? '', /^\(none\) +<0\.01 +1,234 /);
  assert.match(total ?? '', /^total +1,234\.57 +2,468 /);
  assert.equal(
    remark,
    '<0.01 USD of it is metered: the provider did not report the usage of those calls, or the gateway stopped before it was known.',
  );
  assert.deepEqual(door.world.usageQueries.at(-1), {
    by: 'cost_center',
    from: '2026-11-01',
    to: '2026-11-30',
    team: 'tea_x',
  });
  for (const [by, said] of [
    ['person', 'Calls of services are not among them: --by service.'],
    ['service', 'Calls of people are not among them: --by person.'],
    ['team', remark ?? ''],
  ] as const) {
    await terminal.run('usage', '--by', by);
    assert.equal(terminal.out.trimEnd().split('\n').at(-1), said);
  }
  await close();
});

test('the forecast takes its own month, and CSV has every digit', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const amounts = { toDateMicros: 1_000_000, expectedMicros: 2_345_678, lowMicros: 0, highMicros: 9_876_543_210 };
  door.world.forecastRows = [{ team: null, ...amounts, method: 'linear' }];
  assert.equal(await terminal.run('usage', 'forecast', '--month', '2026-12'), 0);
  assert.match(terminal.out, /^Forecast for 2026-12 as of 2026-11-24, in USD\n/);
  assert.match(terminal.out, /^\(none\) +1\.00 +2\.35 +0\.00 +9,876\.54$/m);
  assert.match(terminal.out, /^total +<0\.01 +2\.50 /m);
  assert.equal(await terminal.run('usage', 'forecast', '--csv'), 0);
  assert.equal(
    terminal.out,
    'team,name,to_date_usd,expected_usd,low_usd,high_usd,method\r\n,,1.000000,2.345678,0.000000,9876.543210,linear\r\n',
  );
  await close();
});

test('unusual spending says so, or says that there is none', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  assert.equal(await terminal.run('usage', 'unusual'), 0);
  assert.equal(terminal.out, 'Unusual spending as of 2026-11-24\n\nNone.\n');
  const none = { model: null, key: null, who: null };
  const calls = { calls: 9, usualCalls: 1, driver: 'calls' } as const;
  const when = { days: 7, to: '2026-11-24', since: '2026-11-20' } as const;
  const money = { micros: 90_000_000, usualMicros: 10_000_000 };
  door.world.unusual = [{ scope: 'team', subject: 'tea_x', ...when, ...money, ...calls, ...none }];
  assert.equal(await terminal.run('usage', 'unusual'), 0);
  assert.match(
    terminal.out,
    /\nteam tea_x spent 90\.00 USD in the 7 days to 2026-11-24, usually 10\.00 USD in 7 days; unusual since 2026-11-20\. 9 calls, usually 1: mostly more calls\.\n$/,
  );
  await close();
});

test('amounts are shown to the cent', () => {
  const shown = (micros: unknown): string => dollars({ micros }, 'micros');
  assert.deepEqual([0, 1, 4_999, 5_000, 14_999, 15_000].map(shown), ['0.00', '<0.01', '<0.01', '0.01', '0.01', '0.02']);
  assert.deepEqual([999_995_000, 9_007_199_254_740_991].map(shown), ['1,000.00', '9,007,199,254.74']);
  assert.deepEqual([-1, 0.5, 'x'].map(shown), ['?', '?', '0.00']);
});
