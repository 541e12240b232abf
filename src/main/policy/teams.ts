import { fold } from '../../kernel/text.ts';
import type { CompiledPolicy, Subject } from '../../policy/model.ts';
import { covers, overlap } from '../../policy/patterns.ts';
import { applies } from '../../policy/subjects.ts';
import type { DoorParts } from '../doors.ts';
import { budgetReport } from './budgets.ts';

/**
 * What is left of a team's own limits now, micro-dollars: the least over its enforced budgets that count every model. Null where the
 * policy has no such budget.
 */
export function teamHeadroom(parts: DoorParts, team: string): number | null {
  const left = budgetReport(parts)
    .counters.filter(({ line, subject }) => line.scope === 'team' && subject === team)
    .filter(({ line }) => line.models === null && line.mode === 'enforce')
    .map(({ limit, extra, spent, reserved }) => Math.max(0, limit + extra - spent - reserved));
  return left.length === 0 ? null : Math.min(...left);
}

/**
 * Whether the policy in force lets a team as such, not one of its people, use or ask for every model that a name or pattern can mean. What
 * cannot be told for a pattern as a whole is no.
 */
export function teamMayAsk({ governance, clock }: DoorParts, team: string, models: string): boolean {
  const { policy, directory } = governance.keeper.current;
  const name = directory.teams.get(team)?.name;
  if (policy === null || name === undefined) return false;
  const subject: Subject = { kind: 'person', id: '', name: null, key: '', teams: [name], team: name, groups: [] };
  const now = clock.now();
  const resource = { kind: 'model', name: models } as const;
  if (!models.includes('*')) return policy.decide({ subject, resource, now }).effect !== 'deny';
  return ceilingCovers(policy, models) && rulesCover(policy, { subject, models, now });
}

function ceilingCovers({ ceiling }: CompiledPolicy, models: string): boolean {
  return ceiling === null || ceiling.patterns.some((pattern) => covers(fold(pattern), fold(models)));
}

function rulesCover(
  { rules }: CompiledPolicy,
  { subject, models, now }: { readonly subject: Subject; readonly models: string; readonly now: number },
): boolean {
  const own = rules.filter(
    ({ resource, to, until, mode }) =>
      resource === 'model' && mode === 'enforce' && (until === null || now < until) && applies(to, subject),
  );
  const denied = own.some(({ effect, patterns }) => effect === 'deny' && patterns.some((one) => overlap(one, models)));
  if (denied) return false;
  return own.some(({ effect, patterns }) => effect !== 'deny' && patterns.some((one) => covers(one, models)));
}
