import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstDay, localDay, periodEnd, periodOf } from '../../src/limits/periods.ts';

const at = (text: string) => Date.parse(text);
const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString().replace('.000Z', 'Z'));

/** [zone, an instant, its day], from the published rules of each zone. */
const DAYS: readonly (readonly [string, string, string])[] = [
  ['UTC', '2026-11-24T23:59:59.999Z', '2026-11-24'],
  ['UTC', '2026-11-25T00:00:00Z', '2026-11-25'],
  // Summer time from 29 March 01:00 UTC to 25 October 01:00 UTC.
  ['Europe/Berlin', '2026-03-28T22:59:59.999Z', '2026-03-28'],
  ['Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29'],
  ['Europe/Berlin', '2026-03-29T21:59:59Z', '2026-03-29'],
  ['Europe/Berlin', '2026-03-29T22:00:00Z', '2026-03-30'],
  ['Europe/Berlin', '2026-10-25T22:59:59Z', '2026-10-25'],
  ['Europe/Berlin', '2026-10-25T23:00:00Z', '2026-10-26'],
  // From 8 March 07:00 UTC to 1 November 06:00 UTC.
  ['America/New_York', '2026-03-09T03:59:59Z', '2026-03-08'],
  ['America/New_York', '2026-03-09T04:00:00Z', '2026-03-09'],
  ['America/New_York', '2026-11-02T04:59:59Z', '2026-11-01'],
  ['America/New_York', '2026-11-02T05:00:00Z', '2026-11-02'],
  ['Asia/Kathmandu', '2026-11-24T18:14:59Z', '2026-11-24'],
  ['Asia/Kathmandu', '2026-11-24T18:15:00Z', '2026-11-25'],
  // 30 December 2011 did not exist.
  ['Pacific/Apia', '2011-12-30T09:59:59Z', '2011-12-29'],
  ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-31'],
  ['Pacific/Apia', '2026-11-24T10:59:59Z', '2026-11-24'],
  ['Pacific/Apia', '2026-11-24T11:00:00Z', '2026-11-25'],
  ['Pacific/Kiritimati', '2026-11-24T10:00:00Z', '2026-11-25'],
  ['Etc/GMT+12', '2026-11-24T11:59:59Z', '2026-11-23'],
  // Clocks went from 00:01 back to 23:01: the minute and the hour that came again are the new day.
  ['America/St_Johns', '2010-11-07T02:29:59Z', '2010-11-06'],
  ['America/St_Johns', '2010-11-07T02:30:00Z', '2010-11-07'],
  ['America/St_Johns', '2010-11-07T03:00:00Z', '2010-11-07'],
  ['America/St_Johns', '2010-11-07T03:30:00Z', '2010-11-07'],
];

test('P2: a day is the calendar day of the zone, whatever its clocks do', () => {
  for (const order of [DAYS, DAYS.toReversed()]) {
    for (const [zone] of DAYS) localDay(0, zone);
    for (const [zone, instant, day] of order) assert.equal(localDay(at(instant), zone), day, `${zone} ${instant}`);
  }
  for (const [zone, instant, day] of DAYS) {
    localDay(0, zone);
    assert.equal(localDay(at(instant), zone), day, `${zone} ${instant}, asked afresh`);
  }
  assert.throws(() => localDay(0, 'Mars/Olympus'), RangeError);
});

