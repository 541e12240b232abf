import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RateEntry } from '../../src/limits/rates.ts';
import { caller, ratesOf, send } from './rates-kit.ts';

const MINUTE = 60_000;

/** Everything that was ever booked, and nothing cleverer. */
class Ledger {
  readonly events: { at: number; amount: number }[] = [];

  /** In the minute that ends at this time; what happened exactly a minute before is not in it. */
  used(time: number): number {
    return this.events.reduce((sum, { at, amount }) => (at > time - MINUTE && at <= time ? sum + amount : sum), 0);
  }

  /** Earliest time from `from` on at which `amount` fits under `limit`: only a minute after some event can that change. */
  fits(amount: number, limit: number, from: number): number {
    const times = [from, ...this.events.map(({ at }) => at + MINUTE).filter((time) => time > from)];
    return Math.min(...times.filter((time) => this.used(Math.max(time, from)) + amount <= limit));
  }
}

const step = fc.record({
  /** Steps of a tenth of the window meet its edge often. */
  wait: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.constant(6000), fc.constant(20_000)),
  input: fc.integer({ min: 0, max: 45 }),
  output: fc.integer({ min: 0, max: 80 }),
  settle: fc.option(fc.record({ input: fc.integer({ min: 0, max: 60 }), output: fc.integer({ min: 0, max: 60 }) })),
  count: fc.boolean(),
  alone: fc.boolean(),
});

const LIMITS = { requests: 4, countTokens: 3, inputTokens: 40, outputTokens: 50 };

test('a naive list of all calls agrees with every answer: never over the limit, never refused for nothing, waits exact', () => {
  let refused = 0;
  let passed = 0;
  const property = fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
    const rates = ratesOf(LIMITS, { scope: 'service', requests: 1 });
    const ledgers = { requests: new Ledger(), counts: new Ledger(), input: new Ledger(), output: new Ledger() };
    let now = 0;
    for (const { wait, input, output, settle, count } of steps) {
      now += wait;
      const sent = send(rates, now, { action: count ? 'count' : 'call', inputTokens: input, outputTokens: output });
      const booked = Math.min(output, LIMITS.outputTokens);
      const gates = count
        ? [[ledgers.counts.fits(1, LIMITS.countTokens, now)]]
        : [
            [ledgers.requests.fits(1, LIMITS.requests, now)],
            [
              input === 0 ? now : ledgers.input.fits(input, LIMITS.inputTokens, now),
              booked === 0 ? now : ledgers.output.fits(booked, LIMITS.outputTokens, now),
            ],
          ];
      const expected = gates.map((times) => Math.max(...times)).find((time) => time > now);
      if (sent.refusal !== null) {
        refused++;
        assert.notEqual(expected, undefined, 'refused although there is room');
        assert.equal(sent.refusal.never, expected === Number.POSITIVE_INFINITY);
        assert.equal(sent.refusal.retryAfterMs, expected === Number.POSITIVE_INFINITY ? null : (expected ?? 0) - now);
        continue;
      }
      passed++;
      assert.equal(expected, undefined, 'passed although there is no room');
      if (count) {
        ledgers.counts.events.push({ at: now, amount: 1 });
        continue;
      }
      ledgers.requests.events.push({ at: now, amount: 1 });
      const inputEvent = { at: now, amount: input };
      const outputEvent = { at: now, amount: booked };
      ledgers.input.events.push(inputEvent);
      ledgers.output.events.push(outputEvent);
      assert.ok(ledgers.requests.used(now) <= LIMITS.requests);
      if (settle === null) continue;
      now += wait;
      assert.ok(sent.entry);
      rates.settle(sent.entry, { inputTokens: settle.input, outputTokens: settle.output }, now);
      if (input > 0) inputEvent.amount = settle.input;
      else ledgers.input.events.push({ at: now, amount: settle.input });
      if (settle.output > booked) ledgers.output.events.push({ at: now, amount: settle.output - booked });
      else outputEvent.amount = settle.output;
    }
  });
  fc.assert(property, { seed: 20261124, numRuns: 400 });
  assert.ok(refused > 500 && passed > 500, `${refused} refused, ${passed} passed`);
});

/** A shared window in the plainest words: who had what when, who was refused when. */
class SharedLedger {
  readonly limit: number;
  readonly had: { who: string; at: number; amount: number }[] = [];
  readonly refused = new Map<string, number>();

  constructor(limit: number) {
    this.limit = limit;
  }

