import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Ledger } from '../../src/limits/ledger.ts';
import { localDay } from '../../src/limits/periods.ts';
import { ratesOf } from '../limits/rates-kit.ts';
import { facts, line, noGrants, nothing } from '../limits/world.ts';
import type { TestGateway } from '../support/gateway.ts';
import { fits } from '../support/glob.ts';
import { governanceOf, OPEN_POLICY, partyRow } from '../support/governance.ts';
import { raw } from '../support/raw.ts';
import { answers, call, charges, HAIKU, start } from './support.ts';

interface Timed {
  readonly gateway: TestGateway;
  /** Sets the wall clock of the gateway. */
  at(iso: string): void;
  ask(): Promise<number>;
}

/** A gateway whose wall clock the test sets; every call costs 3500 micro-dollars. */
async function timed(t: TestContext, policy: string, begin: string): Promise<Timed> {
  let now = Date.parse(begin);
  const clock = { now: () => now, monotonic: () => performance.now() };
  const directory = {
    parties: [partyRow({ team: 'tea_p' })],
    teams: [{ id: 'tea_p', name: 'payments', createdAt: 0 }],
  };
  const governance = governanceOf(`${OPEN_POLICY}\n${policy}`, directory);
  const gateway = await start(t, '', { governance, services: { clock } });
  answers(gateway, { input_tokens: 1000, output_tokens: 500 });
  return {
    gateway,
    at(iso) {
      now = Date.parse(iso);
    },
    async ask() {
      const { status } = await raw(gateway.url, { body: call(HAIKU) });
      if (status === 200) await charges(gateway, gateway.journal.of('intent').length);
      return status;
    },
  };
}

test('a budget begins anew at midnight of the time zone of the policy, not of UTC, and says so', async (t) => {
  const policy = 'time_zone: Asia/Tokyo\nbudgets: [ { each: person, limit: 0.0035 USD/month } ]';
  const { gateway, at, ask } = await timed(t, policy, '2026-07-31T10:00:00+09:00');
  assert.equal(await ask(), 200);
  at('2026-07-31T23:59:59.999+09:00');
  const refused = await raw(gateway.url, { body: call(HAIKU) });
  assert.equal(refused.status, 429);
  const reset = Number(refused.headers['anthropic-ratelimit-unified-reset']);
  assert.equal(new Date(reset * 1000).toISOString(), '2026-07-31T15:00:00.000Z');
  assert.match(refused.body.toString(), /it resets on Aug 1/);
  // The report's case: still July in UTC, for nine hours more.
  at('2026-08-01T00:00:00+09:00');
  assert.equal(await ask(), 200);
  assert.equal(await ask(), 429);
  at('2026-08-01T09:00:00+09:00');
  assert.equal(await ask(), 429, 'and not a second time when the day begins in UTC');
});

const TURNS = [
  ['day', '2026-11-24T23:59:59Z', '2026-11-25T00:00:00Z'],
  ['week', '2026-11-29T23:59:59Z', '2026-11-30T00:00:00Z'],
  ['month', '2026-11-30T23:59:59Z', '2026-12-01T00:00:00Z'],
] as const;

test('budgets of every scope begin anew with every day, week and month, by themselves and at once', async (t) => {
  for (const who of ['for: organization', 'each: team', 'each: person', 'each: key', 'each: model']) {
    for (const [period, last, first] of TURNS) {
      const policy = `time_zone: UTC\nbudgets: [ { ${who}, limit: 0.0035 USD/${period} } ]\nteams: { payments: {} }`;
      const { at, ask } = await timed(t, policy, '2026-11-24T12:00:00Z');
      assert.deepEqual([await ask(), await ask()], [200, 429], `${who} ${period}`);
      at(last);
      assert.equal(await ask(), 429, `${who} ${period}: not before`);
      at(first);
      assert.deepEqual([await ask(), await ask()], [200, 429], `${who} ${period}: what was spent since counts`);
    }
  }
});

