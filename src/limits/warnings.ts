import type { BudgetLine } from '../policy/model.ts';
import { type CallFacts, limitFor, nameFor } from './counters.ts';
import type { Warning } from './ledger-types.ts';
import type { Counter } from './line-book.ts';

export interface Spending {
  /** As it stands after the charge; what is told is noted in it. */
  readonly counter: Counter;
  /** What was spent before the charge, micro-dollars. */
  readonly before: number;
  readonly facts: CallFacts;
}

/**
 * The marks of the line that its counter has passed and nobody was told of. Fractions of the limit without grants: the warning is about
 * the budget as written.
 */
export function warningsOf(line: BudgetLine, { counter, before, facts }: Spending): Warning[] {
  const { subject, period, spent } = counter;
  const limit = limitFor(line, { subject, name: nameFor(line.scope, facts) });
  if (limit <= 0 || line.warn.length === 0) return [];
  const passed = (money: number) => line.warn.filter((mark) => money >= Math.max(1, Math.round(mark * limit)));
  const told = counter.told ?? passed(before);
  const news = passed(spent).filter((mark) => !told.includes(mark));
  counter.told = news.length > 0 || counter.told === null ? [...told, ...news] : told;
  return news.map((mark) => ({ line, subject, mark, period }));
}