  use(who: string | null, time: number): number {
    const live = this.had.filter((one) => one.at > time - MINUTE && (who === null || one.who === who));
    return live.reduce((sum, { amount }) => sum + amount, 0);
  }

  passes(who: string, amount: number, time: number): boolean {
    if (this.use(null, time) + amount > this.limit) return false;
    const waiting = [...this.refused].filter(([, at]) => at > time - MINUTE).map(([name]) => name);
    const active = this.had.map((one) => one.who).filter((name) => this.use(name, time) > 0);
    const share = this.limit / new Set([who, ...waiting, ...active]).size;
    const behind = waiting.some((name) => name !== who && this.use(name, time) < share);
    return this.use(who, time) < share || !behind;
  }

  earliest(who: string, amount: number, from: number): number {
    const times = [...this.had.map(({ at }) => at), ...this.refused.values()].map((at) => at + MINUTE);
    const later = times.filter((time) => time > from).sort((a, b) => a - b);
    return [from, ...later].find((time) => this.passes(who, amount, time)) ?? Number.NaN;
  }
}

const sharedStep = fc.record({
  who: fc.constantFrom('per_a', 'per_b', 'per_c', 'per_d'),
  wait: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3 }), fc.constant(3000), fc.constant(20_000)),
  amount: fc.integer({ min: 1, max: 6 }),
  giveBack: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 6 }) },
  ),
});

test('a naive list agrees with a shared window about who passes and when, fairness included', () => {
  let held = 0;
  const property = fc.property(fc.array(sharedStep, { minLength: 10, maxLength: 80 }), (steps) => {
    const rates = ratesOf({ scope: 'organization', inputTokens: 20 });
    const ledger = new SharedLedger(20);
    let now = 0;
    for (const { who, wait, amount, giveBack } of steps) {
      now += wait;
      const { refusal, entry } = send(rates, now, { facts: caller(who), inputTokens: amount });
      const expected = ledger.earliest(who, amount, now);
      assert.equal(refusal?.retryAfterMs ?? 0, expected - now);
      assert.equal(refusal === null, expected === now);
      if (refusal !== null) {
        ledger.refused.set(who, now);
        if (ledger.use(null, now) + amount <= 20) held++;
        continue;
      }
      const had = { who, at: now, amount };
      ledger.had.push(had);
      if (giveBack === 0) continue;
      had.amount = Math.max(0, amount - giveBack);
      rates.settle(entry as RateEntry, { inputTokens: had.amount, outputTokens: 0 }, now);
    }
  });
  fc.assert(property, { seed: 20261124, numRuns: 400 });
  assert.ok(held > 100, `only ${held} refused for others`);
});

test('after exactly the time that was told the same call passes every line, and not a millisecond earlier', () => {
  const lines = [
    { requests: 4, inputTokens: 12 },
    { scope: 'organization', inputTokens: 20, requests: 9 },
    { scope: 'team', inputTokens: 16, models: ['m*'], requests: 7 },
  ] as const;
  type Try = { who: string; wait: number; amount: number };
  const facts = (who: string) => caller(who, { team: who < 'per_c' ? 'tea_1' : 'tea_2' });
  /** Plays the calls and then the last one again after `more`. */
  const play = (steps: readonly Try[], more: number | null) => {
    const rates = ratesOf(...lines);
    let now = 0;
    let last = null;
    for (const { who, wait, amount } of steps) {
      now += wait;
      last = send(rates, now, { facts: facts(who), model: 'm', inputTokens: amount }).refusal;
    }
    const again = steps.at(-1);
    if (more === null || again === undefined) return last;
    return send(rates, now + more, { facts: facts(again.who), model: 'm', inputTokens: again.amount }).refusal;
  };
  let tried = 0;
  const property = fc.property(fc.array(sharedStep, { minLength: 6, maxLength: 30 }), (steps) => {
    const told = play(steps, null)?.retryAfterMs ?? null;
    if (told === null) return;
    // The first gate knows nothing of tokens: when it refuses, it answers for requests alone.
    if (play(steps, null)?.what === 'requests' && play(steps, told)?.what === 'input_tokens') return;
    tried++;
    assert.notEqual(play(steps, told - 1), null, 'passed earlier');
    assert.equal(play(steps, told), null, 'refused again');
  });
  fc.assert(property, { seed: 20261124, numRuns: 1500 });
  assert.ok(tried > 200, `only ${tried} tried`);
});
