import type { BudgetLine, Observation } from '../policy/model.ts';
import { adoptLines } from './adopt.ts';
import { type CallFacts, chargedSubject, isFor, limitFor, nameFor } from './counters.ts';
import {
  type Demand,
  fits,
  type Grants,
  type LedgerOptions,
  type Loaded,
  type Position,
  type Raised,
  type Refused,
  type Reserved,
  wholeMicros,
} from './ledger-types.ts';
import type { LineBook } from './line-book.ts';
import { periodOf } from './periods.ts';
import { RecentCharges } from './recent-charges.ts';
import { firstOf, refusalOf } from './refusals.ts';
import { amountUnder, type Hold, Overshoot, type Running } from './running-calls.ts';
import { warningsOf } from './warnings.ts';

/** A line that counts a call, and the counter in question. */
interface Counting {
  readonly book: LineBook;
  readonly subject: string;
  readonly period: string;
  readonly applies: boolean;
  readonly limit: number;
}

/**
 * The money of every budget: what is spent, and what running calls hold. In memory and synchronous, so that a reservation is one
 * step that nothing comes between, exact at any concurrency of this process (P2). What it knows is a projection: a new ledger that
 * adopts the same lines with what the journal says stands where this one stood (P10).
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #running = new Map<string, Running>();
  readonly #recent: RecentCharges;
  readonly #overshoot = new Overshoot();
  #books: readonly LineBook[] = [];

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#recent = new RecentCharges(options.since, options.mostRecent);
  }

  /** See Overshoot; micro-dollars. */
  get overshoot(): { readonly now: number; readonly worst: number } {
    return { now: this.#overshoot.now, worst: this.#overshoot.worst };
  }

  /** Calls that hold a reservation. */
  get running(): number {
    return this.#running.size;
  }

  /** The lines whose spending has to be loaded before they can be adopted. */
  newLines(lines: readonly BudgetLine[]): BudgetLine[] {
    const known = new Set(this.#books.map(({ line }) => line.id));
    return lines.filter(({ id }) => !known.has(id));
  }

  /**
   * These lines are in force from now on. Those with a known id keep their counters; new ones start from `loaded`, from charges it
   * does not contain and from what running calls hold. Returns the calls for which more is held now than their intent says.
   *
   * @throws LedgerBehind when `loaded` is too old for new lines, Error when it lacks one of them; nothing is changed then
   */
  adopt(lines: readonly BudgetLine[], loaded: Loaded): Raised[] {
    const { matches } = this.#options;
    this.#books = adoptLines({ lines, loaded, before: this.#books, recent: this.#recent, matches });
    for (const book of this.#books)
      for (const counter of book.counters()) Object.assign(counter, { reserved: 0, open: 0, beyond: 0 });
    const raised: Raised[] = [];
    for (const call of this.#running.values()) {
      call.holds = this.#counting(call.facts).map((counting) => hold(counting, call));
      const micros = toRecord(call).micros;
      if (micros <= call.recorded) continue;
      call.recorded = micros;
      raised.push({ id: call.id, micros });
    }
    for (const book of this.#books) for (const counter of book.counters()) book.dropEmpty(counter);
    return raised;
  }

  /**
   * Holds the call's bound under strict lines and its estimate under the others, under every line that counts it or under none.
   *
   * @throws Error for an id that is running, RangeError for amounts that are not whole micro-dollars
   */
  reserve(demand: Demand, grants: Grants): Reserved | Refused {
    const { id, facts } = demand;
    if (this.#running.has(id)) throw new Error(`call ${id} holds a reservation already`);
    const bound = demand.bound === null ? null : wholeMicros(demand.bound);
    const held = Math.min(wholeMicros(demand.estimate), bound ?? Number.MAX_SAFE_INTEGER);
    const counting = this.#counting(facts);
    const refusals: Refused[] = [];
    const observed: Observation[] = [];
    for (const one of counting) {
      const refused = one.applies ? refusalOf(this.#position(one, grants), { bound, held }) : null;
      if (refused === null) continue;
      if (one.book.line.mode === 'enforce') refusals.push(refused);
      else observed.push({ code: 'budget_spent', rule: one.book.line.place.path });
    }
    const refusal = firstOf(refusals);
    if (refusal !== undefined) return refusal;
    const amounts = counting.map(({ book }) => amountUnder(book.line, { bound, held }));
    const admitted = amounts.length === 0 ? null : Math.min(...amounts);
    const call: Running = { id, facts, bound, estimate: held, held, recorded: 0, admitted, seq: null, holds: [] };
    call.holds = counting.map((one) => hold(one, call));
    for (const one of call.holds) this.#overshoot.fitted(one);
    const { micros, strict } = toRecord(call);
    call.recorded = micros;
    this.#running.set(id, call);
    return { refused: false, micros, held, strict, observed };
  }

  /**
   * The call will cost `total` micro-dollars at least: that much is held under lines by estimate, never less than before and never more
   * than its bound. `over` when an enforcing line that ends streams at its cap had no room for the growth; it is held all the same,
   * because it is already being spent. A call that is not running is `held`.
   */
  extend(id: string, total: number, grants: Grants): 'held' | 'over' {
    const call = this.#running.get(id);
    const before = call?.held ?? 0;
    const wanted = Math.min(wholeMicros(total), call?.bound ?? Number.MAX_SAFE_INTEGER);
    if (call === undefined || wanted <= before) return 'held';
    call.held = wanted;
    call.recorded = Math.max(call.recorded, wanted);
    let answer: 'held' | 'over' = 'held';
    for (const one of call.holds) {
      const growth = amountUnder(one.book.line, call) - one.amount;
      if (growth <= 0) continue;
      one.amount += growth;
      one.counter.reserved += growth;
      one.counter.beyond += growth;
      const { line } = one.book;
      if (!one.applies || line.mode !== 'enforce' || line.atCap !== 'end') continue;
      if (!fits(one.counter, 0, one.limit + grants(line, one.counter.subject))) answer = 'over';
    }
    this.#overshoot.extended(call, before);
    return answer;
  }

  /** What the enforcing lines that end answers at their cap still have for this call beyond what it holds; infinite without any. */
  room(id: string, grants: Grants): number {
    const call = this.#running.get(id);
    let room = Number.POSITIVE_INFINITY;
    for (const { book, counter, applies, limit } of call?.holds ?? []) {
      const { line } = book;
      if (!applies || line.mode !== 'enforce' || line.atCap !== 'end') continue;
      const { subject, spent, reserved } = counter;
      room = Math.min(room, limit + grants(line, subject) - spent - reserved);
    }
    return room;
  }

  /**
   * The call ended and costs this much: what it held is free, and every line that counts it now is charged, in the period of its day.
   * True the first time; nothing happens for a call that is not running.
   */
  settle(id: string, micros: number): boolean {
    const call = this.#running.get(id);
    if (call === undefined) return false;
    wholeMicros(micros);
    this.#running.delete(id);
    this.#overshoot.settled(call, micros);
    const warnings = call.holds.flatMap(({ book, counter, amount, applies }) => {
      counter.reserved -= amount;
      counter.open--;
      const loaded = call.seq !== null && call.seq <= book.loadedSeq;
      const before = counter.spent;
      if (!loaded) counter.spent += micros;
      book.dropEmpty(counter);
      return applies ? warningsOf(book.line, { counter, before, facts: call.facts }) : [];
    });
    // What the garbage collector still reaches of an ended call should be little.
    call.holds = [];
    if (micros > 0) {
      this.#recent.add(id, { facts: call.facts, micros });
      if (call.seq !== null) this.#recent.durable(id, call.seq);
    }
    for (const warning of warnings) this.#options.onWarn?.(warning);
    return true;
  }

  /** The call was not sent: it costs nothing. */
  abandon(id: string): boolean {
    return this.settle(id, 0);
  }

  /** The outcome of this call is the journal's record `seq`. */
  durable(id: string, seq: number): void {
    const call = this.#running.get(id);
    if (call !== undefined) call.seq = seq;
    const charge = this.#recent.durable(id, seq);
    if (charge === undefined || !this.#books.some(({ loadedSeq }) => seq <= loadedSeq)) return;
    for (const { book, subject, period } of this.#counting(charge.facts)) {
      // The views had read the outcome before we knew that it was durable: the line counted it twice until now.
      const counter = seq <= book.loadedSeq ? book.find(subject, period) : undefined;
      if (counter === undefined) continue;
      counter.spent -= charge.micros;
      book.dropEmpty(counter);
    }
  }

  /** The views contain every record up to `seq`: what is loaded from now on does too. */
  seen(seq: number): void {
    this.#recent.seen(seq);
  }

  /** Where every line that is for this call stands, in the order of the document. */
  position(facts: CallFacts, grants: Grants): Position[] {
    return this.#counting(facts)
      .filter(({ applies }) => applies)
      .map((counting) => this.#position(counting, grants));
  }

  /** As position, for a call that is running; empty for one that is not. */
  positionOf(id: string, grants: Grants): Position[] {
    const holds = this.#running.get(id)?.holds ?? [];
    return holds
      .filter(({ applies }) => applies)
      .map(({ book, counter, limit }) => positionAt({ ...counter, line: book.line, limit }, grants));
  }

  /** Where every counter stands. `nameOf` gives the name that a policy uses for a subject of the line's scope, or null. */
  positions(grants: Grants, nameOf: (line: BudgetLine, subject: string) => string | null): Position[] {
    return this.#books.flatMap((book) => {
      const { line } = book;
      return [...book.counters()].flatMap(({ subject, period, spent, reserved }) => {
        const named = { subject, name: nameOf(line, subject) };
        if (!isFor(line, named, this.#options.matches)) return [];
        const limit = limitFor(line, named);
        return [{ line, place: line.place, subject, period, spent, reserved, limit, extra: grants(line, subject) }];
      });
    });
  }

  #counting(facts: CallFacts): Counting[] {
    const { matches } = this.#options;
    const found: Counting[] = [];
    for (const book of this.#books) {
      const { line } = book;
      const subject = chargedSubject(line, facts, matches);
      if (subject === null) continue;
      const named = { subject, name: nameFor(line.scope, facts) };
      const applies = isFor(line, named, matches);
      found.push({ book, subject, period: periodOf(facts.day, line.period), applies, limit: limitFor(line, named) });
    }
    return found;
  }

  #position({ book, subject, period, limit }: Counting, grants: Grants): Position {
    const counter = book.find(subject, period) ?? { spent: 0, reserved: 0 };
    return positionAt({ line: book.line, subject, period, limit, ...counter }, grants);
  }
}

function positionAt(at: Omit<Position, 'place' | 'extra'>, grants: Grants): Position {
  const { line, subject, period, spent, reserved, limit } = at;
  return { line, place: line.place, subject, period, spent, reserved, limit, extra: grants(line, subject) };
}

function hold({ book, subject, period, applies, limit }: Counting, call: Running): Hold {
  const counter = book.counter(subject, period);
  const amount = amountUnder(book.line, call);
  const heldAtFirst = amountUnder(book.line, { bound: call.bound, held: call.estimate });
  counter.reserved += amount;
  counter.beyond += amount - heldAtFirst;
  counter.open++;
  return { book, counter, amount, limit, heldAtFirst, applies };
}

/** What the journal must say is held for a call. */
function toRecord({ holds, bound, held }: Running): { readonly micros: number; readonly strict: boolean } {
  const strict = bound !== null && holds.some(({ book }) => book.line.hold === 'strict');
  return { micros: strict ? bound : held, strict };
}
