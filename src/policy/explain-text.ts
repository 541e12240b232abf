import { printable } from '../kernel/text.ts';
import type { BudgetVerdict, Explanation, RateVerdict, RuleVerdict } from './explain.ts';
import type { Mode } from './model.ts';
import { partyName, placeLine, section, usdPer } from './wording.ts';

/** An explanation for a terminal: the verdict in a sentence, the line that decides, why the others do not, what would count it. */
export function formatExplanation(explanation: Explanation): string[] {
  const { decision, deciding, rules, mode } = explanation;
  const lines = [`${verdict(explanation)}: ${printable(decision.reason)}.`];
  lines.push(deciding === null ? 'No line of the policy decides.' : `Decided by ${placeLine(deciding)}`);
  if (decision.because !== null) lines.push(`Because: ${printable(decision.because)}`);
  if (mode === 'observe')
    lines.push('The whole policy only observes: it records what it would refuse, and refuses nothing.');
  for (const { code, rule } of decision.observed)
    lines.push(`Would be refused by ${rule} (${code}) if it were enforced.`);
  const others = rules.filter((rule) => rule.standing !== 'decides');
  return [
    ...lines,
    ...section('Other rules:', otherLines(others)),
    ...section('Budgets that count it:', explanation.budgets.map(budgetLine)),
    ...section('Rates that count it:', explanation.rates.map(rateLine)),
  ];
}

/** Rules that do not match are told up to so many; a long policy would bury what matters. */
const MOST_UNMATCHED = 20;

function otherLines(others: readonly RuleVerdict[]): string[] {
  const matching = others.filter(({ matched }) => matched);
  const rest = others.filter(({ matched }) => !matched);
  const shown = new Set([...matching, ...rest.slice(0, MOST_UNMATCHED)]);
  const left = others.length - shown.size;
  const lines = others.filter((rule) => shown.has(rule)).map(ruleLine);
  return left === 0 ? lines : [...lines, `and ${left} more that do not match.`];
}

function verdict({ subject, resource, decision }: Explanation): string {
  const who = partyName(subject);
  const what = `${resource.kind === 'model' ? 'call' : 'use'} ${printable(resource.name)}`;
  const uses = decision.maxUses === null ? '' : ` (at most ${decision.maxUses} uses in a call)`;
  switch (decision.effect) {
    case 'allow':
      return `${who} may ${what}${uses}`;
    case 'ask':
      return `${who} needs an approval to ${what}`;
    case 'deny':
      return `${who} may not ${what}`;
  }
}

function ruleLine({ place, matched, why }: RuleVerdict): string {
  return `${placeLine(place)}. ${matched ? 'Matches, but' : 'Does not match:'} ${why}.`;
}

function budgetLine({ place, counter, limit, period, mode }: BudgetVerdict): string {
  return `${placeLine(place)}; here ${usdPer(limit, period)}, counted for ${printable(counter)}${observing(mode)}`;
}

function rateLine({ place, counter, mode }: RateVerdict): string {
  return `${placeLine(place)}, counted for ${printable(counter)}${observing(mode)}`;
}

function observing(mode: Mode): string {
  return mode === 'observe' ? ' (only observes)' : '';
}
