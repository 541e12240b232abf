import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoor } from './fake.ts';

const ROW = {
  calls: 2,
  failed: 1,
  refused: 0,
  unmetered: 0,
  inputTokens: 10,
  cacheWrite5mTokens: 1,
  cacheWrite1hTokens: 2,
  cacheReadTokens: 3,
  outputTokens: 4,
  webSearches: 5,
};

test('usage: months have their real length, ids get their names, and rows add up to the micro-dollar', async () => {
  const door = await openDoor();
  const amounts = [
    { costMicros: 4_503_599_627_370_496, meteredMicros: 1 },
    { costMicros: 4_503_599_627_370_495, meteredMicros: 20_000_000 },
  ];
  for (const [index, money] of amounts.entries()) {
    door.world.usage.push({ value: index === 0 ? door.member.id : null, ...ROW, ...money });
  }
  const answer = (await door.call('GET', '/api/usage?by=person&month=2028-02')).json();
  assert.deepEqual(door.world.usageQueries.at(-1), { by: 'person', from: '2028-02-01', to: '2028-02-29' });
  assert.equal(answer.rows[0].name, 'mia@example.com');
  assert.equal(answer.rows[0].cost_usd, '4503599627.370496');
  assert.equal(answer.rows[0].metered_usd, '0.000001');
  assert.equal(answer.rows[1].name, null);
  assert.deepEqual(answer.total, {
    cost_usd: '9007199254.740991',
    cost_micros: 9_007_199_254_740_991,
    metered_usd: '20.000001',
    metered_micros: 20_000_001,
    calls: 4,
    failed: 2,
    refused: 0,
    unmetered: 0,
    input_tokens: 20,
    cache_write_5m_tokens: 2,
    cache_write_1h_tokens: 4,
    cache_read_tokens: 6,
    output_tokens: 8,
    web_searches: 10,
  });
  await door.call('GET', '/api/usage');
  assert.deepEqual(door.world.usageQueries.at(-1), { by: 'team', from: '2026-11-01', to: '2026-11-30' });
  door.world.usage.push({ value: 'per_x', ...ROW, costMicros: 1, meteredMicros: 0 });
  assert.equal((await door.call('GET', '/api/usage')).statusCode, 500, 'a total that would be rounded is not shown');
  await door.app.close();
});

test('usage: can be asked by cost centre, and for one team and caller by name', async () => {
  const door = await openDoor();
  await door.call('POST', '/api/teams', { body: { name: 'Payments' } });
  const team = door.world.teams[0]?.id;
  const asked = await door.call(
    'GET',
    '/api/usage?by=cost_center&month=2026-10&team=payments&person=mia%40example.com',
  );
  assert.equal(asked.statusCode, 200);
  const period = { from: '2026-10-01', to: '2026-10-31' };
  assert.deepEqual(door.world.usageQueries.at(-1), { by: 'cost_center', ...period, team, person: door.member.id });
  const gone = `tea_${'0'.repeat(26)}`;
  await door.call('GET', `/api/usage?month=2026-10&team=${gone}`);
  assert.deepEqual(door.world.usageQueries.at(-1), { by: 'team', ...period, team: gone });
  for (const query of ['team=nobody', 'person=nobody']) {
    assert.equal((await door.call('GET', `/api/usage?${query}`)).statusCode, 404, query);
  }
  await door.app.close();
});

test('the forecast is of this month in the zone that calls are booked in, unless another is asked for', async () => {
  const door = await openDoor({ today: () => '2026-12-01' });
  const amounts = { toDateMicros: 1, expectedMicros: 1_234_567, lowMicros: 0, highMicros: 9_000_000 };
  door.world.forecastRows = [{ team: null, ...amounts, method: 'linear' }];
  const answer = (await door.call('GET', '/api/usage/forecast')).json();
  assert.deepEqual([answer.month, answer.today, answer.simulated], ['2026-12', '2026-12-01', false]);
  assert.deepEqual(answer.rows, [
    {
      team: null,
      name: null,
      to_date_usd: '0.000001',
      to_date_micros: 1,
      expected_usd: '1.234567',
      expected_micros: 1_234_567,
      low_usd: '0.000000',
      low_micros: 0,
      high_usd: '9.000000',
      high_micros: 9_000_000,
      method: 'linear',
    },
  ]);
  assert.equal(answer.total.expected_usd, '2.500000');
  assert.equal((await door.call('GET', '/api/usage/forecast?month=2026-11')).json().month, '2026-11');
  assert.equal((await door.call('GET', '/api/usage/forecast?month=2026-13')).statusCode, 400);
  await door.app.close();
  const plain = await openDoor();
  assert.equal((await plain.call('GET', '/api/usage/forecast')).json().today, '2026-11-24');
  await plain.app.close();
});

test('unusual spending is told in words, with names', async () => {
  const door = await openDoor();
  const key = door.world.credential(door.member.id, { label: 'laptop' }).row.id;
  door.world.unusual = [
    {
      scope: 'person',
      subject: door.member.id,
      days: 1,
      to: '2026-11-23',
      since: '2026-11-21',
      micros: 84_204_999,
      usualMicros: 6_105_000,
      calls: 40,
      usualCalls: 12.5,
      driver: 'cost_per_call',
      model: { value: 'claude-opus-5-5', micros: 78_100_000, usualMicros: 0, isNew: true },
      key: { value: key, micros: 80_000_000, usualMicros: 3_000_000, isNew: false },
      who: null,
    },
  ];
  const { rows } = (await door.call('GET', '/api/usage/unusual')).json();
  assert.equal(
    rows[0].explanation,
    'person mia@example.com spent 84.20 USD on 2026-11-23, usually 6.11 USD in a day; unusual since 2026-11-21. ' +
      '40 calls, usually 12.5: mostly dearer calls. Grew most: model claude-opus-5-5 (78.10 USD, new). ' +
      'Grew most: key laptop, mia@example.com (80.00 USD, usually 3.00 USD).',
  );
  assert.deepEqual(rows[0].model, {
    value: 'claude-opus-5-5',
    name: null,
    cost_usd: '78.100000',
    cost_micros: 78_100_000,
    usual_usd: '0.000000',
    usual_micros: 0,
    new: true,
  });
  assert.equal(rows[0].who, null);
  await door.app.close();
});
