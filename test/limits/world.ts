/** People, lines and small helpers for the tests of budgets. */
import type { CallFacts } from '../../src/limits/counters.ts';
import { Ledger } from '../../src/limits/ledger.ts';
import type { Grants, Loaded, Warning } from '../../src/limits/ledger-types.ts';
import type { BudgetLine } from '../../src/policy/model.ts';
import { fits } from '../support/glob.ts';

export const noGrants: Grants = () => 0;

export function line(change: Partial<BudgetLine> = {}): BudgetLine {
  const scope = change.scope ?? 'organization';
  const period = change.period ?? 'month';
  const id = `${scope}/${period}${change.models ? `/${change.models.join(',')}` : ''}`;
  return {
    place: { path: 'budgets[0]', line: 1, text: id },
    scope,
    only: null,
    models: null,
    mode: 'enforce',
    id,
    period,
    limit: 1000,
    except: new Map(),
    hold: 'strict',
    warn: [],
    whenSpent: null,
    atCap: 'finish',
    ...change,
  };
}

export function facts(change: Partial<CallFacts> = {}): CallFacts {
  return {
    who: 'per_ada',
    kind: 'person',
    name: 'ada@example.com',
    key: 'key_1',
    team: 'tea_pay',
    teamName: 'Payments',
    model: 'claude-opus-5-5',
    day: '2026-11-24',
    ...change,
  };
}

/** Nothing was spent before. */
export function nothing(lines: readonly BudgetLine[], seq = 0): Loaded {
  return { seq, spent: new Map(lines.map(({ id }) => [id, []])) };
}

export function ledgerWith(
  lines: readonly BudgetLine[],
  onWarn?: (warning: Warning) => void,
  mostRecent = 100_000,
): Ledger {
  const ledger = new Ledger({
    matches: fits,
    since: 0,
    mostRecent,
    ...(onWarn === undefined ? {} : { onWarn }),
  });
  ledger.adopt(lines, nothing(lines));
  return ledger;
}
