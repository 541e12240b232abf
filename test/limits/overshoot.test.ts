import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Ledger } from '../../src/limits/ledger.ts';
import { facts, ledgerWith, line, noGrants, nothing } from './world.ts';

const call = (id: string, bound: number | null, estimate = bound ?? 0) => ({ id, facts: facts(), bound, estimate });
const spentOf = (ledger: Ledger) => ledger.position(facts(), noGrants).map(({ spent }) => spent);

const running = fc.record({ estimate: fc.integer({ min: 1, max: 50 }), extra: fc.nat(200), settleFirst: fc.boolean() });

test('P2: an estimate budget is passed by no more than running calls cost beyond their reservations', () => {
  fc.assert(
    fc.property(
      fc.array(running, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 400 }),
      (calls, limit) => {
        const ledger = ledgerWith([line({ limit, hold: 'estimate' })]);
        const open: { id: string; beyond: number; actual: number }[] = [];
        let worst = 0;
        for (const [index, { estimate, extra, settleFirst }] of calls.entries()) {
          const done = settleFirst ? open.shift() : undefined;
          if (done !== undefined) ledger.settle(done.id, done.actual);
          if (ledger.reserve(call(`${index}`, null, estimate), noGrants).refused) continue;
          open.push({ id: `${index}`, beyond: extra, actual: estimate + extra });
          worst = Math.max(
            worst,
            open.reduce((sum, { beyond }) => sum + beyond, 0),
          );
        }
        for (const { id, actual } of open) ledger.settle(id, actual);
        assert.ok((spentOf(ledger)[0] ?? 0) <= limit + worst);
        assert.ok(ledger.overshoot.worst <= worst, 'and the metric shows no more than these');
      },
    ),
    { seed: 3, numRuns: 300 },
  );
});

const turn = fc.record({
  act: fc.constantFrom('reserve', 'reserve', 'reserve', 'extend', 'settle', 'abandon', 'adopt'),
  who: fc.constantFrom('per_0', 'per_1'),
  pick: fc.nat(),
  amount: fc.integer({ min: 1, max: 60 }),
});

test('P2: nothing spent is ever more than its limit and the worst overshoot, whatever calls do in whatever order', () => {
  fc.assert(
    fc.property(fc.array(turn, { minLength: 1, maxLength: 80 }), fc.integer({ min: 40, max: 300 }), (turns, limit) => {
      const lines = [
        line({ limit: 2 * limit, hold: 'estimate' }),
        line({ scope: 'person', limit, hold: 'estimate', atCap: 'end' }),
      ];
      const ledger = ledgerWith(lines);
      const open: string[] = [];
      const check = (): void => {
        for (const { spent, limit: most } of ledger.positions(noGrants, () => null)) {
          assert.ok(spent <= most + ledger.overshoot.worst, `${spent} of ${most} and ${ledger.overshoot.worst}`);
        }
      };
      for (const [index, { act, who, pick, amount }] of turns.entries()) {
        const id = open[pick % Math.max(1, open.length)] ?? '';
        if (act === 'reserve') {
          const demand = { ...call(`${index}`, null, amount), facts: facts({ who }) };
          if (!ledger.reserve(demand, noGrants).refused) open.push(`${index}`);
        } else if (act === 'extend') ledger.extend(id, 2 * amount, noGrants);
        else if (act === 'adopt') ledger.adopt(lines, nothing(lines));
        else if (open.length > 0) {
          ledger.settle(id, act === 'abandon' ? 0 : 3 * amount);
          open.splice(open.indexOf(id), 1);
        }
        check();
      }
      for (const id of open) ledger.settle(id, 150);
      check();
      assert.equal(ledger.overshoot.now, 0);
    }),
    { seed: 5, numRuns: 400 },
  );
});

test('P2: what calls that end one after another cost beyond their holds adds up, until one more call fits', () => {
  const ledger = ledgerWith([line({ limit: 100, hold: 'estimate' })]);
  for (const id of ['a', 'b', 'c']) assert.equal(ledger.reserve(call(id, null, 30), noGrants).refused, false);
  for (const id of ['a', 'b', 'c']) ledger.settle(id, 50);
  assert.deepEqual(spentOf(ledger), [150]);
  assert.equal(ledger.overshoot.worst, 60, 'no call alone is more than 20 beyond');

  const ample = ledgerWith([line({ limit: 1000, hold: 'estimate' })]);
  for (const id of ['a', 'b', 'c']) {
    ample.reserve(call(id, null, 30), noGrants);
    ample.settle(id, 50);
  }
  assert.equal(ample.overshoot.worst, 20, 'each of these found room with the one before charged in full');
});

test('P2: lines that come into force change nothing of what running calls are beyond', () => {
  const org = line({ limit: 1000, hold: 'estimate' });
  const ledger = ledgerWith([org]);
  ledger.reserve(call('a', null, 30), noGrants);
  ledger.extend('a', 50, noGrants);
  const person = line({ scope: 'person', limit: 1000, hold: 'estimate' });
  ledger.adopt([org, person], nothing([person]));
  ledger.settle('a', 60);
  assert.deepEqual(ledger.overshoot, { now: 0, worst: 30 });
});
