import { z } from 'zod';
import type { ConfigPath } from '../kernel/config/document.ts';
import { exactProduct } from '../kernel/units.ts';
import { mode } from './access.ts';
import { type Context, checkTeam } from './context.ts';
import type { BudgetLine, Counted, Period, Scope } from './model.ts';
import { compileScope, scopeKeys, scopeText } from './scopes.ts';
import { parseSubject } from './subjects.ts';
import { exactlyOne, oneRequired, plainText } from './text.ts';

const MONEY = /^(\d{1,10}(?:\.\d{1,6})?) USD(?:\/(day|week|month|lifetime))?$/;
const MONEY_HINT =
  'write an amount in USD and its period (day, week or month), such as "300 USD/month", or "100 USD" for all time; at most 6 decimals';

export interface Money {
  readonly text: string;
  /** Micro-dollars. */
  readonly micros: number;
  readonly period: Period;
}

/** Reads `300 USD/month`, `12.50 USD/day`, `100 USD` (for all time), exact to the micro-dollar; null for anything else. */
export function parseMoney(text: string): Money | null {
  const [, amount = '', period = 'lifetime'] = MONEY.exec(text) ?? [];
  const micros = exactProduct(amount, 1_000_000);
  return micros === null ? null : { text, micros, period: period as Period };
}

const money = z
  .string({ error: (issue) => (issue.input === undefined ? undefined : MONEY_HINT) })
  .max(60)
  .transform((text, context): Money => {
    const read = parseMoney(text.trim());
    if (read !== null) return read;
    context.addIssue({ code: 'custom', message: MONEY_HINT });
    return z.NEVER;
  });

const PERCENT_HINT = 'write a share of the limit, such as "80%"';

const percent = z
  .string({ error: PERCENT_HINT })
  .max(20)
  .transform((text, context) => {
    const share = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text.trim())?.[1];
    const fraction = Number(share) / 100;
    if (share !== undefined && fraction > 0 && fraction <= 1) return fraction;
    context.addIssue({ code: 'custom', message: PERCENT_HINT });
    return z.NEVER;
  });

const DEFAULT_WARN = [0.75, 0.95];

/** An entry of `budgets`. */
export const budgetSchema = z
  .strictObject({
    ...scopeKeys,
    limit: money.describe(
      'Most that may be spent: `300 USD/month`, `/week` (ISO, from Monday), `/day`, or `100 USD` for all time. 0 blocks.',
    ),
    except: z
      .record(z.string(), money)
      .optional()
      .describe('Other limits, of the same period, for some of `each`: `{ research: 12000 USD/month }`.'),
    hold: z
      .enum(['strict', 'estimate'])
      .default('estimate')
      .describe(
        '`strict` holds what a call can cost at most and is never passed; `estimate` holds what calls usually cost.',
      ),
    warn: z
      .array(percent)
      .max(10)
      .optional()
      .describe('Shares of the limit at which people are told. Default 75% and 95%.'),
    when_spent: plainText(300).optional().describe('What to do when it is spent: shown to whoever is refused.'),
    at_cap: z
      .enum(['finish', 'end'])
      .default('finish')
      .describe('What becomes of a running answer when the budget is spent under it.'),
    mode: mode.default('enforce').describe('`observe` records what the budget would have refused and refuses nothing.'),
  })
  .superRefine(exactlyOne(['each', 'for'], 'each and for'))
  .meta(oneRequired(['each', 'for']));

type BudgetEntry = z.output<typeof budgetSchema>;

/** The budget of an entry of `budgets`. */
export function compileBudget(entry: BudgetEntry, path: ConfigPath, context: Context): BudgetLine {
  const counted = compileScope(entry, path, context);
  const { micros, period, text } = entry.limit;
  const suffix = `, hold ${entry.hold}${entry.mode === 'observe' ? ', observing' : ''}`;
  return {
    ...counted,
    place: context.place(path, `${scopeText(entry)}: ${text}${suffix}`),
    mode: entry.mode,
    id: budgetId(counted, period),
    period,
    limit: micros,
    except: compileExcept(entry, path, context),
    hold: entry.hold,
    warn: [...new Set(entry.warn ?? DEFAULT_WARN)].sort((a, b) => a - b),
    whenSpent: entry.when_spent ?? null,
    atCap: entry.at_cap,
  };
}

/**
 * The name under which spending is found again in later revisions: `team/month`, `person/day/claude-opus-*`. Entries for named ones
 * (`for: team research`) share `named team/month`: their counters differ by whom they count, and no person's name may stand in a
 * record (P7).
 */
export function budgetId({ scope, only, models }: Counted, period: Period): string {
  const id = `${only === null ? '' : 'named '}${scope}/${period}`;
  return models === null ? id : `${id}/${[...models].sort().join(',')}`;
}

function compileExcept(entry: BudgetEntry, path: ConfigPath, context: Context): Map<string, number> {
  const limits = new Map<string, number>();
  for (const [written, { micros, period }] of Object.entries(entry.except ?? {})) {
    const own = [...path, 'except', written];
    if (entry.each === undefined) context.fault(own, 'belongs to `each`; write an entry of its own');
    if (period !== entry.limit.period) context.fault(own, 'must be of the same period as the limit');
    const name = exceptName(entry.each ?? 'team', written);
    if (name === null) context.fault(own, EXCEPT_HINTS[entry.each ?? 'team']);
    else if (limits.has(name)) context.fault(own, 'is given twice: names are compared in lower case');
    else {
      if (entry.each === 'team') checkTeam(name, own, context);
      else if (entry.each !== 'model' && entry.each !== undefined) context.named(entry.each, name, own);
      limits.set(name, micros);
    }
  }
  return limits;
}

type Each = Exclude<Scope, 'organization'>;

const EXCEPT_HINTS: Readonly<Record<Each, string>> = {
  team: 'write the name of a team',
  person: 'write an e-mail address or per_…',
  service: 'write the name of a service or svc_…',
  key: 'write key_…',
  model: 'write the name of a model, without *',
};

/** As the limits look it up: in lower case. Models' names are compared as they are. */
function exceptName(each: Each, written: string): string | null {
  if (each === 'model') return /^[A-Za-z0-9][\w.:@/[\]-]{0,127}$/.test(written) ? written : null;
  const prefixed = parseSubject(`${each} ${written}`);
  return prefixed !== null && prefixed.kind === each ? prefixed.id : null;
}
