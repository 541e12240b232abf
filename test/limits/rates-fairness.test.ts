import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RateLine } from '../../src/policy/model.ts';
import { caller, entered, ratesOf, refusedAt, send } from './rates-kit.ts';

const greedy = caller('per_greedy', { team: 'tea_1' });
const modest = Array.from({ length: 10 }, (_, i) => caller(`per_modest_${i}`, { team: 'tea_1' }));
const MINUTE = 60_000;

/** Five minutes: one caller tries every 10 ms, ten others every 2 s from second 5 on. Returns who passed when. */
function contend(given: Partial<RateLine>): { who: string; at: number }[] {
  const rates = ratesOf(given);
  const passed: { who: string; at: number }[] = [];
  for (let now = 0; now < 5 * MINUTE; now += 10) {
    const trying = [greedy, ...modest.filter((_, i) => now >= 5000 && (now + i * 130) % 2000 === 0)];
    for (const facts of trying) {
      const { refusal } = send(rates, now, { facts, inputTokens: 1, outputTokens: 1 });
      if (refusal === null) passed.push({ who: facts.who, at: now });
    }
  }
  return passed;
}

for (const given of [
  { scope: 'organization', requests: 110 },
  { scope: 'team', inputTokens: 110 },
  { scope: 'model', outputTokens: 110 },
] as const) {
  test(`a greedy client leaves ten modest ones their share of a ${given.scope} line`, () => {
    const passed = contend(given);
    // The greedy one took the first minute before anybody came. From then on eleven share 110.
    for (const minute of [2, 3, 4]) {
      const inMinute = passed.filter(({ at }) => at >= minute * MINUTE && at < (minute + 1) * MINUTE);
      for (const { who } of modest) {
        const count = inMinute.filter((one) => one.who === who).length;
        assert.ok(count >= 9 && count <= 11, `${who} had ${count} in minute ${minute}`);
      }
      const rest = inMinute.filter((one) => one.who === greedy.who).length;
      assert.ok(rest >= 9, `the greedy one had ${rest}`);
    }
    for (const { at } of passed) {
      assert.ok(passed.filter((one) => one.at > at - MINUTE && one.at <= at).length <= 110);
    }
  });
}

test('a caller alone gets the whole limit, and the whole again when the others no longer wait', () => {
  const rates = ratesOf({ scope: 'organization', requests: 10 });
  for (let i = 0; i < 10; i++) entered(rates, i, greedy);
  const other = caller('per_other');
  assert.equal(refusedAt(rates, 30_000, other)?.retryAfterMs, 30_000);
  // Half the window is kept for the one who waits: five of ten go, then the sixth brings the greedy one below its share.
  assert.equal(refusedAt(rates, 60_000, greedy)?.retryAfterMs, 5);
  entered(rates, 60_005, greedy);
  assert.equal(refusedAt(rates, 60_005, greedy)?.retryAfterMs, 1);
  for (let i = 6; i < 10; i++) entered(rates, 60_000 + i, greedy);
  // Five used and five kept, until the minute of the one that waits is over.
  assert.equal(refusedAt(rates, 60_010, greedy)?.retryAfterMs, 29_990);
  assert.equal(refusedAt(rates, 89_999, greedy)?.retryAfterMs, 1);
  for (let i = 0; i < 5; i++) entered(rates, 90_000, greedy);
  assert.equal(refusedAt(rates, 90_000, greedy)?.retryAfterMs, 30_005);
});

test('lines of one caller each and lines that observe hold nobody back for others', () => {
  const rates = ratesOf({ scope: 'key', requests: 4 }, { scope: 'organization', requests: 1, mode: 'observe' });
  for (let i = 0; i < 4; i++) entered(rates, i, { ...greedy, key: 'key_shared' });
  const other = { ...caller('per_other'), key: 'key_shared' };
  assert.equal(refusedAt(rates, 10, other)?.what, 'requests');
  for (let i = 0; i < 4; i++) entered(rates, 60_000 + i, { ...greedy, key: 'key_shared' });
});

test('a call that can never pass does not make others wait for it', () => {
  const rates = ratesOf({ scope: 'organization', inputTokens: 10 });
  assert.equal(send(rates, 0, { facts: greedy, inputTokens: 6 }).refusal, null);
  assert.equal(send(rates, 1, { facts: caller('per_other'), inputTokens: 11 }).refusal?.never, true);
  assert.equal(send(rates, 2, { facts: greedy, inputTokens: 4 }).refusal, null);
});

test('keys of one owner share one share', () => {
  const rates = ratesOf({ scope: 'organization', requests: 4 });
  for (let i = 0; i < 4; i++) entered(rates, i, { ...greedy, key: `key_${i}` });
  assert.equal(refusedAt(rates, 30_000, caller('per_other'))?.retryAfterMs, 30_000);
  assert.equal(refusedAt(rates, 60_001, { ...greedy, key: 'key_new' })?.retryAfterMs, 1);
});

test('a large call that waits is not starved by small ones', () => {
  const rates = ratesOf({ scope: 'organization', inputTokens: 100 });
  const large = caller('per_large');
  let passedAt = Number.NaN;
  for (let now = 0; now < 3 * MINUTE && Number.isNaN(passedAt); now += 100) {
    send(rates, now, { facts: greedy, inputTokens: 2 });
    if (now < 10_000 || now % 5000 !== 0) continue;
    if (send(rates, now, { facts: large, inputTokens: 50 }).refusal === null) passedAt = now;
  }
  assert.ok(passedAt <= 70_000, `passed at ${passedAt}`);
});

test('the wait that is told is true for all lines at once: somebody who waits can come first meanwhile', () => {
  const rates = ratesOf({ inputTokens: 10 }, { scope: 'organization', models: ['m'], requests: 9 });
  const [ada, waiting, third] = [caller('per_ada'), caller('per_waiting'), caller('per_third')];
  const at = (now: number, facts: typeof ada, inputTokens = 0) =>
    send(rates, now, { facts, inputTokens, model: 'm' }).refusal?.retryAfterMs ?? null;
  at(0, third);
  at(10_000, waiting);
  at(20_000, waiting);
  at(20_000, waiting);
  at(25_000, ada, 10);
  at(30_001, third);
  for (let i = 0; i < 3; i++) at(40_000, ada);
  assert.equal(at(41_000, waiting), 19_000, 'nine of nine');
  // Of the organisation's nine Ada has four, the one who waits its share of three, so Ada could go; her tokens return at 85 s.
  // By then she still has three and the one who waits none: its share comes first until the third, gone at 90.001 s, makes
  // the shares larger.
  assert.equal(at(60_000, ada, 10), 30_001);
  assert.equal(at(90_000, ada, 10), 1);
  assert.equal(at(90_001, ada, 10), null);
});