test('a call that runs over midnight is charged to its own day, once, and a clock that is set back opens nothing', async (t) => {
  const policy = 'time_zone: UTC\nbudgets: [ { each: person, limit: 0.0070 USD/day } ]';
  const { gateway, at, ask } = await timed(t, policy, '2026-11-24T23:59:00Z');
  let release = (): void => undefined;
  const waits = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { answer } = gateway.double;
  gateway.double.answer = async (seen, response) => {
    await waits;
    return answer(seen, response);
  };
  const late = raw(gateway.url, { body: call(HAIKU) });
  while (gateway.double.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  at('2026-11-25T00:00:01Z');
  release();
  assert.equal((await late).status, 200);
  const spent = (day: string): number | undefined =>
    gateway.ledger.positions(noGrants, () => null).find(({ period }) => period === day)?.spent;
  await charges(gateway, 1);
  assert.deepEqual([spent('2026-11-24'), spent('2026-11-25')], [3500, undefined]);
  assert.deepEqual([await ask(), await ask(), await ask()], [200, 200, 429]);
  at('2026-11-24T23:59:30Z');
  assert.deepEqual([await ask(), await ask()], [200, 429], 'yesterday is as full as it was');
  at('2026-11-25T00:00:02Z');
  assert.equal(await ask(), 429, 'and today as well');
  assert.deepEqual([spent('2026-11-24'), spent('2026-11-25')], [7000, 7000]);
});

test('on the days when the clocks change a budget begins anew once, after 23 hours or 25', async (t) => {
  const policy = 'time_zone: Europe/Berlin\nbudgets: [ { each: person, limit: 0.0035 USD/day } ]';
  for (const [begins, hours] of [
    ['2026-10-25T00:00:00+02:00', 25],
    ['2027-03-28T00:00:00+01:00', 23],
  ] as const) {
    const { at, ask } = await timed(t, policy, begins);
    const opened: number[] = [];
    for (let hour = 0; hour <= 26; hour++) {
      at(new Date(Date.parse(begins) + hour * 3_600_000).toISOString());
      if ((await ask()) === 200) opened.push(hour);
    }
    assert.deepEqual(opened, [0, hours]);
  }
  assert.equal(localDay(Date.parse('2026-10-25T23:30:00+01:00'), 'Europe/Berlin'), '2026-10-25');
});

/** How many entries of maps and sets `work` walks over or removes. */
function walked(work: () => void): number {
  let count = 0;
  const restore: (() => void)[] = [];
  for (const prototype of [Map.prototype, Set.prototype]) {
    for (const name of ['values', 'keys', 'entries', 'forEach', 'delete', Symbol.iterator]) {
      const own = Object.getOwnPropertyDescriptor(prototype, name);
      if (own === undefined) continue;
      const real = own.value as (...given: unknown[]) => unknown;
      const counting = function (this: { size: number }, ...given: unknown[]): unknown {
        count += name === 'delete' ? 1 : this.size;
        return Reflect.apply(real, this, given);
      };
      Object.defineProperty(prototype, name, { ...own, value: counting });
      restore.push(() => Object.defineProperty(prototype, name, own));
    }
  }
  try {
    work();
  } finally {
    for (const undo of restore) undo();
  }
  return count;
}

test('when ten thousand budgets and rates begin anew at once, the next call does no more work than the one before', () => {
  const lines = [line({ scope: 'person', period: 'day', limit: 5000 }), line({ limit: 1e12 })];
  const ledger = new Ledger({ since: 0, matches: fits });
  ledger.adopt(lines, nothing(lines));
  const rates = ratesOf({ requests: 5, inputTokens: 1000 }, { scope: 'key', requests: 5 });
  const spend = (n: number, day: number): void => {
    const person = facts({ who: `per_${n}`, key: `key_${n}`, day: `2026-11-${day}` });
    const now = day * 86_400_000;
    const rated = rates.enter(person, 'call', now);
    assert.ok('entry' in rated);
    rates.admit(rated.entry, { model: 'm', inputTokens: 9, outputTokens: 9 }, now);
    const id = `${n} ${day}`;
    assert.equal(ledger.reserve({ id, facts: person, bound: 5000, estimate: 5000 }, noGrants).refused, false, id);
    ledger.settle(id, 5000);
    rates.leave(rated.entry);
  };
  assert.ok(walked(() => [...new Map([[1, 1]]).values()]) === 1, 'the probe counts');
  for (let n = 0; n < 10_000; n++) spend(n, 24);
  const usual = walked(() => spend(10_001, 24));
  assert.ok(usual < 100, `a call walks over ${usual} entries`);
  for (const n of [0, 1, 10_001]) {
    const first = walked(() => spend(n, 25));
    assert.ok(first <= usual + 50, `the call of ${n} on the new day walked over ${first}, not ${usual}`);
  }
});

test('refusals at the end of a day do not move its end', async (t) => {
  const policy = 'time_zone: UTC\nbudgets: [ { each: person, limit: 0.0035 USD/day } ]';
  const { gateway, at, ask } = await timed(t, policy, '2026-11-24T23:00:00Z');
  assert.equal(await ask(), 200);
  for (let minute = 1; minute < 60; minute += 7) {
    at(`2026-11-24T23:${String(minute).padStart(2, '0')}:00Z`);
    assert.equal(await ask(), 429);
  }
  at('2026-11-25T00:00:00Z');
  assert.equal(await ask(), 200);
  assert.equal(gateway.ledger.running, 0);
});
