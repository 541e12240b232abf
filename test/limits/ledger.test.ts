import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitOf, subjectOf } from '../../src/limits/counters.ts';
import { Ledger } from '../../src/limits/ledger.ts';
import { LedgerBehind, type Refused, type Reserved, type Warning } from '../../src/limits/ledger-types.ts';
import { fits } from '../support/glob.ts';
import { facts, ledgerWith, line, noGrants, nothing } from './world.ts';

const call = (id: string, bound: number | null, estimate = bound ?? 0) => ({ id, facts: facts(), bound, estimate });
const admitted = (answer: Reserved | Refused) => !answer.refused;
const spentOf = (ledger: Ledger, change = {}) => ledger.position(facts(change), noGrants).map(({ spent }) => spent);
const heldOf = (ledger: Ledger, change = {}) =>
  ledger.position(facts(change), noGrants).map(({ reserved }) => reserved);

test('P2: hundreds of calls at once never pass strict budgets that are nearly spent', async () => {
  // Turns of the event loop in a shuffled order stand for calls that overlap in every way.
  const runs = fc.array(fc.record({ bound: fc.integer({ min: 1, max: 90 }), actual: fc.nat(100), who: fc.nat(4) }), {
    minLength: 300,
    maxLength: 400,
  });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), runs, async (scheduler, calls) => {
      const lines = [
        line({ limit: 5000 }),
        line({ scope: 'person', limit: 1500 }),
        line({ scope: 'key', period: 'day', limit: 700 }),
      ];
      const ledger = new Ledger({ matches: fits, since: 0 });
      ledger.adopt(lines, {
        seq: 0,
        spent: new Map([
          ['organization/month', [{ subject: 'org', period: '2026-11', micros: 3500 }]],
          ['person/month', [{ subject: 'per_0', period: '2026-11', micros: 1490 }]],
          ['key/day', []],
        ]),
      });
      let truth = 3500;
      let refused = 0;
      const check = () => {
        for (const { spent, reserved, limit, subject } of ledger.positions(noGrants, () => null)) {
          assert.ok(spent + reserved <= limit, `${subject}: ${spent} + ${reserved}`);
        }
      };
      const one = async (index: number, { bound, actual, who }: (typeof calls)[number]) => {
        await scheduler.schedule(Promise.resolve());
        const person = facts({ who: `per_${who}`, key: `key_${index % 3}` });
        const answer = ledger.reserve({ id: `c${index}`, facts: person, bound, estimate: 1 }, noGrants);
        check();
        if (answer.refused) {
          refused++;
          return;
        }
        await scheduler.schedule(Promise.resolve());
        if (actual > 90) ledger.abandon(`c${index}`);
        else truth += Math.floor((bound * actual) / 90);
        ledger.settle(`c${index}`, Math.floor((bound * actual) / 90));
        check();
      };
      const all = Promise.all(calls.map((one_, index) => one(index, one_)));
      await scheduler.waitFor(all);
      assert.ok(refused > 0);
      assert.equal(ledger.running, 0);
      assert.deepEqual(ledger.overshoot, { now: 0, worst: 0 });
      assert.equal(ledger.position(facts(), noGrants)[0]?.spent, truth);
    }),
    { seed: 5, numRuns: 8 },
  );
});

test('P2: a strict line takes the bound, an estimate line the estimate, and a refusal takes nothing', () => {
  const ledger = ledgerWith([
    line({ scope: 'team', limit: 500, hold: 'estimate' }),
    line({ limit: 1000 }),
    line({ scope: 'person', limit: 100, hold: 'estimate' }),
  ]);
  assert.deepEqual(ledger.reserve(call('a', 600, 60), noGrants), {
    refused: false,
    micros: 600,
    held: 60,
    strict: true,
    observed: [],
  });
  assert.deepEqual(heldOf(ledger), [60, 600, 60]);
  const no = ledger.reserve(call('b', 300, 50), noGrants);
  assert.ok(no.refused);
  assert.deepEqual([no.kind, no.fitsLater, no.amount], ['no_room', true, 50]);
  const { line: by, subject, spent, reserved, limit, period } = no.at;
  assert.deepEqual(
    [by.id, subject, spent, reserved, limit, period],
    ['person/month', 'per_ada', 0, 60, 100, '2026-11'],
  );
  assert.deepEqual(heldOf(ledger), [60, 600, 60]);
  assert.throws(() => ledger.reserve(call('a', 1), noGrants), /reservation already/);
  for (const bad of [-1, 0.5, Number.NaN]) assert.throws(() => ledger.reserve(call('x', bad), noGrants), RangeError);
});

