import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../../src/limits/ledger.ts';
import { Money } from '../../src/steps/money.ts';
import { counts, price } from '../pricing/support.ts';
import { fits } from '../support/glob.ts';

/** The money of a call whose answer begins at 0; the model's top speed is 400 tokens a second. */
function money(maxTokens: number | null): Money {
  const ledger = new Ledger({ matches: fits, since: 0 });
  const parts = { id: 'a', ledger, price: price('claude-opus-5-5'), bound: null, extra: () => 0 };
  const call = new Money({ ...parts, maxTokens, inputTokens: 9, held: 0, recorded: 0 });
  call.begin(0);
  return call;
}

test('P2: the larger of the reported count and the meter is what a call has used', () => {
  const call = money(null);
  call.text(30, 0);
  assert.equal(call.seen(counts({ outputTokens: 7 }), 0).outputTokens, 10);
  assert.equal(call.seen(counts({ outputTokens: 50 }), 0).outputTokens, 50);
  assert.equal(call.seen(counts({ outputTokens: 50 }), 1200).outputTokens, 90);
});

test('P2: the meter stops at max_tokens; a report above it is believed', () => {
  const call = money(100);
  assert.equal(call.seen(counts({ outputTokens: 0 }), 60_000).outputTokens, 100);
  assert.equal(call.seen(counts({ outputTokens: 130 }), 60_000).outputTokens, 130);
});

test('P2: a request whose input no report tells is taken to hold what was expected', () => {
  assert.equal(money(null).seen(counts({}), 0).inputTokens, 9);
  assert.deepEqual(money(null).seen(counts({ cacheReadTokens: 4 }), 0), counts({ cacheReadTokens: 4 }));
});
