import type { BudgetLine } from '../policy/model.ts';
import { chargedSubject, type Matches } from './counters.ts';
import { LedgerBehind, type Loaded } from './ledger-types.ts';
import { LineBook } from './line-book.ts';
import { periodOf } from './periods.ts';
import type { RecentCharges } from './recent-charges.ts';

export interface Adoption {
  readonly lines: readonly BudgetLine[];
  readonly loaded: Loaded;
  readonly before: readonly LineBook[];
  readonly recent: RecentCharges;
  readonly matches: Matches;
}

/**
 * The books of new lines in force, with their spending; what running calls hold is the caller's to add. Lines that share an id (one for
 * everybody, one for a named few) each have a book with the same spending.
 *
 * @throws LedgerBehind, Error when new lines cannot be loaded; the books of before are unchanged then
 */
export function adoptLines(adoption: Adoption): LineBook[] {
  const { lines, loaded, before, recent } = adoption;
  const free = Map.groupBy(before, ({ line }) => line.id);
  const fresh = lines.filter(({ id }) => !free.has(id));
  if (fresh.length > 0 && loaded.seq < recent.forgotten) throw new LedgerBehind(loaded.seq, recent.forgotten);
  const started = new Map(fresh.map((line) => [line, loadedBook(line, adoption)]));
  const kept = new Map(before.map((book) => [book.line.id, book]));
  return lines.map((line) => {
    const book = started.get(line) ?? free.get(line.id)?.shift() ?? kept.get(line.id)?.copyFor(line);
    if (book === undefined) throw new Error(`budget ${line.id} has no book`);
    book.line = line;
    return book;
  });
}

function loadedBook(line: BudgetLine, { loaded, recent, matches }: Adoption): LineBook {
  const sums = loaded.spent.get(line.id);
  // Starting a budget at zero because nobody looked would give its money out twice.
  if (sums === undefined) throw new Error(`the spending of budget ${line.id} was not loaded`);
  const all = [...sums];
  for (const { facts, micros } of recent.after(loaded.seq)) {
    const subject = chargedSubject(line, facts, matches);
    if (subject !== null) all.push({ subject, period: periodOf(facts.day, line.period), micros });
  }
  const book = new LineBook(line, loaded.seq);
  // In the order of time: of a long history the book keeps the last periods only.
  all.sort((a, b) => (a.period === b.period ? 0 : a.period < b.period ? -1 : 1));
  for (const { subject, period, micros } of all) book.load(subject, period, micros);
  return book;
}
