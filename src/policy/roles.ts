import { showPath } from '../kernel/config/document.ts';
import type { CompiledPolicy, Subject, SubjectPattern } from './model.ts';
import { applying, type Comparable, comparable, showForCaller } from './subjects.ts';

/** What the policy makes of one person. */
export interface PolicyStanding {
  readonly role: 'admin' | 'auditor' | 'team_lead' | 'member';
  /** The rule that says so, and where it stands; names no person: `identity.roles.admin names whoever is in group okta/admins`. */
  readonly reason: string;
  /** Names of the teams that the person leads, whatever the role is, in the order of the document. */
  readonly leads: readonly string[];
}

type Who = Pick<Subject, 'id' | 'name' | 'groups' | 'teams'>;

/** The highest role that the policy gives this person: admin, auditor, lead of a team, member. Groups are those of the last sign-in. */
export function standing(policy: Pick<CompiledPolicy, 'identity' | 'teams'>, who: Who): PolicyStanding {
  const person = comparable({ ...who, kind: 'person', key: '', team: null });
  const led = [...policy.teams.values()].flatMap((team) => {
    const rule = applying(team.leads, person);
    return rule === null ? [] : [{ team, rule }];
  });
  const leads = led.map(({ team }) => team.name);
  for (const role of ['admin', 'auditor'] as const) {
    const reason = reasonFor(policy.identity.roles[role], ['identity', 'roles', role], person);
    if (reason !== null) return { role, reason, leads };
  }
  const [first] = led;
  if (first === undefined) return { role: 'member', reason: 'no rule of the policy gives another role', leads };
  const { team, rule } = first;
  const key = rule.kind === 'person' && rule.id === team.lead ? 'lead' : 'leads';
  return { role: 'team_lead', reason: words(['teams', team.name, key], rule), leads };
}

function reasonFor(rules: readonly SubjectPattern[], path: readonly string[], person: Comparable): string | null {
  const rule = applying(rules, person);
  return rule === null ? null : words(path, rule);
}

function words(path: readonly string[], rule: SubjectPattern): string {
  return `${showPath(path)} names ${showForCaller(rule)}`;
}
