import { ROLES, type Role } from '../../identity/principal.ts';
import { fold } from '../../kernel/text.ts';
import { standing } from '../../policy/roles.ts';
import { subjectOf } from '../../steps/attribute.ts';
import type { Governance } from '../../steps/governance.ts';

/** What somebody may do with Gatehouse, and why. */
export interface Standing {
  readonly role: Role;
  /** For people to read, such as `group okta/platform-admins`. */
  readonly reason: string;
  /** Ids of the teams they lead, whatever their role is. */
  readonly leads: ReadonlySet<string>;
}

/** The highest of what the directory and the policy give this party. Nobody unknown has any role but `member`. */
export function standingOf(governance: Governance, id: string): Standing {
  const { directory, policy } = governance;
  const row = directory.parties.get(id);
  const leads = new Set<string>();
  if (row === undefined || row.kind === 'service') return { role: 'member', reason: 'no other rule', leads };
  const own: Standing = {
    role: row.role,
    reason: row.role === 'member' ? 'everybody is one' : 'assigned in the directory',
    leads,
  };
  // A guest is nobody's admin, whatever team or group they were put into.
  if (policy === null || row.endsAt !== null) return own;
  const principal = { kind: row.kind, id, keyTeam: null, credential: { id: '' } };
  const { subject } = subjectOf({ principal, governance, asked: undefined });
  const given = standing(policy, subject);
  for (const team of given.leads) {
    const found = directory.teamsByName.get(fold(team));
    if (found !== undefined) leads.add(found.id);
  }
  return ROLES.indexOf(given.role) < ROLES.indexOf(own.role) ? { role: given.role, reason: given.reason, leads } : own;
}
