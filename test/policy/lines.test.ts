import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMoney } from '../../src/policy/budgets.ts';
import { parseDiscount } from '../../src/policy/prices.ts';
import { parseRate } from '../../src/policy/rates.ts';
import { ADA_ID, ada, ci, KEY_ID, load } from './support.ts';

const TEAMS = 'teams: {payments: {}, Research: {}}\n';

test('counts a minute are whole and exact', () => {
  for (const [text, count] of [
    ['60/min', 60],
    ['200k/min', 200_000],
    ['2M/min', 2_000_000],
    ['1.1k/min', 1_100],
    ['0.5k/min', 500],
    ['1/min', 1],
    ['0/min', null],
    ['0.5/min', null],
    ['1.0001k/min', null],
    ['60', null],
    ['60/s', null],
    ['60/hour', null],
    ['60 / min', null],
    ['2m/min', null],
    ['-1/min', null],
    ['999999999999M/min', null],
  ] as const) {
    assert.equal(parseRate(text), count, text);
  }
});

test('money is exact to the micro-dollar', () => {
  for (const [text, micros, period] of [
    ['300 USD/month', 300_000_000, 'month'],
    ['0 USD/month', 0, 'month'],
    ['12.50 USD/week', 12_500_000, 'week'],
    ['0.000001 USD/day', 1, 'day'],
    ['0.29 USD', 290_000, 'lifetime'],
    ['100 USD/lifetime', 100_000_000, 'lifetime'],
    ['9007199254.740991 USD', Number.MAX_SAFE_INTEGER, 'lifetime'],
    ['1.005 USD/day', 1_005_000, 'day'],
  ] as const) {
    assert.deepEqual(parseMoney(text), { text, micros, period }, text);
  }
  for (const text of [
    '300',
    '300 EUR/month',
    '300 USD/year',
    '300 USD / month',
    '-1 USD/day',
    '0.0000001 USD/day',
    '1,000 USD/day',
    '1e3 USD/day',
    '$300/month',
    '9007199254.740992 USD',
    '.5 USD',
  ]) {
    assert.equal(parseMoney(text), null, text);
  }
});

test('discounts are decimal text, exact', () => {
  for (const [text, fraction] of [
    ['12%', '0.12'],
    ['7.5%', '0.075'],
    ['10%', '0.1'],
    ['0.25%', '0.0025'],
    ['99.9999%', '0.999999'],
    ['0%', null],
    ['0.0%', null],
    ['100%', null],
    ['12', null],
    ['-5%', null],
  ] as const) {
    assert.equal(parseDiscount(text), fraction, text);
  }
});

test('rates count whom they say', () => {
  const { policy } = load(
    [
      `${TEAMS}models: {aliases: {big: [claude-opus-*, claude-fable-*]}}`,
      'rates:',
      '  - { each: person, requests: 60/min, count_tokens: 300/min, input_tokens: 2M/min, output_tokens: 200k/min, concurrent: 12 }',
      '  - { for: organization, models: big, output_tokens: 2M/min, mode: observe }',
      '  - { for: [team research, team PAYMENTS], concurrent: 1 }',
      '  - { for: [model big, model "claude-haiku-5"], requests: 1/min }'.replaceAll('"', ''),
      `  - { for: [Ada@example.com, ${ADA_ID}], requests: 1/min }`,
      `  - { for: key ${KEY_ID}, requests: 1/min }`,
    ].join('\n'),
  );
  const counted = policy.rates.map(({ scope, only, models, mode }) => [scope, only, models, mode]);
  assert.deepEqual(counted, [
    ['person', null, null, 'enforce'],
    ['organization', null, ['claude-opus-*', 'claude-fable-*'], 'observe'],
    ['team', ['research', 'payments'], null, 'enforce'],
    ['model', ['claude-opus-*', 'claude-fable-*', 'claude-haiku-5'], null, 'enforce'],
    ['person', ['ada@example.com', ADA_ID], null, 'enforce'],
    ['key', [KEY_ID], null, 'enforce'],
  ]);
  const [first, second] = policy.rates;
  assert.deepEqual(
    [first?.requests, first?.countTokens, first?.inputTokens, first?.outputTokens, first?.concurrent],
    [60, 300, 2_000_000, 200_000, 12],
  );
  assert.deepEqual([second?.requests, second?.outputTokens, second?.concurrent], [null, 2_000_000, null]);
  assert.equal(
    first?.place.text,
    'each person: requests 60/min, count_tokens 300/min, input_tokens 2M/min, output_tokens 200k/min, concurrent 12',
  );
  assert.equal(second?.place.text, 'organization, using big: output_tokens 2M/min, observing');
});

