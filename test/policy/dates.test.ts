import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calendarOf, isTimeZone, parseWhen } from '../../src/policy/dates.ts';

const day = (text: string) => ({ kind: 'day', text }) as const;
const at = (text: string) => Date.parse(text);

test('a day counts to its end in the time zone, on days of 23, 24 and 25 hours', () => {
  for (const [zone, text, start, end] of [
    ['UTC', '2026-12-31', '2026-12-31T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['Europe/Berlin', '2027-06-30', '2027-06-29T22:00:00Z', '2027-06-30T22:00:00Z'],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z'],
    ['Pacific/Kiritimati', '2026-01-01', '2025-12-31T10:00:00Z', '2026-01-01T10:00:00Z'],
    ['Etc/GMT+12', '2026-01-01', '2026-01-01T12:00:00Z', '2026-01-02T12:00:00Z'],
    // The clocks skip midnight: the day begins at one o'clock.
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00Z', '2018-11-05T02:00:00Z'],
    // Samoa crossed the date line: this day did not happen.
    ['Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00Z', '2011-12-30T10:00:00Z'],
    ['UTC', '2028-02-29', '2028-02-29T00:00:00Z', '2028-03-01T00:00:00Z'],
  ] as const) {
    const calendar = calendarOf(zone);
    assert.equal(calendar.start(day(text)), at(start), `${zone} ${text}`);
    assert.equal(calendar.end(day(text)), at(end), `${zone} ${text}`);
  }
});

test('an instant is itself, in every time zone', () => {
  const written = parseWhen('2027-06-30T18:00:00+02:00');
  assert.ok(written !== null);
  assert.equal(calendarOf('Asia/Tokyo').end(written), 1_814_371_200_000);
  assert.equal(calendarOf('Asia/Tokyo').start(written), 1_814_371_200_000);
  assert.deepEqual(parseWhen('2027-06-30T16:00Z'), {
    kind: 'instant',
    text: '2027-06-30T16:00Z',
    at: 1_814_371_200_000,
  });
});

test('days that do not exist and times without an offset are refused', () => {
  for (const text of [
    '2026-02-29',
    '2026-02-30',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '1999-01-01',
    '2200-01-01',
    '26-01-01',
    '2026-1-1',
    '2026-01-01T00:00:00',
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01T00:00:00+2',
    'tomorrow',
    '',
  ]) {
    assert.equal(parseWhen(text), null, text);
  }
});

test('time zones are names of the database, not offsets', () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])
    assert.equal(isTimeZone(zone), true, zone);
  for (const zone of ['+02:00', 'Europe/Berln', '', 'Mars/Olympus', '-0300'])
    assert.equal(isTimeZone(zone), false, zone);
});