test('P2: refusals say whether the budget is spent, the call has no bound, or waiting helps', () => {
  const kinds = (l: ReturnType<typeof line>, bound: number | null, spend = 0) => {
    const ledger = ledgerWith([l]);
    if (spend > 0) {
      assert.ok(admitted(ledger.reserve(call('s', spend), noGrants)));
      ledger.settle('s', spend);
    }
    const answer = ledger.reserve(call('x', bound, 10), noGrants);
    return answer.refused ? [answer.kind, answer.fitsLater] : 'admitted';
  };
  assert.equal(kinds(line({ limit: 100 }), 100), 'admitted');
  assert.deepEqual(kinds(line({ limit: 100 }), 101), ['no_room', false]);
  assert.deepEqual(kinds(line({ limit: 100 }), 41, 60), ['no_room', false]);
  assert.deepEqual(kinds(line({ limit: 100 }), 1, 100), ['spent', false]);
  assert.deepEqual(kinds(line({ limit: 0 }), 0), ['spent', false]);
  assert.deepEqual(kinds(line({ limit: 100 }), null), ['unbounded', false]);
  assert.deepEqual(kinds(line({ limit: 100 }), null, 100), ['spent', false]);
  assert.equal(kinds(line({ limit: 100, hold: 'estimate' }), null), 'admitted');
});

test('P2: of several refusals the one that waiting cannot help is told', () => {
  const ledger = ledgerWith([line({ limit: 100 }), line({ scope: 'person', limit: 50 })]);
  ledger.reserve({ id: 'other', facts: facts({ who: 'per_bob' }), bound: 40, estimate: 1 }, noGrants);
  const answer = ledger.reserve(call('x', 70), noGrants);
  assert.deepEqual(answer.refused && [answer.at.line.id, answer.fitsLater], ['person/month', false]);
});

test('P2: observing lines refuse nothing, count all the same and say so', () => {
  const place = { path: 'budgets[7]', line: 3, text: '' };
  const ledger = ledgerWith([line({ limit: 10, mode: 'observe', place }), line({ scope: 'key', limit: 1000 })]);
  const answer = ledger.reserve(call('a', 50), noGrants);
  assert.deepEqual(answer, {
    refused: false,
    micros: 50,
    held: 50,
    strict: true,
    observed: [{ code: 'budget_spent', rule: 'budgets[7]' }],
  });
  ledger.settle('a', 40);
  assert.deepEqual(spentOf(ledger), [40, 40]);
  assert.deepEqual(admitted(ledger.reserve(call('b', null, 5), noGrants)), false, 'the enforcing strict line');
});

test('P2: grants add to a limit while they last, and to a limit of 0', () => {
  const ledger = ledgerWith([line({ scope: 'person', limit: 0 })]);
  assert.equal(admitted(ledger.reserve(call('a', 5), noGrants)), false);
  assert.equal(
    admitted(ledger.reserve(call('a', 5), (l, subject) => (l.scope === 'person' && subject === 'per_ada' ? 5 : 0))),
    true,
  );
  assert.equal(admitted(ledger.reserve(call('b', 1), () => 5)), false);
});

