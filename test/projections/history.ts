/** Histories of calls as a generator makes them, with what they must add up to. Shares no sums with the views. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import fc from 'fast-check';
import { writeBalances } from '../../src/projections/balances.ts';
import { Follower } from '../../src/projections/follower.ts';
import type { UsageDimension } from '../../src/projections/ports.ts';
import { usageRows } from '../../src/projections/usage-query.ts';
import { openViews, type Views } from '../../src/projections/views.ts';
import { CALLERS, FixtureJournal, REPORTS } from './fixture.ts';

export type Step =
  | { do: 'intent'; caller: number; action: string; model: string | null; booking: Booking | null }
  | { do: 'extension'; pick: number; reserved: number }
  | { do: 'outcome'; pick: number; result: string; used: string | null; report: number; micros: number; basis: string }
  | { do: 'unknown'; pick: number }
  | { do: 'refusal'; caller: number; action: string; model: string | null }
  | { do: 'other'; kind: string }
  | { do: 'roll' | 'compress' | 'retire' | 'restart' | 'day' }
  | { do: 'follow'; batch: number };

/** What a record of this version says and one of version 0.1.0 does not. `ahead`: the zone's day is already the next one. */
export interface Booking {
  readonly ahead: boolean;
  readonly cost_center: string | null;
  readonly reserved: number;
}

const booking = fc.record({
  ahead: fc.boolean(),
  cost_center: fc.constantFrom(null, 'CC-1', 'CC-2'),
  reserved: fc.nat(9_000_000),
});