test('P2: a period ends at the first instant of the next one in its zone', () => {
  const ends: readonly (readonly [string, 'day' | 'week' | 'month', string, string])[] = [
    ['2026-03-28', 'day', 'Europe/Berlin', '2026-03-28T23:00:00Z'],
    ['2026-03-29', 'day', 'Europe/Berlin', '2026-03-29T22:00:00Z'],
    ['2026-10-25', 'day', 'Europe/Berlin', '2026-10-25T23:00:00Z'],
    ['2026-03-25', 'week', 'Europe/Berlin', '2026-03-29T22:00:00Z'],
    ['2026-03-01', 'month', 'Europe/Berlin', '2026-03-31T22:00:00Z'],
    ['2026-10-31', 'month', 'Europe/Berlin', '2026-10-31T23:00:00Z'],
    ['2026-12-31', 'month', 'Europe/Berlin', '2026-12-31T23:00:00Z'],
    ['2026-03-08', 'day', 'America/New_York', '2026-03-09T04:00:00Z'],
    ['2026-11-01', 'day', 'America/New_York', '2026-11-02T05:00:00Z'],
    ['2026-11-30', 'month', 'America/New_York', '2026-12-01T05:00:00Z'],
    ['2026-02-15', 'month', 'Asia/Kathmandu', '2026-02-28T18:15:00Z'],
    ['2028-02-15', 'month', 'Asia/Kathmandu', '2028-02-29T18:15:00Z'],
    ['2011-12-29', 'day', 'Pacific/Apia', '2011-12-30T10:00:00Z'],
    ['2011-12-31', 'day', 'Pacific/Apia', '2011-12-31T10:00:00Z'],
    ['2011-12-29', 'month', 'Pacific/Apia', '2011-12-31T10:00:00Z'],
    ['2026-11-24', 'day', 'Pacific/Kiritimati', '2026-11-24T10:00:00Z'],
    ['2026-11-24', 'day', 'Etc/GMT+12', '2026-11-25T12:00:00Z'],
    // Midnight of 4 November 2018 was skipped: the clocks went from 23:59:59 (UTC-3) to 01:00 (UTC-2).
    ['2018-11-03', 'day', 'America/Sao_Paulo', '2018-11-04T03:00:00Z'],
    ['2018-11-04', 'day', 'America/Sao_Paulo', '2018-11-05T02:00:00Z'],
    // Clocks went from midnight of 18 February 2018 back to 23:00.
    ['2018-02-17', 'day', 'America/Sao_Paulo', '2018-02-18T03:00:00Z'],
    // Midnight of 22 March 2021 was skipped in a zone far east of Greenwich (UTC+3:30).
    ['2021-03-21', 'day', 'Asia/Tehran', '2021-03-21T20:30:00Z'],
    ['2010-11-06', 'day', 'America/St_Johns', '2010-11-07T02:30:00Z'],
  ];
  for (const [day, period, zone, end] of ends) {
    assert.equal(iso(periodEnd(day, period, zone)), end, `${day} ${period} ${zone}`);
  }
  assert.equal(periodEnd('2026-11-24', 'lifetime', 'UTC'), null);
});

test('keys and first days of periods follow ISO 8601', () => {
  const weeks = [
    ['2026-11-24', '2026-W48', '2026-11-23'],
    ['2026-12-31', '2026-W53', '2026-12-28'],
    ['2027-01-03', '2026-W53', '2026-12-28'],
    ['2027-01-04', '2027-W01', '2027-01-04'],
    ['2024-12-30', '2025-W01', '2024-12-30'],
    ['2021-01-03', '2020-W53', '2020-12-28'],
    ['2026-01-01', '2026-W01', '2025-12-29'],
  ] as const;
  for (const [day, week, monday] of weeks) {
    assert.deepEqual([periodOf(day, 'week'), firstDay(day, 'week')], [week, monday], day);
  }
  assert.deepEqual([periodOf('2026-11-24', 'day'), firstDay('2026-11-24', 'day')], ['2026-11-24', '2026-11-24']);
  assert.deepEqual([periodOf('2026-11-24', 'month'), firstDay('2026-11-24', 'month')], ['2026-11', '2026-11-01']);
  assert.deepEqual([periodOf('2026-11-24', 'lifetime'), firstDay('2026-11-24', 'lifetime')], ['lifetime', null]);
  for (const day of ['2026-02-30', '2026-1-1', 'today', '']) assert.throws(() => periodOf(day, 'month'), RangeError);
});

test('P2: every instant lies before the end of its day and at or after the end of the day before, in any zone', () => {
  const zones = [
    'Europe/Berlin',
    'America/New_York',
    'Pacific/Apia',
    'America/Sao_Paulo',
    'Asia/Kathmandu',
    'Africa/Cairo',
  ];
  const time = fc.integer({ min: at('2005-01-01'), max: at('2027-12-31') });
  fc.assert(
    fc.property(time, fc.constantFrom(...zones), (now, zone) => {
      const day = localDay(now, zone);
      const end = periodEnd(day, 'day', zone) ?? 0;
      assert.ok(now < end);
      assert.equal(localDay(end - 1, zone), day);
      assert.ok(localDay(end, zone) > day);
      assert.equal(new Date(now).toLocaleDateString('sv-SE', { timeZone: zone }), day);
    }),
    { seed: 7, numRuns: 400 },
  );
});