test('P2: a call is settled once, in the period of its own day, even when that has ended', () => {
  const ledger = ledgerWith([line({ period: 'day', limit: 100 })]);
  ledger.reserve({ id: 'late', facts: facts({ day: '2026-11-24' }), bound: 80, estimate: 80 }, noGrants);
  assert.deepEqual(heldOf(ledger, { day: '2026-11-25' }), [0]);
  for (let day = 25; day <= 30; day++) {
    ledger.reserve({ id: `d${day}`, facts: facts({ day: `2026-11-${day}` }), bound: 50, estimate: 1 }, noGrants);
    ledger.settle(`d${day}`, day);
  }
  assert.equal(ledger.settle('late', 70), true);
  assert.equal(ledger.settle('late', 70), false);
  assert.equal(ledger.abandon('late'), false);
  assert.deepEqual(spentOf(ledger, { day: '2026-11-24' }), [70]);
  assert.deepEqual(spentOf(ledger, { day: '2026-11-30' }), [30]);
});

test('P2: counters of ended periods that hold nothing are forgotten, the last ones kept for a clock that goes back', () => {
  const ledger = ledgerWith([line({ period: 'day', scope: 'person', limit: 1000 })]);
  for (let day = 10; day <= 29; day++) {
    ledger.reserve({ id: `d${day}`, facts: facts({ day: `2026-11-${day}` }), bound: 9, estimate: 9 }, noGrants);
    ledger.settle(`d${day}`, 9);
  }
  assert.deepEqual(
    ledger.positions(noGrants, () => null).map(({ period }) => period),
    ['2026-11-27', '2026-11-28', '2026-11-29'],
  );
  ledger.reserve(call('tried', 9), noGrants);
  ledger.abandon('tried');
  assert.equal(ledger.positions(noGrants, () => null).filter(({ period }) => period === '2026-11-24').length, 0);
});

test('P2: what a running call is known to cost is held, and it is told when it must end', () => {
  const ends = line({ scope: 'person', limit: 100, hold: 'estimate', atCap: 'end' });
  const ledger = ledgerWith([line({ limit: 100, hold: 'estimate' }), ends]);
  ledger.reserve(call('a', null, 40), noGrants);
  ledger.reserve(call('b', null, 40), noGrants);
  assert.equal(ledger.extend('a', 30, noGrants), 'held');
  assert.deepEqual(heldOf(ledger), [80, 80]);
  assert.equal(ledger.extend('a', 60, noGrants), 'held');
  assert.deepEqual(ledger.overshoot, { now: 20, worst: 20 });
  assert.equal(admitted(ledger.reserve(call('c', null, 1), noGrants)), false);
  assert.equal(ledger.extend('b', 41, noGrants), 'over');
  assert.equal(
    ledger.extend('b', 42, () => 5),
    'held',
    'a grant makes room',
  );
  assert.deepEqual(heldOf(ledger), [102, 102]);
  ledger.settle('b', 90);
  assert.deepEqual(ledger.overshoot, { now: 20, worst: 70 });
  ledger.settle('a', 10);
  assert.deepEqual(ledger.overshoot, { now: 0, worst: 70 });
  assert.equal(ledger.extend('a', 900, noGrants), 'held');
  assert.deepEqual(spentOf(ledger), [100, 100]);
});

test('P2: no extension goes over the bound, and strict lines already hold it', () => {
  const ledger = ledgerWith([
    line({ limit: 100, atCap: 'end' }),
    line({ scope: 'person', limit: 1000, hold: 'estimate' }),
  ]);
  ledger.reserve(call('a', 100, 10), noGrants);
  assert.equal(ledger.extend('a', 5000, noGrants), 'held');
  assert.deepEqual(heldOf(ledger), [100, 100]);
  assert.deepEqual(ledger.overshoot, { now: 90, worst: 90 }, 'of the line that held an estimate');
});

test('P2: charges are remembered until the views contain them, of however many calls', () => {
  const org = line({ limit: 1000 });
  const ledger = ledgerWith([org]);
  for (let seq = 1; seq <= 300; seq++) {
    ledger.reserve(call(`c${seq}`, 1), noGrants);
    ledger.settle(`c${seq}`, 1);
    ledger.durable(`c${seq}`, seq);
    if (seq % 100 === 0) ledger.seen(seq - 50);
  }
  const [team, person] = [line({ scope: 'team', limit: 1000 }), line({ scope: 'person', limit: 1000 })];
  assert.throws(() => ledger.adopt([org, team], nothing([team], 249)), LedgerBehind);
  ledger.adopt([org, team], nothing([team], 260));
  assert.deepEqual(spentOf(ledger), [300, 40]);
  ledger.seen(290);
  ledger.adopt([org, team, person], nothing([person], 290));
  assert.deepEqual(spentOf(ledger), [300, 40, 10]);
});

