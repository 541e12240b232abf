import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  duration,
  exactProduct,
  formatBytes,
  formatDuration,
  parseDuration,
  parseSize,
  sixDigits,
  size,
} from '../../src/kernel/units.ts';

const RUNS = { seed: 7, numRuns: 300 };

test('durations are read with every unit people write', () => {
  const table: [string, number][] = [
    ['250 ms', 250],
    ['30s', 30_000],
    ['30 seconds', 30_000],
    ['15 minutes', 900_000],
    ['5m', 300_000],
    ['24 h', 86_400_000],
    ['1.5h', 5_400_000],
    ['1.1 h', 3_960_000],
    ['14 days', 1_209_600_000],
    ['2 w', 1_209_600_000],
    ['0 s', 0],
  ];
  for (const [text, ms] of table) assert.equal(parseDuration(text), ms, text);
});

test('sizes tell powers of 1000 from powers of 1024', () => {
  const table: [string, number][] = [
    ['512 bytes', 512],
    ['32 MB', 32_000_000],
    ['64 MiB', 67_108_864],
    ['1 GB', 1_000_000_000],
    ['1 GiB', 1_073_741_824],
    ['0.5 KiB', 512],
    ['2 TiB', 2_199_023_255_552],
  ];
  for (const [text, bytes] of table) assert.equal(parseSize(text), bytes, text);
});

test('what has no unit, an unknown unit or no whole value is refused', () => {
  for (const text of [
    '30',
    '',
    's',
    '-1 s',
    '1e3 s',
    '30 fortnights',
    '0.1 ms',
    '1,5 h',
    '1 h 30 min',
    '0x10 s',
    '١ s',
  ]) {
    assert.equal(parseDuration(text), null, text);
  }
  for (const text of ['32', '32 Mb', '32 mb', '0.1 B', 'Infinity MB', '9000000 TB', '1 MBs', '1  MB']) {
    assert.equal(parseSize(text), null, text);
  }
});

test('schemas keep their bounds and say so in sentences', () => {
  const schema = duration({ min: 1_000, max: 60_000 });
  assert.equal(schema.parse('1 s'), 1_000);
  assert.equal(schema.parse('1 min'), 60_000);
  const fault = (value: unknown) => schema.safeParse(value).error?.issues[0]?.message;
  assert.equal(fault('999 ms'), 'must be at least 1 s');
  assert.equal(fault('61 s'), 'must be at most 1 min');
  assert.match(String(fault(30)), /^write a duration with its unit/);
  assert.match(String(fault('30')), /^write a duration with its unit/);
  assert.match(String(size().safeParse(5).error?.issues[0]?.message), /^write a size with its unit/);
  assert.equal(size().default(7).parse(undefined), 7);
});

test('values are written as people write them', () => {
  const durations: [number, string][] = [
    [0, '0 ms'],
    [1_500, '1500 ms'],
    [30_000, '30 s'],
    [900_000, '15 min'],
    [1_209_600_000, '14 d'],
    [1_234_567, '20.6 min'],
  ];
  for (const [ms, text] of durations) assert.equal(formatDuration(ms), text);
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [32_000_000, '32 MB'],
    [67_108_864, '64 MiB'],
    [1_234_567, '1.2 MB'],
  ];
  for (const [bytes, text] of sizes) assert.equal(formatBytes(bytes), text);
});

test('a short value survives being written and read', () => {
  const units = fc.constantFrom(1, 1_000, 60_000, 3_600_000, 86_400_000);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), units, (n, unit) => {
      assert.equal(parseDuration(formatDuration(n * unit)), n * unit);
    }),
    RUNS,
  );
  const bytes = fc.constantFrom(1, 1e3, 1024, 1e6, 1024 ** 2, 1e9, 1024 ** 3);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 999 }), bytes, (n, unit) => {
      assert.equal(parseSize(formatBytes(n * unit)), n * unit);
    }),
    RUNS,
  );
});

test('millionths are written by their digits, whatever the amount', () => {
  assert.equal(sixDigits(0), '0.000000');
  assert.equal(sixDigits(999_999), '0.999999');
  assert.equal(sixDigits(8_999_999_999_999_999), '8999999999.999999');
  assert.equal(sixDigits(-1), '-0.000001');
  assert.throws(() => sixDigits(0.5));
  assert.throws(() => sixDigits(2 ** 53));
});

test('decimal text is multiplied by its digits, or not at all', () => {
  assert.equal(exactProduct('0.10', 1_000_000), 100_000);
  assert.equal(exactProduct('1.1', 3_600_000), 3_960_000);
  assert.equal(exactProduct('9007199254.740991', 1_000_000), 9_007_199_254_740_991);
  for (const text of ['9007199254.740992', '0.0000001', '', '.5', '1.', '-1', '1e3', ' 1', '1.0000000000']) {
    assert.equal(exactProduct(text, 1_000_000), null, text);
  }
});
