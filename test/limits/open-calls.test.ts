import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenCalls } from '../../src/limits/open-calls.ts';

const LIMITS = { perCaller: 10, total: 100, bytesPerCaller: 1000, bytesTotal: 10_000 };

test('P3: every call that is open is cut, and none that has ended, however often places change hands', () => {
  const calls = new OpenCalls(LIMITS);
  const open = ['a', 'b', 'c', 'd'].map((key) => calls.open(`per_${key}`, `key_${key}`));
  const [a, b, c, d] = open;
  assert.ok(a && b && c && d);
  b.release();
  b.release();
  c.release();
  const e = calls.open('per_e', 'key_e');
  assert.equal(calls.count, 3);
  assert.equal(
    calls.cut(() => true, 'revoked_while_running'),
    3,
  );
  assert.deepEqual(
    [a, b, c, d, e].map(({ cut }) => cut.aborted),
    [true, false, false, true, true],
  );
  for (const one of [a, d, e]) one.release();
  assert.equal(calls.count, 0);
  assert.equal(
    calls.cut(() => true, 'draining'),
    0,
  );
});

test('a call that ends while others are cut is no obstacle', () => {
  const calls = new OpenCalls(LIMITS);
  const first = calls.open('per_a', 'key_a');
  const second = calls.open('per_a', 'key_b');
  first.cut.addEventListener('abort', () => second.release());
  calls.cut(({ caller }) => caller === 'per_a', 'draining');
  assert.deepEqual([first.cut.aborted, calls.count], [true, 1]);
});

test('what ended calls held is free again', () => {
  const calls = new OpenCalls({ ...LIMITS, perCaller: 2 });
  for (let round = 0; round < 50; round++) {
    const held = [calls.open('per_a', 'key_a'), calls.open('per_a', 'key_a')];
    for (const call of held) call.claim(500);
    assert.throws(() => calls.open('per_a', 'key_other'), { code: 'too_many_open_calls' });
    assert.throws(() => held[0]?.claim(1), { code: 'too_many_bytes_in_flight' });
    assert.deepEqual([calls.count, calls.bytes], [2, 1000]);
    for (const call of held) call.release();
  }
  assert.deepEqual([calls.count, calls.bytes], [0, 0]);
});
