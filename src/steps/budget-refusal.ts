import { type ErrorCode, Refusal } from '../kernel/errors.ts';
import { sixDigits } from '../kernel/units.ts';
import type { Position, Refused } from '../limits/ledger-types.ts';
import { periodEnd } from '../limits/periods.ts';
import type { BudgetLine, Period } from '../policy/model.ts';
import type { Exchange } from './exchange.ts';
import { blockHeaders } from './limit-headers.ts';
import type { Services } from './services.ts';
import { whom } from './whom.ts';

const A_PERIOD: Readonly<Record<Period, string>> = {
  day: ' a day',
  week: ' a week',
  month: ' a month',
  lifetime: '',
};

const CODES: Readonly<Record<Refused['kind'], ErrorCode>> = {
  spent: 'budget_spent',
  unbounded: 'budget_unbounded',
  no_room: 'budget_short',
};

/** A strict budget holds the most a call can cost, the others what calls of its model usually do. */
const COULD = { strict: 'could', estimate: 'is expected to' } as const;

/** Tells which budget is spent, for whom, when it begins anew, and what to do, in the operator's words where there are some. */
export function budgetRefusal(x: Exchange, s: Services, refused: Omit<Refused, 'refused'>): Refusal {
  const { kind, fitsLater, amount, at } = refused;
  const code = fitsLater ? 'budget_held' : CODES[kind];
  const reset = resetOf(x, at.line);
  const left = Math.max(0, at.limit + at.extra - at.spent);
  return new Refusal(code, {
    fields: { ...wordsOf(x, at), amount: dollars(amount ?? 0), could: COULD[at.line.hold], left: dollars(left) },
    detail: `spent ${at.spent}, held ${at.reserved}, limit ${at.limit} + ${at.extra}, asked ${amount} micro-dollars`,
    rule: at.line.place.path,
    headers: code === 'budget_spent' || code === 'budget_short' ? blockHeaders(at, reset) : [],
    ...waitFor(code, { reset, now: s.clock.now() }),
  });
}

/** The refusal of a running answer under which a budget was spent. */
export function budgetEnded(x: Exchange, at: Position): Refusal {
  return new Refusal('budget_ended', { fields: wordsOf(x, at), rule: at.line.place.path });
}

function wordsOf(x: Exchange, { line, limit, extra }: Position): Record<string, string> {
  const reset = resetOf(x, line);
  const zone = x.governance.value.policy?.timeZone ?? 'UTC';
  return {
    limit: `${dollars(limit + extra)}${A_PERIOD[line.period]}`,
    whom: whom(line.scope),
    resets: reset === null ? '' : `; it resets on ${dateIn(reset, zone)}`,
    remedy: line.whenSpent ?? 'Ask your platform team.',
  };
}

/** When the budget's period ends, milliseconds; null for one that never does. */
export function resetOf(x: Exchange, line: BudgetLine): number | null {
  return periodEnd(x.party.value.booking.day, line.period, x.governance.value.policy?.timeZone ?? 'UTC');
}

/** Seconds until it helps to try again: for the end of calls a few, for a new period many, so that no client waits for it. */
function waitFor(code: ErrorCode, { reset, now }: { reset: number | null; now: number }): { retryAfter?: number } {
  if (code === 'budget_held') return { retryAfter: 5 };
  if (reset === null || code === 'budget_unbounded') return {};
  return { retryAfter: Math.max(1, Math.ceil((reset - now) / 1000)) };
}

/** `$1,234.56`, exactly; small amounts with what they need. */
function dollars(micros: number): string {
  const [whole = '0', rest = ''] = sixDigits(micros).split('.');
  const small = micros < 10_000;
  return `$${Number(whole).toLocaleString('en-US')}.${small ? rest.replace(/0{1,4}$/, '') : rest.slice(0, 2)}`;
}

function dateIn(at: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone }).format(at);
}
