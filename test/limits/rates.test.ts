import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ada, caller, entered, line, ratesOf, refusedAt, send } from './rates-kit.ts';

test('a request exactly a minute after the one that filled the window passes, a millisecond earlier it does not', () => {
  const rates = ratesOf({ requests: 2 });
  entered(rates, 5);
  entered(rates, 6);
  assert.equal(refusedAt(rates, 60_004)?.retryAfterMs, 1);
  entered(rates, 60_005);
  assert.equal(refusedAt(rates, 60_005)?.retryAfterMs, 1);
  entered(rates, 60_006);
});

test('a clock with fractions keeps whole minutes, and a clock that steps back stands still', () => {
  const rates = ratesOf({ requests: 1 });
  entered(rates, 0.75);
  assert.equal(refusedAt(rates, 60_000.5)?.retryAfterMs, 0.25);
  entered(rates, 60_000.75);
  assert.equal(refusedAt(rates, 3)?.retryAfterMs, 60_000);
  assert.equal(refusedAt(rates, 120_000)?.retryAfterMs, 0.75);
});

test('requests of one millisecond are merged and count to the last of them', () => {
  const rates = ratesOf({ requests: 1000 });
  const empty = rates.size;
  for (let i = 0; i < 1000; i++) entered(rates, 7 + i / 2000);
  assert.equal(rates.size, empty + 2, 'one subject, one entry');
  assert.equal(refusedAt(rates, 60_007.4995 - 0.25)?.retryAfterMs, 0.25);
  entered(rates, 60_007.4995);
});

test('each person has a window of their own, and several keys of one person share it', () => {
  const rates = ratesOf({ requests: 1 });
  entered(rates, 0);
  assert.equal(refusedAt(rates, 1, { ...ada, key: 'key_other' })?.subject, 'per_ada');
  entered(rates, 1, caller('per_grace'));
  entered(rates, 1, caller('svc_ci', { kind: 'service' }));
  entered(rates, 1, caller('svc_ci', { kind: 'service' }));
});

test('a refusal names the line, whom it counted, what and how much', () => {
  const rates = ratesOf({ scope: 'service' }, { scope: 'team', requests: 0, countTokens: 3 });
  const facts = caller('per_ada', { team: 'tea_1', teamName: 'payments' });
  for (let i = 0; i < 3; i++) assert.equal(rates.enter(facts, 'count', i).refusal, null);
  const { refusal } = rates.enter(facts, 'count', 10);
  assert.ok(refusal);
  assert.equal(refusal.line.place.path, 'rates[1]');
  const { line: _, ...rest } = refusal;
  assert.deepEqual(rest, { subject: 'tea_1', what: 'count_tokens', limit: 3, retryAfterMs: 59_990, never: false });
  const none = refusedAt(rates, 10, facts);
  assert.deepEqual([none?.what, none?.never, none?.retryAfterMs], ['requests', true, null]);
});

test('requests count model calls only, counts count counts only, and both are open calls', () => {
  const rates = ratesOf({ requests: 1, countTokens: 1, concurrent: 3 });
  entered(rates, 0);
  assert.equal(rates.enter(ada, 'count', 0).refusal, null);
  assert.equal(refusedAt(rates, 1)?.what, 'requests');
  assert.equal(rates.enter(ada, 'count', 1).refusal?.what, 'count_tokens');
  entered(rates, 70_000);
  const { refusal } = rates.enter(ada, 'count', 70_000);
  assert.deepEqual([refusal?.what, refusal?.retryAfterMs, refusal?.never], ['concurrent', null, false]);
});

test('an open call is counted until it leaves, once, whatever the clock says', () => {
  const rates = ratesOf({ concurrent: 2 });
  const first = entered(rates, 0);
  entered(rates, 0);
  assert.equal(refusedAt(rates, 1e9)?.what, 'concurrent');
  rates.leave(first);
  rates.leave(first);
  entered(rates, 1e9);
  assert.equal(refusedAt(rates, 1e9)?.what, 'concurrent');
});

test('lines of certain models are checked at the second gate, for requests, counts and open calls', () => {
  const rates = ratesOf({ models: ['claude-opus-*'], requests: 1, countTokens: 1 }, { scope: 'model', concurrent: 2 });
  const opus = { model: 'claude-opus-5-5' };
  const first = send(rates, 0, opus).entry;
  assert.ok(first);
  const again = send(rates, 1, opus);
  assert.equal(again.refusal?.what, 'requests');
  assert.equal(again.refusal?.line.place.path, 'rates[0]');
  assert.equal(send(rates, 1, { ...opus, action: 'count' }).refusal, null);
  assert.equal(send(rates, 60_000, { ...opus, facts: caller('per_grace') }).refusal?.what, 'concurrent');
  assert.equal(send(rates, 60_000, { model: 'claude-haiku-5-5' }).refusal, null, 'another model');
  rates.leave(first);
  assert.equal(send(rates, 60_000, { ...opus, facts: caller('per_grace') }).refusal, null);
});