test('a running call is told where it stands without being matched again', () => {
  const ledger = ledgerWith([
    line({ limit: 100, hold: 'estimate' }),
    line({ scope: 'person', limit: 100, only: ['per_somebody_else'] }),
  ]);
  ledger.reserve(call('a', 50, 20), noGrants);
  const one = (): number => 5;
  assert.deepEqual(ledger.positionOf('a', one), ledger.position(facts(), one));
  assert.deepEqual(
    ledger.positionOf('a', one).map(({ reserved, limit, extra }) => [reserved, limit, extra]),
    [[20, 100, 5]],
  );
  ledger.settle('a', 7);
  assert.deepEqual(ledger.positionOf('a', one), []);
});

test('P2: with extension in steps, calls that end when told pass it by at most one step each', () => {
  const STEP = 7;
  fc.assert(
    fc.property(
      fc.array(fc.nat(), { minLength: 40, maxLength: 200 }),
      fc.integer({ min: 50, max: 400 }),
      (turns, limit) => {
        const ledger = ledgerWith([line({ limit, hold: 'estimate', atCap: 'end' })]);
        const open = new Map<string, number>();
        let most = 0;
        let ended = 0;
        for (const [index, turn] of turns.entries()) {
          if (turn % 4 === 0 || open.size === 0) {
            if (!ledger.reserve(call(`${index}`, null, 20), noGrants).refused) open.set(`${index}`, 20);
            most = Math.max(most, open.size);
            continue;
          }
          const [id, held] = [...open][turn % open.size] ?? ['', 0];
          open.set(id, held + STEP);
          if (ledger.extend(id, held + STEP, noGrants) === 'held') continue;
          ledger.settle(id, held + STEP);
          open.delete(id);
          ended++;
        }
        for (const [id, held] of open) ledger.settle(id, held);
        assert.ok((spentOf(ledger)[0] ?? 0) <= limit + (ended > 0 ? most : 0) * STEP);
      },
    ),
    { seed: 4, numRuns: 300 },
  );
});

test('P2: new lines start from what the journal says, what it does not yet say, and what is held', () => {
  const org = line({ limit: 1000 });
  const team = line({ scope: 'team', period: 'lifetime', limit: 1000, hold: 'estimate' });
  const ledger = ledgerWith([org]);
  for (const [id, cost] of [
    ['a', 1],
    ['b', 10],
    ['c', 100],
  ] as const) {
    ledger.reserve(call(id, 100), noGrants);
    ledger.settle(id, cost);
  }
  ledger.reserve(call('open', 50, 5), noGrants);
  ledger.durable('a', 11);
  ledger.durable('b', 12);
  assert.deepEqual(ledger.newLines([org, team]), [team]);
  // The views end with record 13, which is the outcome of `c`, although nobody has told the ledger so yet.
  const raised = ledger.adopt([org, team], {
    seq: 13,
    spent: new Map([[team.id, [{ subject: 'tea_pay', period: 'lifetime', micros: 5111 }]]]),
  });
  assert.deepEqual(raised, []);
  assert.deepEqual(spentOf(ledger), [111, 5211], 'rather counted twice than not at all');
  ledger.durable('c', 13);
  ledger.durable('c', 13);
  assert.deepEqual(spentOf(ledger), [111, 5111]);
  assert.deepEqual(heldOf(ledger), [50, 5]);
});

test('P2: a call whose outcome the views had before it was settled is charged once', () => {
  const org = line();
  const ledger = ledgerWith([]);
  ledger.reserve(call('a', 50), noGrants);
  ledger.adopt([org], { seq: 3, spent: new Map([[org.id, [{ subject: 'org', period: '2026-11', micros: 40 }]]]) });
  ledger.durable('a', 3);
  ledger.settle('a', 40);
  assert.deepEqual(spentOf(ledger), [40]);
});

