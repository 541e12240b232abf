import assert from 'node:assert/strict';
import { addDays, daysBetween, daysOfMonth, firstDayOf, isDay, weekdayOf } from '../../../src/kernel/days.ts';
import {
  exactProduct,
  formatBytes,
  formatDuration,
  parseDuration,
  parseSize,
  sixDigits,
} from '../../../src/kernel/units.ts';
import { parseMoney } from '../../../src/policy/budgets.ts';
import { parseWhen } from '../../../src/policy/dates.ts';
import { parseDiscount } from '../../../src/policy/prices.ts';
import { contractOf } from '../../../src/pricing/contract.ts';
import { scaled } from '../../../src/pricing/decimal.ts';
import type { FuzzTarget } from '../engine/target.ts';

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The Gregorian calendar by its rules. */
function lengthOf(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : (LENGTHS[month - 1] ?? 0);
}

function runDays(input: Uint8Array): void {
  const [text = '', other = ''] = Buffer.from(input).toString().split('\n');
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  const exists = /^\d{4}-\d{2}-\d{2}$/.test(text) && day >= 1 && day <= lengthOf(year, month);
  assert.equal(isDay(text), exists, 'a day that does not exist is one, or the other way round');
  if (/^\d{4}-(?:0[1-9]|1[0-2])$/.test(other)) {
    const { first, last } = daysOfMonth(other);
    const [ofYear = 0, ofMonth = 0] = other.split('-').map(Number);
    assert.deepEqual([first, last], [`${other}-01`, `${other}-${lengthOf(ofYear, ofMonth)}`]);
    assert.equal(daysBetween(first, last).length, lengthOf(ofYear, ofMonth));
  } else assert.throws(() => daysOfMonth(other), RangeError);
  const when = parseWhen(text);
  if (when !== null) assert.match(text, /^2[01]\d\d-/);
  if (when?.kind === 'instant') assert.ok(Number.isSafeInteger(when.at), 'an instant is no number');
  if (!exists || year < 2 || year > 9997) return;
  assert.equal(addDays(addDays(text, 40), -40), text);
  assert.ok(firstDayOf(text, 'week') <= text && firstDayOf(text, 'month') <= text);
  assert.equal(weekdayOf(firstDayOf(text, 'week')), 1);
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1e3,
  sec: 1e3,
  secs: 1e3,
  second: 1e3,
  seconds: 1e3,
  m: 6e4,
  min: 6e4,
  mins: 6e4,
  minute: 6e4,
  minutes: 6e4,
  h: 36e5,
  hour: 36e5,
  hours: 36e5,
  d: 864e5,
  day: 864e5,
  days: 864e5,
  w: 6048e5,
  week: 6048e5,
  weeks: 6048e5,
};
const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  byte: 1,
  bytes: 1,
  kB: 1e3,
  KB: 1e3,
  KiB: 2 ** 10,
  MB: 1e6,
  MiB: 2 ** 20,
  GB: 1e9,
  GiB: 2 ** 30,
  TB: 1e12,
  TiB: 2 ** 40,
};

/** Exact arithmetic on the digits: the product, or null where it is no whole number or too large. */
function product(text: string, factor: number, digits: { whole: number; fraction: number }): bigint | null {
  const [whole = '', fraction, ...more] = text.split('.');
  const plain = (part: string, most: number): boolean => /^\d+$/.test(part) && part.length <= most;
  if (more.length > 0 || !plain(whole, digits.whole) || (fraction !== undefined && !plain(fraction, digits.fraction)))
    return null;
  const scale = 10n ** BigInt(fraction?.length ?? 0);
  const value = BigInt(whole + (fraction ?? '')) * BigInt(factor);
  return value % scale === 0n && value / scale <= BigInt(Number.MAX_SAFE_INTEGER) ? value / scale : null;
}

