import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CallFacts } from '../../src/limits/counters.ts';
import { Ledger } from '../../src/limits/ledger.ts';
import type { Loaded, LoadedSum } from '../../src/limits/ledger-types.ts';
import { localDay } from '../../src/limits/periods.ts';
import type { BudgetLine } from '../../src/policy/model.ts';
import { fits } from '../support/glob.ts';
import { dayIn, isMeant, keyOf, Oracle, whose } from './oracle.ts';
import { line } from './world.ts';

const ZONE = 'Europe/Berlin';
const HOUR = 3_600_000;
/** Evenings before a DST day, a month's, a year's (week 53) and an ordinary day's end. */
const STARTS = [
  '2026-03-28T21:00Z',
  '2026-10-24T20:00Z',
  '2026-11-30T21:30Z',
  '2026-12-31T22:30Z',
  '2027-01-03T22:00Z',
].map((text) => Date.parse(text));

const PEOPLE: readonly Omit<CallFacts, 'model' | 'day'>[] = [
  { who: 'per_ada', kind: 'person', name: 'ada@example.com', key: 'key_1', team: 'tea_pay', teamName: 'Payments' },
  { who: 'per_ada', kind: 'person', name: 'ada@example.com', key: 'key_2', team: 'tea_lab', teamName: 'research' },
  { who: 'per_bob', kind: 'person', name: 'Bob@example.com', key: 'key_3', team: 'tea_pay', teamName: 'Payments' },
  { who: 'per_eve', kind: 'person', name: null, key: 'key_4', team: null, teamName: null },
  { who: 'svc_ci', kind: 'service', name: 'CI', key: 'key_5', team: 'tea_pay', teamName: 'Payments' },
];
const MODELS = ['claude-opus-5-5', 'claude-haiku-5-5'];
const ONLY = {
  organization: [null],
  team: [null, ['payments'], ['tea_lab']],
  person: [null, ['bob@example.com', 'per_eve']],
  service: [null, ['ci']],
  key: [null, ['key_1', 'key_5']],
  model: [null, ['claude-opus-*']],
} as const;

const aLine: fc.Arbitrary<BudgetLine> = fc
  .record({
    scope: fc.constantFrom('organization', 'team', 'person', 'service', 'key', 'model'),
    period: fc.constantFrom('day', 'week', 'month', 'lifetime'),
    models: fc.constantFrom(null, ['claude-opus-*']),
    limit: fc.constantFrom(0, 60, 100, 100, 200, 300, 400, 1000),
    hold: fc.constantFrom('strict', 'estimate'),
    mode: fc.constantFrom('enforce', 'enforce', 'enforce', 'observe'),
    atCap: fc.constantFrom('finish', 'end', 'end'),
    excepted: fc.constantFrom(null, ['payments', 250], ['per_ada', 70], ['ada@example.com', 40], ['key_2', 0]),
    pick: fc.nat(5),
  })
  .map(({ excepted, pick, ...change }) => {
    const choices = ONLY[change.scope];
    const only = choices[pick % choices.length] ?? null;
    const except = new Map(excepted === null ? [] : [excepted as [string, number]]);
    return line({ ...change, only, except });
  });

type Step =
  | { do: 'reserve'; who: number; model: number; bound: number | null; estimate: number }
  | { do: 'extend'; pick: number; by: number }
  | { do: 'settle'; pick: number; of: number }
  | { do: 'settleAgain'; pick: number; micros: number }
  | { do: 'abandon'; pick: number }
  | { do: 'clock'; hours: number }
  | { do: 'adopt'; lines: readonly BudgetLine[]; lag: number }
  | { do: 'relimit'; pick: number; limit: number }
  | { do: 'grant'; pick: number; micros: number }
  | { do: 'durable'; count: number }
  | { do: 'seen'; lag: number }
  | { do: 'crash' };

