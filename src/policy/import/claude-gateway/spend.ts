import { dollars } from '../amounts.ts';
import type { BudgetDraft, Draft } from '../draft.ts';
import { looksSecret, quoted } from '../hidden.ts';
import type { Entry } from '../source.ts';

type CalendarPeriod = 'day' | 'week' | 'month';

const PERIODS: ReadonlyMap<string, CalendarPeriod> = new Map([
  ['daily', 'day'],
  ['weekly', 'week'],
  ['monthly', 'month'],
]);

const ADDRESS = /^[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}$/;
/** What the admin API answers beside the limit itself: says nothing that a policy holds. */
const ANSWER = ['id', 'type', 'created_at', 'updated_at', 'has_more', 'first_id', 'last_id', 'next_page'];

export interface SpendContext {
  readonly draft: Draft;
  readonly teamOf: (group: string) => string;
  /** `admin.blocked_message`. */
  readonly message: Entry;
}

/**
 * Translates limits as the admin API answers them: a limit of the organization is a default for each person, that of a user an
 * exception from it. Order does not matter.
 */
export function spendLimits(lists: readonly Entry[], context: SpendContext): void {
  const limits = lists.flatMap((list) => list.items);
  if (limits.length === 0) return;
  const scopeOf = (entry: Entry) => entry.at('scope').at('type').value;
  const written = context.message.value;
  const whenSpent = typeof written === 'string' && !looksSecret(written) ? context.message.text() : null;
  for (const entry of limits.filter((limit) => scopeOf(limit) === 'organization')) everyone(entry, context, whenSpent);
  for (const entry of limits) {
    for (const field of ANSWER) entry.at(field).use();
    if (scopeOf(entry) === 'user') person(entry, context, whenSpent);
    if (scopeOf(entry) === 'rbac_group') group(entry, context);
  }
}

interface Amount {
  readonly limit: string;
  readonly period: CalendarPeriod;
}

/** Amount and period of an entry; null, noted, where it is unlimited or cannot be read. */
function amountOf(entry: Entry): Amount | null {
  const currency = entry.at('currency').text();
  const written = entry.at('period');
  const period = written.exists ? PERIODS.get(written.text() ?? '') : 'month';
  const amount = entry.at('amount');
  const cents = typeof amount.value === 'string' && !/^\d{1,12}$/.test(amount.value) ? null : amount.number();
  const limit = cents === null ? null : dollars(Math.floor(cents) / 100);
  entry.at('scope').at('type').use();
  if (!amount.exists) {
    entry.note(
      'untranslated',
      'is a limit without an amount: unlimited is what Gatehouse has where no budget counts a caller',
    );
    return null;
  }
  if (limit === null || period === undefined || (currency !== null && currency !== 'USD')) {
    entry.note('untranslated', 'is not a limit in whole cents of USD for a day, a week or a month');
    return null;
  }
  return { limit, period };
}

function line(amount: Amount, whom: { who: 'each' | 'for'; whom: string }, whenSpent: string | null): BudgetDraft {
  return { ...whom, models: null, ...amount, ...(whenSpent === null ? {} : { whenSpent }) };
}

function everyone(entry: Entry, { draft }: SpendContext, whenSpent: string | null): void {
  const amount = amountOf(entry);
  if (amount === null) return;
  if (!draft.budget(line(amount, { who: 'each', whom: 'person' }, whenSpent))) {
    entry.note('changed', 'a tighter limit for the same period was found and stays');
  }
}

function person(entry: Entry, { draft }: SpendContext, whenSpent: string | null): void {
  const id = entry.at('scope').at('user_id');
  const actor = entry.at('actor').at('email_address');
  const address = [actor.value, id.value].find((value) => typeof value === 'string' && ADDRESS.test(value));
  const amount = amountOf(entry);
  if (amount === null) return;
  if (typeof address !== 'string') {
    entry.note(
      'untranslated',
      'names a person by the id of the sign-in provider: add a budget or an exception by e-mail address',
    );
    return;
  }
  id.use();
  entry.at('actor').use();
  const common = draft.findBudget('each', 'person', amount.period);
  if (common === null) draft.budget(line(amount, { who: 'for', whom: `person ${address.toLowerCase()}` }, whenSpent));
  else
    draft.setBudget({ ...common, except: new Map([...(common.except ?? []), [address.toLowerCase(), amount.limit]]) });
}

/** The limit of a group is one for each of its members, which no line can say; its pool is the budget of a team. */
function group(entry: Entry, { draft, teamOf }: SpendContext): void {
  const id = entry.at('scope').at('rbac_group_id');
  const source = id.text();
  if (source === null) return;
  const team = teamOf(source);
  pool(entry.at('pooled_budget'), draft, team);
  const amount = amountOf(entry);
  if (amount === null) return;
  const period = amount.period === 'day' ? 'daily' : amount.period === 'week' ? 'weekly' : 'monthly';
  const message = `is a ${period} limit for each member of ${quoted(source)}, which one line cannot say: add the members to the except of the line "each: person"`;
  entry.at('amount').note('untranslated', message);
}

function pool(entry: Entry, draft: Draft, team: string): void {
  if (!entry.exists) return;
  for (const field of ['currency', 'period_to_date_spend']) entry.at(field).use();
  const amount = entry.at('amount');
  const cents = amount.number();
  const limit = cents === null ? null : dollars(Math.floor(cents) / 100);
  if (entry.at('paused').flag() === true || limit === null) {
    entry.note('untranslated', 'is a pool that is paused or has no amount: nothing was written for it');
    return;
  }
  draft.budget({ who: 'for', whom: `team ${team}`, models: null, limit, period: 'month' });
}