function runUnits(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  const [, amount = '', name = ''] = /^([\d.]+) ?([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const expected = (units: Readonly<Record<string, number>>): number | null => {
    const value = Object.hasOwn(units, name) ? product(amount, units[name] ?? 0, { whole: 15, fraction: 9 }) : null;
    return value === null ? null : Number(value);
  };
  for (const [read, units, show] of [
    [parseDuration, UNITS, formatDuration],
    [parseSize, SIZES, formatBytes],
  ] as const) {
    const value = read(text);
    assert.equal(value, expected(units), 'an amount with its unit is read otherwise');
    // What is shown is never further away than its last digit.
    if (value !== null) assert.match(show(value), /^\d+(?:\.\d)? [A-Za-z]+$/);
  }
}

function runDecimals(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  const exact = product(text, 1_000_000, { whole: 15, fraction: 9 });
  assert.equal(exactProduct(text, 1_000_000), exact === null ? null : Number(exact));
  if (exact !== null) assert.equal(BigInt(sixDigits(Number(exact)).replace('.', '')), exact);
  const billionths = /^\d{1,6}(?:\.\d{1,9})?$/.test(text)
    ? BigInt(text.split('.')[0] + (text.split('.')[1] ?? '').padEnd(9, '0'))
    : null;
  if (billionths === null) assert.throws(() => scaled(text), RangeError);
  else assert.equal(scaled(text), billionths);
  const money = parseMoney(text);
  if (money !== null) {
    assert.match(text, /^\d+(?:\.\d+)? USD(?:\/(?:day|week|month|lifetime))?$/);
    assert.equal(BigInt(money.micros), product(text.split(' ')[0] ?? '', 1_000_000, { whole: 10, fraction: 6 }));
  }
  const discount = parseDiscount(text);
  if (discount !== null)
    assert.ok(
      (Number(discount) > 0 && Number(discount) < 1 && Number(discount) === Number(text.slice(0, -1)) / 100) ||
        Math.abs(Number(discount) * 100 - Number(text.slice(0, -1))) < 1e-9,
    );
  const override = { place: { path: 'prices[0]', line: 1, text: '' }, models: ['*'], from: null, until: null };
  for (const terms of [
    { discount: text, usd: {} },
    { discount: null, usd: { input: text } },
  ]) {
    try {
      const { share, rates } = contractOf({ ...override, ...terms });
      assert.ok(share >= 0n && share <= 10n ** 9n && (rates.input ?? 0n) >= 0n, 'a contract pays back');
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
}

const one = (name: string, parses: string, parts: Pick<FuzzTarget, 'seeds' | 'run'>): FuzzTarget => ({
  name,
  parses,
  hostile: ['file', 'caller'],
  tokens: TOKENS,
  ...parts,
});
const TOKENS = [
  '-',
  '.',
  '\n',
  '2024',
  '02',
  '29',
  '31',
  '00',
  '9999',
  '0000',
  '1900',
  ' ',
  'T',
  'Z',
  '+02:00',
  'ms',
  'min',
  'h',
  'd',
  'weeks',
  'MiB',
  'kB',
  'TB',
  'constructor',
  '__proto__',
  ' USD',
  '/month',
  '/day',
  '%',
  'e9',
  '0.000000001',
  '999999999999999',
  '9007199254740991',
  '9007199254740992',
  '٣',
  '１',
];

export const days = one('days', 'src/kernel/days.ts, src/policy/dates.ts', {
  seeds: [
    '2024-02-29\n2024-02',
    '9999-12-31\n9999-12',
    '2026-11-24T12:00:00+02:00\n2026-11',
    '0001-01-01\n0000-01',
    '2025-02-29\n2025-13',
  ],
  run: runDays,
});
export const units = one('units', 'src/kernel/units.ts', {
  seeds: ['1.5 h', '30s', '14 days', '64 MiB', '0.1 kB', '9007199254740991 B', '0.000000001 TB'],
  run: runUnits,
});
export const decimals = one(
  'decimals',
  'src/pricing/decimal.ts, src/pricing/contract.ts, src/policy/budgets.ts, src/policy/prices.ts',
  {
    seeds: ['12.50', '0.125', '300 USD/month', '12.5%', '999999.999999999', '0', '100 USD'],
    run: runDecimals,
  },
);
