import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputMeter } from '../../src/limits/output-meter.ts';

const meter = (maxTokens: number | null = null) => new OutputMeter({ maxTokens, topSpeed: 200, since: 0 });

test('P2: visible text counts a token for three bytes, and ordinary gaps cost nothing', () => {
  const m = meter();
  for (let i = 1; i <= 10; i++) {
    m.time(i * 1000);
    m.text(10);
  }
  assert.equal(m.tokens(11_000), 34);
});

test('P2: silence costs the top speed of the model from its second second on, and stays', () => {
  const m = meter();
  assert.equal(m.tokens(1000), 0);
  assert.equal(m.tokens(1005), 1);
  assert.equal(m.tokens(3000), 400);
  assert.equal(m.tokens(2000), 400, 'a clock that goes back stands still');
  m.text(300);
  assert.equal(m.tokens(3000), 500);
  assert.equal(m.tokens(4000), 500);
  assert.equal(m.tokens(4500), 600);
  m.time(5000);
  m.text(3);
  assert.equal(m.tokens(6000), 701);
  m.text(0);
  assert.equal(m.tokens(6500), 801, 'no bytes are no sign of life');
});

test('P2: the meter stops at max_tokens', () => {
  const m = meter(100);
  m.text(30);
  assert.equal(m.tokens(60_000), 100);
});

test('P2: the meter never falls, nor with a clock that goes back, and never runs faster than what could be produced', () => {
  const step = fc.record({ time: fc.integer({ min: -500, max: 5000 }), bytes: fc.nat(90) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const m = new OutputMeter({ maxTokens: null, topSpeed: 80, since: 1000 });
      let now = 1000;
      let latest = now;
      let last = 0;
      let bytes = 0;
      for (const one of steps) {
        now += one.time;
        latest = Math.max(latest, now);
        m.time(now);
        m.text(one.bytes);
        bytes += one.bytes;
        const tokens = m.tokens(now);
        assert.ok(Number.isSafeInteger(tokens) && tokens >= last && tokens >= bytes / 3);
        assert.ok(tokens <= bytes / 3 + 1 + ((latest - 1000) * 80) / 1000 + 1);
        last = tokens;
      }
    }),
    { seed: 11, numRuns: 300 },
  );
});
