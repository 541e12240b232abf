import { printable } from '../kernel/text.ts';
import type { ReplayResult } from './replay.ts';
import type { BudgetReplayResult, PassedBudget } from './replay-budgets.ts';
import type { RateReplayResult } from './replay-rates.ts';
import type { TallyResult, Turned } from './replay-tally.ts';
import type { Group, Top } from './top-groups.ts';
import { partyName, placeLine, usd, usdPer, utc } from './wording.ts';

/** A replay for a terminal: decisions, then budgets, then rates. Times are UTC. */
export function formatReplay({ decisions, budgets, rates }: ReplayResult): string[] {
  return [...decisionLines(decisions), ...budgetLines(budgets), ...rateLines(rates)];
}

function decisionLines({ seen, newlyRefused, newlyAllowed, unchanged, observed }: TallyResult): string[] {
  const lines = [
    `${seen} calls seen: ${newlyRefused.calls} newly refused by rules, ${newlyAllowed.calls} newly allowed, ${unchanged} unchanged.`,
  ];
  if (observed > 0) lines.push(`${observed} calls would be refused if what only observes were enforced.`);
  return [...lines, ...turnedLines('Newly refused', newlyRefused), ...turnedLines('Newly allowed', newlyAllowed)];
}

function turnedLines(title: string, { calls, byRule, byPerson }: Turned): string[] {
  if (calls === 0) return [];
  const rules = groupLines(byRule, ({ rule, text }) =>
    rule === null ? printable(text) : `${rule}: ${printable(text)}`,
  );
  return ['', `${title}, by rule:`, ...rules, `${title}, by caller:`, ...groupLines(byPerson, partyName)];
}

function groupLines<T>({ groups, rest }: Top<T>, name: (of: T) => string): string[] {
  const lines = groups.map((group) => `  ${name(group.of)}: ${times(group)}`);
  return rest > 0 ? [...lines, `  and ${rest} more calls`] : lines;
}

function times({ count, first, last }: Group<unknown>): string {
  return count === 1 ? `once, ${utc(first)}` : `${count} times, ${utc(first)} to ${utc(last)}`;
}

function budgetLines({ passed, rest }: BudgetReplayResult): string[] {
  if (passed.length === 0) return ['', 'No budget would have been passed.'];
  const more = rest > 0 ? [`  and ${rest} more`] : [];
  return ['', 'Budgets that would have been passed:', ...passed.map((budget) => `  ${budgetLine(budget)}`), ...more];
}

function budgetLine({ place, mode, counter, window, ...budget }: PassedBudget): string {
  const since = window === '' ? '' : ` from ${window}`;
  const sums = `passed ${utc(budget.at)}; ${usd(budget.spent)} spent of ${usdPer(budget.limit, budget.period)}`;
  const late =
    mode === 'observe'
      ? `${budget.late} calls after it, none refused: it only observes`
      : `${budget.late} calls refused`;
  return `${placeLine(place)}, ${printable(counter)}${since}: ${sums}; ${late}`;
}

function rateLines({ over }: RateReplayResult): string[] {
  if (over.groups.length === 0) return ['', 'No rate would have been passed.'];
  const lines = groupLines(over, ({ rule, measure, limit, counter, mode }) => {
    const what = measure === 'requests' ? 'requests' : 'token counts';
    return `${rule}, ${printable(counter)}, over ${limit} ${what}/min${mode === 'observe' ? ' (only observes)' : ''}`;
  });
  return ['', 'Rates that would have been passed:', ...lines];
}