test('P2: lines cannot start from views that miss charges nobody remembers', () => {
  const org = line();
  const ledger = ledgerWith([], undefined, 2);
  const spend = (id: string) => {
    ledger.reserve(call(id, 1), noGrants);
    ledger.settle(id, 1);
  };
  spend('a');
  ledger.durable('a', 5);
  spend('b');
  ledger.durable('b', 7);
  ledger.adopt([org], nothing([org], 0));
  assert.deepEqual(spentOf(ledger), [2]);
  ledger.adopt([], nothing([]));
  spend('c');
  assert.throws(() => ledger.adopt([org], nothing([org], 4)), LedgerBehind);
  ledger.adopt([org], nothing([org], 5));
  assert.deepEqual(spentOf(ledger), [2], 'b and c');
  ledger.adopt([], nothing([]));
  ledger.seen(7);
  assert.throws(() => ledger.adopt([org], nothing([org], 6)), LedgerBehind);
  assert.throws(() => ledger.adopt([org], { seq: 9, spent: new Map() }), /not loaded/);
  assert.deepEqual(ledger.position(facts(), noGrants), []);
  const restarted = new Ledger({ matches: fits, since: 40 });
  assert.throws(() => restarted.adopt([org], nothing([org], 39)), LedgerBehind);
  restarted.adopt([org], nothing([org], 40));
  spend('d');
  spend('e');
  spend('f');
  assert.throws(() => ledger.adopt([org], nothing([org], 1e9)), LedgerBehind, 'the journal has stopped');
});

test('P2: changed lines keep their spending, also where names are added, and charge by what is in force at the end', () => {
  const one = line({ scope: 'person', only: ['ada@example.com'], hold: 'estimate' });
  const ledger = ledgerWith([one]);
  const bob = facts({ who: 'per_bob', name: 'Bob@example.com' });
  ledger.reserve({ id: 'b', facts: bob, bound: 90, estimate: 9 }, noGrants);
  ledger.settle('b', 60);
  assert.deepEqual(ledger.position(bob, noGrants), []);
  ledger.reserve({ id: 'b2', facts: bob, bound: 70, estimate: 7 }, noGrants);
  const both = line({ scope: 'person', only: ['ada@example.com', 'bob@example.com'], limit: 100 });
  const everybody = line({ scope: 'person', limit: 500 });
  assert.deepEqual(ledger.adopt([both, everybody], nothing([])), [{ id: 'b2', micros: 70 }]);
  const standing = () => ledger.position(bob, noGrants).map(({ spent, reserved, limit }) => [spent, reserved, limit]);
  assert.deepEqual(standing(), [
    [60, 70, 100],
    [60, 70, 500],
  ]);
  const no = ledger.reserve({ id: 'b3', facts: bob, bound: 40, estimate: 4 }, noGrants);
  assert.deepEqual([no.refused && no.kind, no.refused && no.fitsLater], ['no_room', true]);
  const removed = ledger.adopt([everybody], nothing([]));
  assert.deepEqual(removed, []);
  ledger.settle('b2', 30);
  assert.deepEqual(standing(), [[90, 0, 500]]);
});

test('people are told once of every mark, and not of those passed before', () => {
  const told: string[] = [];
  const hear = ({ line: { id }, subject, mark, period }: Warning) => told.push(`${id} ${subject} ${mark} ${period}`);
  const budget = line({ scope: 'person', limit: 100, warn: [0.5, 0.8, 0.95] });
  const ledger = new Ledger({ matches: fits, since: 0, onWarn: hear });
  ledger.adopt([budget], {
    seq: 0,
    spent: new Map([[budget.id, [{ subject: 'per_ada', period: '2026-11', micros: 60 }]]]),
  });
  const spend = (id: string, micros: number, change = {}) => {
    assert.ok(admitted(ledger.reserve({ id, facts: facts(change), bound: micros, estimate: 0 }, noGrants)));
    ledger.settle(id, micros);
  };
  spend('a', 19);
  assert.deepEqual(told, []);
  spend('b', 16);
  spend('c', 1);
  assert.deepEqual(told, ['person/month per_ada 0.8 2026-11', 'person/month per_ada 0.95 2026-11']);
  spend('d', 49, { who: 'per_bob' });
  spend('e', 1, { who: 'per_bob' });
  spend('f', 50, { day: '2026-12-01' });
  assert.deepEqual(told.slice(2), ['person/month per_bob 0.5 2026-11', 'person/month per_ada 0.5 2026-12']);
  ledger.adopt([{ ...budget, limit: 60 }], nothing([]));
  spend('g', 1, { who: 'per_bob' });
  assert.deepEqual(told.slice(4), ['person/month per_bob 0.8 2026-11']);
});