test('a call that the second gate refuses leaves neither its request nor its place behind', () => {
  const rates = ratesOf({ requests: 2, concurrent: 1, inputTokens: 100 }, { scope: 'organization', requests: 2 });
  for (let i = 0; i < 10; i++) assert.equal(send(rates, i, { inputTokens: 101 }).refusal?.never, true);
  const entry = send(rates, 20, { inputTokens: 90 }).entry;
  assert.ok(entry);
  rates.leave(entry);
  const late = rates.enter(ada, 'call', 30);
  assert.equal(late.refusal, null);
  assert.ok('entry' in late);
  assert.equal(
    rates.admit(late.entry, { model: 'm', inputTokens: 11, outputTokens: 0 }, 31).refusal?.retryAfterMs,
    59_989,
  );
  rates.leave(late.entry);
  rates.settle(late.entry, { inputTokens: 99, outputTokens: 99 }, 32);
  assert.throws(() => rates.admit(late.entry, { model: 'm', inputTokens: 0, outputTokens: 0 }, 33), /left/);
  assert.equal(send(rates, 40, { inputTokens: 10 }).refusal, null);
  assert.equal(refusedAt(rates, 41)?.what, 'requests');
});

test('an entry is admitted once', () => {
  const rates = ratesOf({ inputTokens: 10 });
  const { entry } = send(rates, 0, { inputTokens: 5 });
  assert.ok(entry);
  assert.throws(() => rates.admit(entry, { model: 'm', inputTokens: 5, outputTokens: 0 }, 0), /admitted/);
});

test('output above the limit is cut to it and passes an empty window; input above the limit never passes', () => {
  const rates = ratesOf({ inputTokens: 1000, outputTokens: 500 });
  assert.equal(send(rates, 0, { outputTokens: 64_000 }).refusal, null);
  assert.deepEqual(pick(send(rates, 1, { outputTokens: 1 }).refusal), ['output_tokens', 59_999, false]);
  assert.deepEqual(pick(send(rates, 1, { inputTokens: 1001 }).refusal), ['input_tokens', null, true]);
  assert.equal(send(rates, 1, { inputTokens: 1000 }).refusal, null, 'nothing of output is asked for');
  assert.deepEqual(pick(send(rates, 60_000, { inputTokens: Number.POSITIVE_INFINITY }).refusal), [
    'input_tokens',
    null,
    true,
  ]);
  assert.equal(send(rates, 60_001, { inputTokens: Number.NaN, outputTokens: Number.POSITIVE_INFINITY }).refusal, null);
  assert.equal(send(ratesOf({ outputTokens: 0 }), 0, { outputTokens: 1 }).refusal?.never, true);
});

test('a report gives back what was not used, at the time of the estimate, once', () => {
  const rates = ratesOf({ inputTokens: 100, outputTokens: 100 });
  const { entry } = send(rates, 0, { inputTokens: 100, outputTokens: 100 });
  assert.ok(entry);
  rates.settle(entry, { inputTokens: 60, outputTokens: 30 }, 1000);
  rates.settle(entry, { inputTokens: 0, outputTokens: 0 }, 1000);
  assert.deepEqual(pick(send(rates, 1000, { inputTokens: 41 }).refusal), ['input_tokens', 59_000, false]);
  assert.deepEqual(pick(send(rates, 1000, { outputTokens: 71 }).refusal), ['output_tokens', 59_000, false]);
  assert.equal(send(rates, 1000, { inputTokens: 40, outputTokens: 70 }).refusal, null);
});

test('more input than estimated counts when it was estimated, more output counts from its report', () => {
  const rates = ratesOf({ inputTokens: 100, outputTokens: 100 });
  const { entry } = send(rates, 0, { inputTokens: 10, outputTokens: 10 });
  assert.ok(entry);
  rates.settle(entry, { inputTokens: 150, outputTokens: 50 }, 20_000);
  assert.deepEqual(pick(send(rates, 20_000, { inputTokens: 1 }).refusal), ['input_tokens', 40_000, false]);
  assert.deepEqual(pick(send(rates, 20_000, { outputTokens: 60 }).refusal), ['output_tokens', 40_000, false]);
  assert.deepEqual(pick(send(rates, 20_000, { outputTokens: 61 }).refusal), ['output_tokens', 60_000, false]);
  assert.equal(send(rates, 60_000, { inputTokens: 100, outputTokens: 60 }).refusal, null);
});

test('a report that comes after the minute of its estimate changes nothing but the output beyond it', () => {
  const rates = ratesOf({ inputTokens: 100, outputTokens: 100 });
  const { entry } = send(rates, 0, { inputTokens: 10, outputTokens: 10 });
  assert.ok(entry);
  assert.equal(send(rates, 60_000, { inputTokens: 100, outputTokens: 50 }).refusal, null);
  rates.leave(entry);
  rates.settle(entry, { inputTokens: 5000, outputTokens: 50 }, 60_000);
  assert.equal(send(rates, 60_001, { outputTokens: 10 }).refusal, null);
  assert.equal(send(rates, 60_001, { outputTokens: 1 }).refusal?.retryAfterMs, 59_999);
  assert.equal(send(rates, 60_001, { inputTokens: 1 }).refusal?.retryAfterMs, 59_999);
  assert.equal(send(rates, 120_000, { inputTokens: 100 }).refusal, null);
});

