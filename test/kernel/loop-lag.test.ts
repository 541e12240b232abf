import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoopLag, watchLoop } from '../../src/kernel/loop-lag.ts';

/** A histogram that says what the test tells it. */
function histogram() {
  return {
    count: 0,
    nanos: 0,
    asked: 0,
    percentile(share: number) {
      this.asked = share;
      return this.nanos;
    },
    reset() {
      this.count = 0;
    },
  };
}

test('the lag is what the loop was late, without the pause between two looks', () => {
  const delays = histogram();
  const lag = new LoopLag(delays);
  Object.assign(delays, { count: 500, nanos: 32_500_000 });
  assert.equal(lag.p99(), 0.0225);
  assert.equal(delays.asked, 99);
  Object.assign(delays, { count: 500, nanos: 9_900_000 });
  assert.equal(lag.p99(), 0, 'never below nothing');
});

test('each answer is of the time since the one before, unless that was just now', () => {
  const delays = histogram();
  const lag = new LoopLag(delays);
  Object.assign(delays, { count: 500, nanos: 30_000_000 });
  assert.equal(lag.p99(), 0.02);
  assert.equal(delays.count, 0);
  Object.assign(delays, { count: 5, nanos: 900_000_000 });
  assert.equal(lag.p99(), 0.02, 'a few looks say nothing');
  assert.equal(delays.count, 5, 'and are kept for the next answer');
  Object.assign(delays, { count: 100, nanos: 11_000_000 });
  assert.equal(lag.p99().toFixed(6), '0.001000');
});

test('a loop that is held up for 15 ms at a time shows it', async () => {
  const { lag, stop } = watchLoop();
  try {
    let shown = 0;
    for (let i = 0; i < 400 && shown === 0; i++) {
      for (const end = performance.now() + 15; performance.now() < end; );
      await new Promise((resolve) => setTimeout(resolve, 0));
      shown = lag.p99();
    }
    // Every look came at least 15 ms after the one before, where it should have come after 10.
    assert.ok(shown > 0.004, `${shown}`);
  } finally {
    stop();
  }
});