test('budgets have defaults, exceptions in lower case, and names that stay when limits and order change', () => {
  const { policy } = load(
    [
      `${TEAMS}budgets:`,
      '  - { for: organization, limit: 40000 USD/month, hold: strict }',
      '  - { each: team, limit: 5000 USD/month, except: { RESEARCH: 0 USD/month } }',
      `  - { each: person, limit: 10 USD/day, models: [z-*, claude-opus-*], except: { Ada@example.com: 1 USD/day, ${ADA_ID}: 2 USD/day } }`,
      '  - { for: ada@example.com, limit: 100 USD, warn: [95%, 50%, 12.5%, 50%], when_spent: Ask in the channel., at_cap: end }',
      '  - { each: model, limit: 5 USD/week, except: { claude-Opus-5: 6 USD/week }, mode: observe, warn: [] }',
      `  - { each: key, limit: 5 USD/lifetime, except: { ${KEY_ID}: 6 USD } }`,
      '  - { each: service, limit: 5 USD/lifetime, except: { CI: 6 USD } }',
    ].join('\n'),
  );
  assert.deepEqual(
    policy.budgets.map(({ id, period, limit, except }) => [id, period, limit, [...except]]),
    [
      ['organization/month', 'month', 40_000_000_000, []],
      ['team/month', 'month', 5_000_000_000, [['research', 0]]],
      [
        'person/day/claude-opus-*,z-*',
        'day',
        10_000_000,
        [
          ['ada@example.com', 1_000_000],
          [ADA_ID, 2_000_000],
        ],
      ],
      ['named person/lifetime', 'lifetime', 100_000_000, []],
      ['model/week', 'week', 5_000_000, [['claude-Opus-5', 6_000_000]]],
      ['key/lifetime', 'lifetime', 5_000_000, [[KEY_ID, 6_000_000]]],
      ['service/lifetime', 'lifetime', 5_000_000, [['ci', 6_000_000]]],
    ],
  );
  const of = (index: number) => {
    const line = policy.budgets[index];
    return [line?.hold, line?.atCap, line?.warn, line?.whenSpent, line?.mode];
  };
  assert.deepEqual(of(0), ['strict', 'finish', [0.75, 0.95], null, 'enforce']);
  assert.deepEqual(of(3), ['estimate', 'end', [0.125, 0.5, 0.95], 'Ask in the channel.', 'enforce']);
  assert.deepEqual(of(4), ['estimate', 'finish', [], null, 'observe']);
  assert.equal(policy.budgets[1]?.place.text, 'each team: 5000 USD/month, hold estimate');
});

test('P7: the name under which spending is recorded holds no address', () => {
  const { policy } = load('budgets: [{for: ada@example.com, limit: 3 USD/day}]');
  assert.doesNotMatch(policy.budgets[0]?.id ?? '@', /@|ada/);
});

test('contract prices begin and end with days of the time zone', () => {
  const { policy } = load(
    [
      'time_zone: Europe/Berlin',
      'prices:',
      '  - { models: claude-opus-*, discount: 12%, from: 2026-10-01, until: 2026-10-25 }',
      '  - { models: [a1, b1], input: 3, output: "15.00", cache_read: 0.3, cache_write_5m: 3.75, cache_write_1h: 6 }',
    ].join('\n'),
  );
  assert.deepEqual(policy.prices, [
    {
      place: { path: 'prices[0]', line: 3, text: 'claude-opus-*: discount 12% from 2026-10-01 until 2026-10-25' },
      models: ['claude-opus-*'],
      from: Date.parse('2026-09-30T22:00:00Z'),
      until: Date.parse('2026-10-25T23:00:00Z'),
      discount: '0.12',
      usd: {},
    },
    {
      place: {
        path: 'prices[1]',
        line: 4,
        text: 'a1, b1: input 3, output 15.00, cache_read 0.3, cache_write_5m 3.75, cache_write_1h 6',
      },
      models: ['a1', 'b1'],
      from: null,
      until: null,
      discount: null,
      usd: { input: '3', output: '15.00', cache_read: '0.3', cache_write_5m: '3.75', cache_write_1h: '6' },
    },
  ]);
});

test('content is kept as the most specific word says, of several teams the charged one', () => {
  const { policy } = load(
    [
      TEAMS,
      'retention:',
      '  content:',
      '    default: none',
      '    team Research: full',
      '    team payments: none',
      '    person Ada@example.com: none',
      '    service payments-ci: full',
      `    key ${KEY_ID}: full`,
    ].join('\n'),
  );
  const keyless = { ...ada, key: 'key_01eeeeeeeeeeeeeeeeeeeeeeee' };
  const grace = { ...keyless, name: 'grace@example.com' };
  const keeps = (who: typeof ada) => policy.keepsContent(who);
  assert.equal(keeps(ada), true);
  assert.equal(keeps({ ...keyless, team: 'research', teams: ['research'] }), false);
  assert.equal(keeps({ ...grace, team: 'Research', teams: ['payments', 'Research'] }), true);
  assert.equal(keeps({ ...grace, team: 'payments', teams: ['payments', 'Research'] }), false);
  assert.equal(keeps({ ...grace, team: null, teams: ['Research'] }), false);
  assert.equal(keeps({ ...ci, key: keyless.key }), true);
  assert.equal(load('retention: {content: {default: full}}').policy.keepsContent(grace), true);
});
