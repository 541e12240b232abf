import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Rates } from '../../src/limits/rates.ts';
import { caller, ratesOf, refusedAt, send as through } from './rates-kit.ts';

/** A call that passes both gates and ends. */
function send(rates: Rates, now: number, call: Parameters<typeof through>[2]): ReturnType<typeof through> {
  const sent = through(rates, now, call);
  if (sent.entry !== null) rates.leave(sent.entry);
  return sent;
}

test('a million callers are forgotten after their minute, while others call', () => {
  const rates = ratesOf({ requests: 5, inputTokens: 100 });
  let most = 0;
  let now = 0;
  for (let i = 0; i < 1_000_000; i++) {
    // 1000 callers in a minute, each once.
    now += 60;
    send(rates, now, { facts: caller(`per_${i}`), inputTokens: 1 });
    if (i % 5000 === 0) most = Math.max(most, rates.size);
  }
  // Three numbers each (the caller, a request, tokens) of those in their minute, and the sweep's lag.
  assert.ok(most <= 4500, `${most} held`);
  now += 60_000;
  for (let i = 0; i < 1000; i++) send(rates, now, { inputTokens: 0 });
  assert.ok(rates.size <= 10, `${rates.size} held`);
});

test('a burst of callers is forgotten by the calls of one', () => {
  const rates = ratesOf({ requests: 5 }, { scope: 'organization', requests: 100_000 });
  for (let i = 0; i < 50_000; i++) send(rates, 0, { facts: caller(`per_${i}`) });
  assert.ok(rates.size >= 100_000);
  for (let i = 0; i < 10_000; i++) send(rates, 60_000 + i, { facts: caller('per_1'), action: 'count' });
  assert.ok(rates.size < 10, `${rates.size} held`);
});

test('a crowd of refused callers is remembered up to a bound, the last ones', () => {
  const rates = ratesOf({ scope: 'organization', requests: 2 });
  const first = caller('per_first');
  send(rates, 0, { facts: first });
  send(rates, 1, { facts: first });
  for (let i = 0; i < 15_000; i++) assert.ok(refusedAt(rates, 2, caller(`per_${i}`)));
  // One subject, two entries, the one with use, those who wait.
  assert.ok(rates.size <= 10_004, `${rates.size} held`);
  for (let i = 0; i < 10; i++) refusedAt(rates, 60_002, caller(`per_${i}`));
  assert.ok(rates.size <= 14, `${rates.size} held`);
});

test('callers that the second gate refuses for a minute leave no trail of empty entries', () => {
  const rates = ratesOf({ requests: 100 }, { scope: 'organization', requests: 1000, inputTokens: 10 });
  send(rates, 0, { inputTokens: 1 });
  for (let i = 1; i < 50_000; i++) {
    assert.ok(send(rates, i, { facts: caller(`per_${i % 10}`), inputTokens: 10 }).refusal);
    // Twelve windows of at most 128 entries, most of them given back.
    if (i % 1000 === 0) assert.ok(rates.size < 1600, `${rates.size} held after ${i}`);
  }
});

test('tokens of many callers in one window are held as long as their minute', () => {
  const rates = ratesOf({ scope: 'organization', inputTokens: 1_000_000 });
  for (let i = 0; i < 300_000; i++) send(rates, i, { facts: caller(`per_${i}`), inputTokens: 1 });
  // An entry and a caller for each call of the last minute.
  assert.ok(rates.size <= 120_001, `${rates.size} held`);
});

test('a caller with an open call is kept, however long it takes', () => {
  const rates = ratesOf({ concurrent: 1 });
  const { entry } = through(rates, 0, { facts: caller('per_slow') });
  for (let i = 0; i < 100; i++) send(rates, 200_000 + i, {});
  assert.equal(refusedAt(rates, 300_000, caller('per_slow'))?.what, 'concurrent');
  assert.ok(entry);
  rates.leave(entry);
  for (let i = 0; i < 100; i++) send(rates, 400_000 + i, {});
  assert.equal(rates.size, 1, 'the one that calls');
});