test('all lines must pass, the longest wait is told, and nothing is booked where one refuses', () => {
  const rates = ratesOf({ requests: 1 }, { scope: 'key', requests: 3 }, { scope: 'organization', requests: 2 });
  entered(rates, 0);
  entered(rates, 10_000, caller('per_grace'));
  const told = refusedAt(rates, 20_000);
  assert.deepEqual([told?.line.place.path, told?.retryAfterMs], ['rates[0]', 40_000]);
  const alan = refusedAt(rates, 20_000, caller('per_alan', { key: ada.key }));
  assert.deepEqual([alan?.line.place.path, alan?.retryAfterMs], ['rates[2]', 40_000]);
  assert.deepEqual(pick(refusedAt(rates, 20_000, caller('per_grace'))), ['requests', 50_000, false]);
  entered(rates, 60_000);
  entered(rates, 70_000, caller('per_barbara', { key: ada.key }));
  assert.equal(
    refusedAt(rates, 70_000, caller('per_joan', { key: ada.key }))?.line.place.path,
    'rates[2]',
    'the key has had two',
  );
});

test('between a full window and open calls the longer wait is told', () => {
  const rates = ratesOf({ requests: 1, concurrent: 1 });
  entered(rates, 0);
  assert.deepEqual(pick(refusedAt(rates, 1)), ['requests', 59_999, false]);
  assert.deepEqual(pick(refusedAt(rates, 59_500)), ['concurrent', null, false]);
});

test('a line that observes refuses nobody, is reported once for a call, and goes on counting', () => {
  const rates = ratesOf(
    { mode: 'observe', requests: 1, inputTokens: 10, concurrent: 1 },
    { scope: 'organization', requests: 3 },
  );
  entered(rates, 0);
  const second = rates.enter(ada, 'call', 1);
  assert.ok('entry' in second);
  assert.deepEqual(second.observed, [{ code: 'rate_limited', rule: 'rates[0]' }]);
  assert.deepEqual(rates.admit(second.entry, { model: 'm', inputTokens: 11, outputTokens: 0 }, 1).observed, []);
  rates.leave(second.entry);
  const third = rates.enter(ada, 'call', 60_000);
  assert.ok('entry' in third);
  assert.equal(third.observed.length, 1, 'the second request, which was not refused, is in the window');
  assert.equal(refusedAt(rates, 60_000), null);
  assert.equal(rates.enter(ada, 'call', 60_000).observed.length, 1, 'told with the refusal of another line');
});

test('a new document keeps the windows and open calls of lines that are the same, whatever their limits', () => {
  const rates = ratesOf({ requests: 5, concurrent: 9 }, { scope: 'key', requests: 1 });
  const open = entered(rates, 0);
  rates.adopt([line({ scope: 'organization', requests: 1 }), line({ requests: 1, concurrent: 1 })]);
  assert.deepEqual(pick(refusedAt(rates, 1)), ['requests', 59_999, false]);
  assert.equal(refusedAt(rates, 60_000)?.what, 'concurrent');
  rates.leave(open);
  entered(rates, 60_000);
  rates.adopt([line({ requests: 1, only: ['per_ada'] })]);
  entered(rates, 60_001);
  assert.equal(refusedAt(rates, 60_001)?.retryAfterMs, 60_000, 'another line starts empty');
});

test('lines of the same callers and models count apart and go on in their order', () => {
  const rates = ratesOf({ requests: 2 }, { requests: 1, mode: 'observe' });
  entered(rates, 0);
  rates.adopt([line({ requests: 2 }), line({ requests: 1, mode: 'observe' })]);
  const second = rates.enter(ada, 'call', 1);
  assert.equal(second.refusal, null);
  assert.equal(second.observed.length, 1);
  assert.equal(refusedAt(rates, 2)?.retryAfterMs, 59_998);
});

test('a call that was admitted under an older document settles and leaves without a trace', () => {
  const rates = ratesOf({ inputTokens: 10, concurrent: 1 });
  const { entry } = send(rates, 0, { inputTokens: 10 });
  assert.ok(entry);
  rates.adopt([]);
  rates.adopt([line({ inputTokens: 10, concurrent: 1 })]);
  rates.settle(entry, { inputTokens: 0, outputTokens: 5 }, 1);
  rates.leave(entry);
  assert.equal(send(rates, 2, { inputTokens: 10 }).refusal, null);
  assert.equal(refusedAt(rates, 2)?.what, 'concurrent');
});

function pick(refusal: { what: string; retryAfterMs: number | null; never: boolean } | null): unknown[] {
  return [refusal?.what, refusal?.retryAfterMs, refusal?.never];
}