const aReserve: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('reserve' as const),
  who: fc.nat(PEOPLE.length - 1),
  model: fc.nat(MODELS.length - 1),
  bound: fc.option(fc.integer({ min: 0, max: 60 }), { nil: null, freq: 6 }),
  estimate: fc.integer({ min: 0, max: 40 }),
});
const someLines = fc.array(aLine, { minLength: 1, maxLength: 5 });
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: aReserve },
  {
    weight: 7,
    arbitrary: fc.record({ do: fc.constant('extend' as const), pick: fc.nat(), by: fc.integer({ min: -5, max: 60 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('settle' as const), pick: fc.nat(), of: fc.integer({ min: 0, max: 100 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settleAgain' as const), pick: fc.nat(), micros: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clock' as const), hours: fc.integer({ min: -6, max: 30 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('adopt' as const), lines: someLines, lag: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('relimit' as const), pick: fc.nat(), limit: fc.nat(300) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('grant' as const),
      pick: fc.nat(),
      micros: fc.integer({ min: 1, max: 100 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('durable' as const), count: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('seen' as const), lag: fc.nat(6) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

/** How often each thing happened: histories in which nothing is refused would prove nothing. */
const seen = new Map<string, number>();
const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);

/** One history, told to the ledger and to the oracle. The journal here is the list of outcomes, each with its sequence number. */
class History {
  ledger = new Ledger({ matches: fits, since: 0 });
  readonly oracle = new Oracle();
  readonly outcomes: { seq: number; id: string; micros: number }[] = [];
  readonly #start: number;
  #now: number;
  /** Outcomes whose number the ledger was told. */
  #told = 0;
  #seen = 0;
  #ids = 0;

  constructor(start: number) {
    this.#start = start;
    this.#now = start;
  }

  readonly #grants = (l: BudgetLine, subject: string) => this.oracle.extra(l.scope, subject);

  apply(step: Step): void {
    const running = this.oracle.running();
    const picked = 'pick' in step && running.length > 0 ? running[step.pick % running.length] : undefined;
    if (step.do === 'reserve') this.#reserve(step);
    if (step.do === 'clock') {
      // Three days at most: of older periods nothing is promised.
      this.#now = Math.min(Math.max(this.#now + step.hours * HOUR, this.#start - 24 * HOUR), this.#start + 20 * HOUR);
    }
    if (step.do === 'adopt') this.adopt(step.lines, step.lag);
    if (step.do === 'relimit') {
      const lines = this.oracle
        .lines()
        .map((l, i, all) => (i === step.pick % all.length ? { ...l, limit: step.limit } : l));
      this.adopt(lines, 0);
    }
    if (step.do === 'grant') {
      const person = PEOPLE[step.pick % PEOPLE.length]!;
      this.oracle.events.push({ is: 'grant', scope: 'person', subject: person.who, micros: step.micros });
    }
    if (step.do === 'durable') this.#durable(Math.min(this.outcomes.length, this.#told + step.count));
    if (step.do === 'seen') {
      this.#seen = Math.max(this.#seen, this.#told - step.lag);
      this.ledger.seen(this.#seen * 2);
    }
    if (step.do === 'crash') this.#crash();
    if (step.do === 'settleAgain' && this.outcomes.length > 0) {
      const { id } = this.outcomes[step.pick % this.outcomes.length]!;
      assert.equal(this.ledger.settle(id, step.micros), false);
      assert.equal(this.ledger.extend(id, 1000, this.#grants), 'held');
    }
    if (picked === undefined) return;
    if (step.do === 'extend') this.#extend(picked.id, this.oracle.known(picked.id) + step.by);
    if (step.do === 'abandon') this.#end(picked.id, 0);
    // A call never costs more than its bound; one without may cost more than is held.
    if (step.do === 'settle') this.#end(picked.id, Math.floor(((picked.bound ?? 60) * step.of) / 100));
  }

  #reserve({ who, model, bound, estimate }: Extract<Step, { do: 'reserve' }>): void {
    const day = localDay(this.#now, ZONE);
    assert.equal(day, dayIn(ZONE, this.#now));
    const call = { id: `rec_${++this.#ids}`, facts: { ...PEOPLE[who]!, model: MODELS[model]!, day }, bound, estimate };
    const against = this.oracle.against(call);
    const enforced = against.filter((one) => one.line.mode === 'enforce');
    const answer = this.ledger.reserve(call, this.#grants);
    assert.equal(answer.refused, enforced.length > 0, JSON.stringify(against));
    count(answer.refused ? answer.kind : 'admitted');
    if (answer.refused) {
      const named = enforced.find((one) => one.line === answer.at.line);
      assert.deepEqual([answer.kind, answer.fitsLater], [named?.kind, named?.later]);
      const hopeless =
        enforced.find(({ kind }) => kind === 'spent') ?? enforced.find(({ kind }) => kind === 'unbounded');
      if (hopeless !== undefined) assert.equal(named, hopeless);
      return;
    }
    const known = Math.min(estimate, bound ?? Infinity);
    assert.equal(answer.micros, this.oracle.toRecord(call, known));
    assert.deepEqual(
      answer.observed,
      against.map((one) => ({ code: 'budget_spent', rule: one.line.place.path })),
    );
    this.oracle.events.push({ is: 'reserve', ...call }, { is: 'recorded', id: call.id, micros: answer.micros });
  }

  #extend(id: string, total: number): void {
    const wanted = Math.max(0, total);
    const before = this.oracle.known(id);
    const answer = this.ledger.extend(id, wanted, this.#grants);
    this.oracle.events.push({ is: 'extend', id, total: wanted });
    this.oracle.events.push({ is: 'recorded', id, micros: this.oracle.known(id) });
    const call = this.oracle.running().find((one) => one.id === id)!;
    const grew = this.oracle.known(id) > before;
    const over = this.oracle.lines().some((l) => {
      if (!isMeant(l, call.facts) || l.mode !== 'enforce' || l.atCap !== 'end') return false;
      const { spent, reserved, limit, extra } = this.oracle.standing(l, call.facts);
      const more = l.hold === 'estimate' || call.bound === null;
      return grew && more && (spent + reserved > limit + extra || limit + extra === 0);
    });
    count(answer);
    assert.equal(answer, over ? 'over' : 'held');
  }

  #end(id: string, micros: number): void {
    assert.equal(this.ledger.settle(id, micros), true);
    this.oracle.events.push({ is: 'end', id, micros });
    this.outcomes.push({ seq: (this.outcomes.length + 1) * 2, id, micros });
  }

  #durable(upTo: number): void {
    for (const { id, seq } of this.outcomes.slice(this.#told, upTo)) this.ledger.durable(id, seq);
    this.#told = Math.max(this.#told, upTo);
  }

  /** The views follow the journal at some distance, and may be ahead of what the ledger was told. */
  #loaded(lines: readonly BudgetLine[], upTo: number): Loaded {
    const spent = new Map<string, LoadedSum[]>();
    for (const l of lines) {
      const sums = this.outcomes.slice(0, upTo).flatMap(({ id, micros }) => {
        const facts = this.oracle.factsOf(id);
        const subject = whose(l, facts);
        return subject === null ? [] : [{ subject, period: keyOf(facts.day, l.period), micros }];
      });
      spent.set(l.id, sums);
    }
    return { seq: upTo * 2, spent };
  }

  adopt(lines: readonly BudgetLine[], lag: number): void {
    const upTo = Math.max(this.#seen, this.outcomes.length - lag);
    if (this.#told < upTo) count('views ahead');
    if (this.#told > upTo) count('views behind');
    const raised = this.ledger.adopt(lines, this.#loaded(this.ledger.newLines(lines), upTo));
    this.oracle.events.push({ is: 'lines', lines });
    const expected = this.oracle.running().flatMap((call) => {
      const micros = this.oracle.toRecord(call, this.oracle.known(call.id));
      return micros > this.oracle.recorded(call.id) ? [{ id: call.id, micros }] : [];
    });
    if (raised.length > 0) count('raised');
    assert.deepEqual(raised, expected);
    this.oracle.events.push(...raised.map((one) => ({ is: 'recorded' as const, ...one })));
    this.#durable(upTo);
  }

  /** Memory is lost: running calls are charged what the journal says, and a new ledger is built from nothing else. */
  #crash(): void {
    for (const { id } of this.oracle.running()) {
      const micros = this.oracle.recorded(id);
      this.oracle.events.push({ is: 'end', id, micros });
      this.outcomes.push({ seq: (this.outcomes.length + 1) * 2, id, micros });
    }
    this.#told = this.outcomes.length;
    this.#seen = this.#told;
    this.ledger = new Ledger({ matches: fits, since: this.#told * 2 });
    this.adopt(this.oracle.lines(), 0);
  }

  /** Every counter that a call of now could ask for stands where the oracle says. */
  check(): void {
    const day = dayIn(ZONE, this.#now);
    for (const person of PEOPLE) {
      for (const model of MODELS) {
        const facts = { ...person, model, day };
        const meant = this.oracle.lines().filter((l) => isMeant(l, facts));
        assert.deepEqual(
          this.ledger
            .position(facts, this.#grants)
            .map(({ line: l, spent, reserved, limit, extra }) => ({ l, spent, reserved, limit, extra })),
          meant.map((l) => ({ l, ...this.oracle.standing(l, facts) })),
        );
      }
    }
  }
}

test('P2: the ledger refuses exactly what a naive recount of all events refuses, P10: also rebuilt from the journal', () => {
  const history = fc.record({
    start: fc.constantFrom(...STARTS),
    lines: someLines,
    steps: fc.array(aStep, { minLength: 30, maxLength: 60, size: 'max' }),
  });
  fc.assert(
    fc.property(history, ({ start, lines, steps }) => {
      const world = new History(start);
      world.adopt(lines, 0);
      for (const step of steps) {
        world.apply(step);
        world.check();
      }
    }),
    { seed: 20261124, numRuns: 200 },
  );
  const things = 'admitted, spent, unbounded, no_room, held, over, views ahead, views behind, raised';
  for (const what of things.split(', ')) {
    assert.ok((seen.get(what) ?? 0) > 20, `${what}: ${seen.get(what)}`);
  }
});