const model = fc.constantFrom(null, 'claude-a', 'claude-b', 'claude-c');
const caller = fc.nat(CALLERS.length - 1);
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('intent' as const),
      caller,
      action: fc.constantFrom('model.call', 'model.call', 'model.count', 'model.list'),
      model,
      booking: fc.option(booking, { freq: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('extension' as const), pick: fc.nat(), reserved: fc.nat(9_000_000) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('outcome' as const),
      pick: fc.nat(),
      result: fc.constantFrom('ok', 'ok', 'error', 'aborted', 'cut', 'refused'),
      used: model,
      report: fc.nat(REPORTS.length - 1),
      micros: fc.nat(9_000_000),
      basis: fc.constantFrom('reported', 'reported', 'metered'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unknown' as const), pick: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('refusal' as const),
      caller,
      action: fc.constantFrom('model.call', 'model.list', 'admin'),
      model,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('other' as const),
      kind: fc.constantFrom('strangers', 'change', 'gateway', 'attempt', 'content'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('roll' as const, 'compress' as const, 'retire' as const, 'restart' as const, 'day' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('follow' as const), batch: fc.integer({ min: 1, max: 7 }) }) },
);

const SUMS = [
  'calls',
  'failed',
  'refused',
  'unmetered',
  'inputTokens',
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'cacheReadTokens',
  'outputTokens',
  'webSearches',
  'costMicros',
  'meteredMicros',
];

export interface Booked {
  readonly day: string;
  readonly costCenter: string | null;
  readonly asked: string | null;
  readonly caller: number;
  readonly model: string | null;
  readonly sums: readonly number[];
}

/** The oracle: what was done, added up from a plain list. */
export function expected(booked: readonly Booked[], by: UsageDimension, from: string, to: string): unknown[] {
  const rows = new Map<string | null, number[]>();
  for (const entry of booked) {
    if (entry.day < from || entry.day > to) continue;
    const { who, key, team } = CALLERS[entry.caller]!;
    if (by === 'person' && !who.startsWith('per_')) continue;
    if (by === 'service' && !who.startsWith('svc_')) continue;
    const { model, day, costCenter: cost_center } = entry;
    const value = { person: who, service: who, key, team, model, day, cost_center }[by];
    const row = rows.get(value) ?? SUMS.map(() => 0);
    rows.set(
      value,
      row.map((sum, index) => sum + entry.sums[index]!),
    );
  }
  return [...rows]
    .sort(([a], [b]) => (a === null ? 1 : b === null ? -1 : a < b ? -1 : 1))
    .map(([value, sums]) => ({ value, ...Object.fromEntries(SUMS.map((name, index) => [name, sums[index]])) }));
}

export const DIMENSIONS = ['team', 'person', 'service', 'key', 'model', 'day', 'cost_center'] as const;

export function everything(views: Views): unknown {
  return DIMENSIONS.map((by) => usageRows(views, { by, from: '2026-03-01', to: '2026-12-31' }));
}

interface Open {
  readonly id: string;
  readonly caller: number;
  readonly action: string;
  readonly model: string | null;
  readonly booked: { readonly day: string; readonly cost_center: string | null } | null;
  held: number;
}

export class History {
  readonly journal = new FixtureJournal();
  readonly booked: Booked[] = [];
  readonly #open: Open[] = [];
  readonly #closed: Open[] = [];
  #views = openViews(this.journal.databasePath, assert.fail);
  #follower = this.follower(this.#views);
  #others = 0;

  follower(views: Views, batch = 3): Follower {
    return new Follower({ journalDir: this.journal.dir, writer: 'main', views, onRebuild: () => {}, batch });
  }

  get day(): string {
    return new Date(this.journal.now).toISOString().slice(0, 10);
  }

  async perform(step: Step): Promise<void> {
    const { journal } = this;
    if (step.do === 'intent') this.#intent(step);
    else if (step.do === 'extension') this.#extension(step);
    else if (step.do === 'outcome') this.#outcome(step);
    else if (step.do === 'unknown') this.#unknown(step.pick);
    else if (step.do === 'refusal') this.#refusal(step);
    else if (step.do === 'other')
      journal.append(step.kind, { who: CALLERS[0].who, model: 'claude-a', intent: 'rec_none' });
    else if (step.do === 'roll') journal.roll();
    else if (step.do === 'compress') journal.compress();
    else if (step.do === 'day') journal.now += 20 * 3600 * 1000;
    else if (step.do === 'retire') await journal.retire(async (seq, file) => this.balances(seq, file));
    else if (step.do === 'restart') this.#restart();
    else if (step.do === 'follow') for (let i = 0; i < step.batch; i++) this.#follower.step();
  }

  balances(seq: number, file: string): { sha256: string } {
    const views = this.fresh();
    while (views.cursor.seq < seq) this.follower(views).step(seq);
    assert.equal(views.cursor.seq, seq);
    const made = writeBalances(views, file);
    views.close();
    return made;
  }

  fresh(): Views {
    return openViews(join(this.journal.root, `fresh-${++this.#others}.db`), assert.fail);
  }

  finish(): Views {
    while (!this.#follower.step());
    return this.#views;
  }

  end(): void {
    this.#views.close();
    this.journal.remove();
  }

  #restart(): void {
    this.#views.close();
    this.#views = openViews(this.journal.databasePath, assert.fail);
    this.#follower = this.follower(this.#views, 2);
  }

  #intent({ caller, action, model, booking }: Extract<Step, { do: 'intent' }>): void {
    const day = new Date(this.journal.now + (booking?.ahead ? 86_400_000 : 0)).toISOString().slice(0, 10);
    const booked = booking && { day, cost_center: booking.cost_center };
    const money = booking && { ...booked, reserved: booking.reserved };
    const { id } = this.journal.append('intent', { ...CALLERS[caller], action, model, ...money });
    this.#open.push({ id, caller, action, model, booked, held: booking?.reserved ?? 0 });
  }

  /** Also for calls that are over: an extension that comes late holds nothing any more. */
  #extension({ pick, reserved }: Extract<Step, { do: 'extension' }>): void {
    const all = [...this.#open, ...this.#closed].filter(({ booked }) => booked !== null);
    const intent = all[pick % (all.length || 1)];
    if (intent === undefined) return;
    this.journal.append('extension', { intent: intent.id, reserved });
    intent.held = reserved;
  }

  #take(pick: number): Open | undefined {
    const [intent] = this.#open.splice(pick % (this.#open.length || 1), 1);
    if (intent !== undefined) this.#closed.push(intent);
    return intent;
  }

  #book({ caller, model: asked, booked }: Open, used: string | null, sums: readonly number[]): void {
    const { day, cost_center } = booked ?? { day: this.day, cost_center: null };
    this.booked.push({ day, caller, costCenter: cost_center, asked, model: used ?? asked, sums });
  }

  #outcome({ pick, result, used, report, micros, basis }: Extract<Step, { do: 'outcome' }>): void {
    const intent = this.#take(pick);
    if (intent === undefined) return;
    const { usage, counts, metered } = REPORTS[report]!;
    const { caller, action, model, id, booked } = intent;
    const money = booked && { ...booked, cost: { micros, basis, price: 'p' } };
    const body = { intent: id, ...CALLERS[caller], action, model, model_used: used, result, usage, ...money };
    this.journal.append('outcome', body);
    const tokens = action === 'model.call' ? counts : counts.map(() => 0);
    const unmetered = action === 'model.call' && !metered ? 1 : 0;
    const cost = booked === null ? [0, 0] : [micros, basis === 'reported' ? 0 : micros];
    this.#book(intent, used, [1, result === 'ok' ? 0 : 1, 0, unmetered, ...tokens, ...cost]);
  }

  #unknown(pick: number): void {
    const intent = this.#take(pick);
    if (intent === undefined) return;
    this.journal.append('outcome', { intent: intent.id, result: 'unknown', reason: 'crash' });
    const unmetered = intent.action === 'model.call' ? 1 : 0;
    this.#book(intent, null, [1, 1, 0, unmetered, 0, 0, 0, 0, 0, 0, intent.held, intent.held]);
  }

  #refusal({ caller, action, model }: Extract<Step, { do: 'refusal' }>): void {
    this.journal.append('refusal', { ...CALLERS[caller], action, model, code: 'not_permitted', status: 451 });
    if (action === 'admin') return;
    const sums = SUMS.map((name) => (name === 'refused' ? 1 : 0));
    this.booked.push({ day: this.day, caller, costCenter: null, asked: model, model, sums });
  }
}