test('lines count by scope, names or ids, patterns and models', () => {
  const subject = (l: ReturnType<typeof line>, change = {}) => subjectOf(l, facts(change), fits);
  const ci = { kind: 'service', who: 'svc_ci', name: 'CI' } as const;
  assert.equal(subject(line()), 'org');
  assert.equal(subject(line({ scope: 'team' })), 'tea_pay');
  assert.equal(subject(line({ scope: 'team' }), { team: null, teamName: null }), null);
  assert.equal(subject(line({ scope: 'team', only: ['payments'] })), 'tea_pay');
  assert.equal(subject(line({ scope: 'team', only: ['tea_pay'] })), 'tea_pay');
  assert.equal(subject(line({ scope: 'team', only: ['research'] })), null);
  assert.equal(subject(line({ scope: 'person' }), ci), null);
  assert.equal(subject(line({ scope: 'person', only: ['ada@example.com'] })), 'per_ada');
  assert.equal(subject(line({ scope: 'person', only: ['ada@example.com'] }), { name: null }), null);
  assert.equal(subject(line({ scope: 'service' })), null);
  assert.equal(subject(line({ scope: 'service', only: ['ci'] }), ci), 'svc_ci');
  assert.equal(subject(line({ scope: 'key', only: ['key_1'] })), 'key_1');
  assert.equal(subject(line({ scope: 'key', only: ['key_2'] })), null);
  assert.equal(subject(line({ scope: 'model' })), 'claude-opus-5-5');
  assert.equal(subject(line({ scope: 'model', only: ['claude-haiku-*'] })), null);
  assert.equal(subject(line({ scope: 'person', models: ['claude-haiku-*'] })), null);
  assert.equal(subject(line({ scope: 'person', models: ['claude-opus-*'] })), 'per_ada');
});

test('except names by lower-case name or id', () => {
  const except = new Map([
    ['payments', 1],
    ['per_ada', 2],
    ['bob@example.com', 3],
    ['ci', 4],
    ['key_1', 5],
  ]);
  const limit = (scope: 'team' | 'person' | 'service' | 'key' | 'organization', change = {}) =>
    limitOf(line({ scope, except, limit: 9, models: ['nothing'] }), facts(change));
  assert.equal(limit('team'), 1);
  assert.equal(limit('team', { teamName: 'other' }), 9);
  assert.equal(limit('person'), 2);
  assert.equal(limit('person', { who: 'per_bob', name: 'Bob@example.com' }), 3);
  assert.equal(limit('person', { who: 'per_eve', name: null }), 9);
  assert.equal(limit('service', { kind: 'service', who: 'svc_ci', name: 'CI' }), 4);
  assert.equal(limit('person', { who: 'per_ada', name: 'bob@example.com' }), 2, 'the id before the name');
  assert.equal(limit('key'), 5);
  assert.equal(limit('organization'), 9);
});

test('P2: how much room a line that ends answers has left for a call, and that others have no say', () => {
  const ledger = ledgerWith([
    line({ limit: 1000, hold: 'estimate' }),
    line({ scope: 'person', limit: 100, hold: 'estimate', atCap: 'end' }),
  ]);
  ledger.reserve(call('a', 600, 60), noGrants);
  assert.equal(ledger.room('a', noGrants), 40);
  assert.equal(ledger.room('nobody', noGrants), Number.POSITIVE_INFINITY);
  assert.equal(ledgerWith([line({ limit: 10 })]).room('a', noGrants), Number.POSITIVE_INFINITY);
});
