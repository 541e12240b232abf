import { fold } from '../../kernel/text.ts';
import type { CompiledPolicy } from '../model.ts';
import { showSubject } from '../subjects.ts';
import { type SensitiveChange, section } from './change.ts';
import { isStrict } from './limits.ts';

/** A member whose teams changed: names of teams in lower case, in the order of the document. */
export interface Moved {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Everybody whom the policy puts into other teams than before. People whom only the directory puts there are not seen. */
export function movedMembers(before: CompiledPolicy, after: CompiledPolicy): Moved[] {
  const [old, now] = [teamsByMember(before), teamsByMember(after)];
  const members = new Set([...old.keys(), ...now.keys()]);
  return [...members]
    .map((member) => ({ before: old.get(member) ?? [], after: now.get(member) ?? [] }))
    .filter((moved) => moved.before.join('\n') !== moved.after.join('\n'));
}

function teamsByMember({ memberships, teams }: CompiledPolicy): Map<string, string[]> {
  const found = new Map([...memberships].map(([member, names]) => [member, names.map(fold)]));
  for (const { name, groups } of teams.values()) {
    for (const group of groups.map(showSubject)) found.set(group, [...(found.get(group) ?? []), fold(name)]);
  }
  return found;
}

/** Who leaves a team that something binds, or joins one that opens something. */
export function memberChanges(
  { before, after }: { readonly before: CompiledPolicy; readonly after: CompiledPolicy },
  moved: readonly Moved[],
): SensitiveChange[] {
  const bound = boundTeams(before);
  const charged = chargedTeams(before);
  const open = openTeams(after);
  const roles = new Set([...roleTeams(before), ...roleTeams(after)]);
  const place = section('teams');
  const found = new Map<string, SensitiveChange>();
  const add = (kind: SensitiveChange['kind'], message: string) => found.set(message, { kind, place, message });
  for (const { before: old, after: now } of moved) {
    const left = old.filter((team) => !now.includes(team));
    const joined = now.filter((team) => !old.includes(team));
    if (left.some((team) => bound.all || bound.teams.has(team))) {
      add('controls', 'a member leaves a team that a deny, an ask, a rate or a strict budget is for');
    }
    // Callers choose which of their teams is charged.
    if (joined.length > 0 && old.some((team) => charged.has(team))) {
      add('controls', 'a member of a team with a limit of its own can have another team charged');
    }
    if (joined.some((team) => open.has(team))) {
      add('controls', 'a member joins a team for which the provider may run or fetch something');
    }
    if ([...left, ...joined].some((team) => roles.has(team))) {
      add('credentials', 'the members of a team that has a role change');
    }
  }
  return [...found.values()];
}

/** Teams that a deny, an ask, a rate or a strict budget is for; `all` where each team has a limit. */
function boundTeams(policy: CompiledPolicy): { readonly all: boolean; readonly teams: ReadonlySet<string> } {
  const lines = linesOfTeams(policy);
  const rules = policy.rules.filter(({ mode, effect }) => mode === 'enforce' && effect !== 'allow');
  const named = [...rules.flatMap(teamsNamed), ...lines.flatMap(({ only }) => only ?? [])];
  return { all: lines.some(({ only }) => only === null), teams: new Set(named) };
}

/** Teams with a limit that not every other team has too. */
function chargedTeams(policy: CompiledPolicy): ReadonlySet<string> {
  const differs = policy.budgets.some((line) => isStrict(line) && line.scope === 'team' && line.except.size > 0);
  const named = linesOfTeams(policy).flatMap(({ only }) => only ?? []);
  return new Set(differs ? [...policy.teams.keys()].map(fold) : named);
}

function linesOfTeams({ rates, budgets }: CompiledPolicy) {
  return [...rates.filter(({ mode }) => mode === 'enforce'), ...budgets.filter(isStrict)].filter(
    ({ scope }) => scope === 'team',
  );
}

function openTeams({ rules }: CompiledPolicy): ReadonlySet<string> {
  const opens = rules.filter(
    ({ resource, mode, effect }) => resource === 'capability' && mode === 'enforce' && effect === 'allow',
  );
  return new Set(opens.flatMap(teamsNamed));
}

function roleTeams({ identity: { roles } }: CompiledPolicy): string[] {
  return [roles.admin, roles.auditor].flatMap((to) => teamsNamed({ to }));
}

function teamsNamed({ to }: Pick<CompiledPolicy['rules'][number], 'to'>): string[] {
  return to.flatMap((pattern) => (pattern.kind === 'team' ? [pattern.id] : []));
}
