import type { BudgetStanding, PolicyExplained } from '../../doors/admin/policy-services.ts';
import { printable } from '../../kernel/text.ts';
import { formatExplanation } from '../../policy/explain-text.ts';
import { moment, section, usd, utc } from '../../policy/wording.ts';

/** An explanation for a terminal: the answer of the gateway first, then the policy's reasons, then what lies over it. */
export function explanationLines(
  { code, explanation, stops, approvals, budgets }: Omit<PolicyExplained, 'lines' | 'revision'>,
  timeZone: string,
): string[] {
  const answer = code === null ? 'lets this call through' : `refuses this call (${code})`;
  return [
    `The gateway ${answer} now.`,
    ...section(
      'Stopped, over every policy:',
      stops.map(({ id, target, reason }) => `${target} ${id}: ${printable(reason)}`),
    ),
    '',
    ...formatExplanation(explanation),
    ...section(
      'Approvals in force:',
      approvals.map(({ id, models, endsAt }) => `${id}: ${printable(models ?? '')} until ${utc(endsAt)}`),
    ),
    ...section(
      'Where the budgets stand:',
      budgets.map((budget) => standing(budget, timeZone)),
    ),
  ];
}

function standing({ path, limit, granted, spent, held, resetsAt }: BudgetStanding, timeZone: string): string {
  const more = granted === 0 ? '' : ` + ${usd(granted)} granted`;
  const used = spent === null ? 'spending not known' : `${usd(spent)} spent, ${usd(held ?? 0)} held`;
  const resets = resetsAt === null ? '' : `; begins anew ${moment(resetsAt, timeZone)}`;
  return `${path}: ${used} of ${usd(limit)}${more}${resets}`;
}
