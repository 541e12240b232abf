import { fold } from '../kernel/text.ts';
import type { CompiledPolicy, Subject } from './model.ts';
import { groupSet } from './subjects.ts';

/**
 * The teams that the policy puts this party in, each once: those that list its name, then its id, then its groups, each in the order
 * of the document. `name` in lower case.
 */
export function policyTeams(
  policy: Pick<CompiledPolicy, 'memberships' | 'teams'>,
  { id, name, groups }: Pick<Subject, 'id' | 'name' | 'groups'>,
): readonly string[] {
  const named = name === null ? undefined : policy.memberships.get(name);
  const byId = policy.memberships.get(id);
  const byGroup = groups.length === 0 ? [] : teamsOfGroups(policy, groups);
  return onceEach([...(named ?? []), ...(byId ?? []), ...byGroup]);
}

/** Names of teams without those that differ only in case from an earlier one. */
export function onceEach(teams: readonly string[]): readonly string[] {
  if (teams.length < 2) return teams;
  const seen = new Set<string>();
  return teams.filter((team) => !seen.has(fold(team)) && seen.add(fold(team)));
}

const listed = new WeakMap<object, readonly (readonly [group: string, team: string])[]>();

/** Walks through the groups that the policy names, worked out once a policy: somebody may be in thousands. */
function teamsOfGroups(policy: Pick<CompiledPolicy, 'teams'>, groups: readonly string[]): string[] {
  const known = listed.get(policy.teams);
  const pairs =
    known ??
    [...policy.teams.values()].flatMap(({ name, groups: own }) =>
      own.flatMap((pattern) => (pattern.kind === 'group' ? [[pattern.id, name] as const] : [])),
    );
  if (known === undefined) listed.set(policy.teams, pairs);
  const mine = groupSet(groups);
  return pairs.filter(([group]) => mine.has(group)).map(([, team]) => team);
}
