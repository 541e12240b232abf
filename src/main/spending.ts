import type { Journal, NewRecord, Receipt } from '../journal/records.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Closers } from '../kernel/closers.ts';
import type { Logger } from '../kernel/log.ts';
import { type CallFacts, chargedSubject } from '../limits/counters.ts';
import type { Ledger } from '../limits/ledger.ts';
import type { Loaded, LoadedSum } from '../limits/ledger-types.ts';
import { firstDay, lastDay, localDay, periodOf } from '../limits/periods.ts';
import type { BudgetLine } from '../policy/model.ts';
import { countsModel, undated } from '../policy/patterns.ts';
import type { Projections, SpentLine } from '../projections/ports.ts';

export interface SpendingParts {
  readonly ledger: Ledger;
  readonly projections: () => Pick<Projections, 'spent' | 'askedModels'> & {
    readonly metrics: { readonly seq: number };
  };
  readonly journal: Journal & { appendEventually(record: NewRecord): Promise<Receipt> };
  readonly clock: Clock;
  readonly log: Logger;
  readonly closers: Closers;
}

const AGAIN_MS = 500;
/** Wall clock and monotonic clock part by less than this between two looks, unless somebody sets the clock. */
const SET_MS = 1000;

/**
 * What was spent before: found in the views of the journal whenever a budget is new to the ledger, at the start and when the policy
 * changes. Until it is known, calls that count for such a budget are refused (P8); all others go on.
 */
export class Spending {
  readonly #parts: SpendingParts;
  #lines: readonly BudgetLine[] = [];
  #unknown: readonly BudgetLine[] = [];
  #timeZone = 'UTC';
  #loading = false;
  #stopped = false;
  /** The day that the counters were loaded for, or were taken to by time alone. */
  #day = '';
  #apart = 0;

  constructor(parts: SpendingParts) {
    this.#parts = parts;
    const timer = setInterval(() => {
      parts.ledger.seen(parts.projections().metrics.seq);
      this.#lookAtClock();
      if (this.#unknown.length > 0) void this.#load();
    }, AGAIN_MS);
    timer.unref();
    parts.closers.add('spending', () => {
      this.#stopped = true;
      clearInterval(timer);
    });
  }

  /** These budgets are in force from now on; those the ledger knows at once, the others when their spending is loaded. */
  adopt(lines: readonly BudgetLine[], timeZone: string): void {
    const { ledger } = this.#parts;
    if (this.#day === '' || timeZone !== this.#timeZone) this.#day = localDay(this.#parts.clock.now(), timeZone);
    else this.#lookAtClock();
    this.#lines = lines;
    this.#timeZone = timeZone;
    this.#unknown = ledger.newLines(lines);
    const known = lines.filter((line) => !this.#unknown.includes(line));
    this.#record(ledger.adopt(known, { seq: 0, spent: new Map() }));
    if (this.#unknown.length > 0) void this.#load();
  }

  /** True for a call that counts for a budget whose spending is not known yet. One that only observes refuses nothing. */
  isUnknown(facts: CallFacts): boolean {
    this.#lookAtClock();
    return this.#unknown.some((line) => line.mode === 'enforce' && chargedSubject(line, facts, countsModel) !== null);
  }

  /** How many budgets wait for their spending. */
  get waiting(): number {
    return this.#unknown.length;
  }

  /**
   * A day that time alone brought has no spending before it. One that a clock was set to may have: a machine that started with a
   * wrong clock would open the budgets of the right day again (P2). What was spent in it is loaded before it is spent from.
   */
  #lookAtClock(): void {
    const { clock, ledger, log } = this.#parts;
    const now = clock.now();
    const apart = now - clock.monotonic();
    const wasSet = Math.abs(apart - this.#apart) >= SET_MS;
    this.#apart = apart;
    const day = localDay(now, this.#timeZone);
    if (day === this.#day) return;
    this.#day = day;
    if (!wasSet || this.#lines.length === 0) return;
    log.warn({ day }, 'the clock was set to another day: what was spent in it is loaded');
    ledger.adopt([], { seq: 0, spent: new Map() });
    this.#unknown = ledger.newLines(this.#lines);
    void this.#load();
  }

  async #load(): Promise<void> {
    if (this.#loading || this.#stopped) return;
    this.#loading = true;
    const lines = this.#lines;
    const today = this.#day;
    try {
      const loaded = await this.#spent(this.#parts.ledger.newLines(lines), today);
      // Another policy or another day came meanwhile: what belongs to it is loaded next.
      if (lines !== this.#lines || today !== this.#day || this.#stopped) return;
      this.#record(this.#parts.ledger.adopt(lines, loaded));
      this.#unknown = [];
    } catch (error) {
      this.#parts.log.warn({ err: error, budgets: this.#unknown.length }, 'spending could not be loaded; trying again');
    } finally {
      this.#loading = false;
    }
  }

  async #spent(lines: readonly BudgetLine[], today: string): Promise<Loaded> {
    const projections = this.#parts.projections();
    let models = await projections.askedModels();
    for (;;) {
      // Two lines of one id differ in whom they are for, not in what was spent.
      const asked = new Map(lines.map((line) => [line.id, questionOf(line, { today, models })]));
      const spent = await projections.spent({ lines: [...asked.values()] });
      // A model that was asked for between the two questions would be missing in the sums.
      if (spent.askedModels.length === models.length) {
        return { seq: spent.seq, spent: sumsOf(lines, { rows: spent.rows, today }) };
      }
      models = spent.askedModels;
    }
  }

  /** More is held for running calls than their intents say: a crash must find it. */
  #record(raised: readonly { readonly id: string; readonly micros: number }[]): void {
    for (const { id, micros } of raised) {
      this.#parts.journal
        .appendEventually({ kind: 'extension', body: { intent: id, reserved: micros } })
        .catch((error) => this.#parts.log.error({ err: error, record: id }, 'an extension could not be recorded'));
    }
  }
}

function questionOf(line: BudgetLine, { today, models }: { today: string; models: readonly string[] }): SpentLine {
  const named =
    line.models?.flatMap((pattern) => models.filter((model) => countsModel(pattern, undated(model)))) ?? null;
  const { id, scope, period } = line;
  const toDay = lastDay(today, period) ?? '9999-12-31';
  return { id, scope, models: named === null ? null : [...new Set(named)], fromDay: firstDay(today, period), toDay };
}

function sumsOf(
  lines: readonly BudgetLine[],
  { rows, today }: { rows: readonly { line: string; subject: string; micros: number }[]; today: string },
): ReadonlyMap<string, readonly LoadedSum[]> {
  return new Map(
    lines.map((line) => {
      const bySubject = new Map<string, number>();
      for (const { line: id, subject, micros } of rows) {
        if (id !== line.id) continue;
        const counted = line.scope === 'model' ? undated(subject) : subject;
        bySubject.set(counted, (bySubject.get(counted) ?? 0) + micros);
      }
      const period = periodOf(today, line.period);
      return [line.id, [...bySubject].map(([subject, micros]) => ({ subject, period, micros }))];
    }),
  );
}
