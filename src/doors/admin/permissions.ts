import type { Principal, Role } from '../../identity/principal.ts';
import { AdminProblem } from './problems.ts';

/**
 * How far a role reaches with a permission. `all`: everybody and everything. `team`: what belongs to the teams that the caller leads.
 * `own`: what is the caller's own. `none`: nothing.
 */
export type ReachName = 'all' | 'team' | 'own' | 'none';

/** Highest first, in the order of the columns below. */
export const ROLES = ['primary_owner', 'admin', 'auditor', 'team_lead', 'member'] as const satisfies readonly Role[];

/**
 * The one table of who may do what here. What a role may not, no route lets it; a new permission is decided here for every role.
 *
 * Auditors read everything but content: what people said is for whoever must act on it, and each reading stands in the trail that
 * auditors review.
 */
const TABLE = {
  //                owner, admin, auditor, team lead, member
  'account.read': ['own', 'own', 'own', 'own', 'own'],
  'account.write': ['own', 'own', 'own', 'own', 'own'],
  'sessions.read': ['all', 'all', 'all', 'own', 'own'],
  'sessions.write': ['all', 'all', 'own', 'own', 'own'],
  'directory.read': ['all', 'all', 'all', 'team', 'none'],
  'directory.write': ['all', 'all', 'none', 'none', 'none'],
  'roles.read': ['all', 'all', 'all', 'none', 'none'],
  'roles.write': ['all', 'all', 'none', 'none', 'none'],
  'owner.write': ['all', 'none', 'none', 'none', 'none'],
  'identity.read': ['all', 'all', 'all', 'none', 'none'],
  'identity.write': ['all', 'all', 'none', 'none', 'none'],
  'keys.read': ['all', 'all', 'all', 'team', 'none'],
  'keys.write': ['all', 'all', 'none', 'team', 'none'],
  'stops.read': ['all', 'all', 'all', 'none', 'none'],
  'stops.write': ['all', 'all', 'none', 'none', 'none'],
  'grants.read': ['all', 'all', 'all', 'team', 'none'],
  'grants.write': ['all', 'all', 'none', 'team', 'none'],
  'policy.read': ['all', 'all', 'all', 'none', 'none'],
  'policy.write': ['all', 'all', 'none', 'none', 'none'],
  /** Prices, and budgets of the whole organization, in a policy that is applied. */
  'billing.write': ['all', 'none', 'none', 'none', 'none'],
  'budgets.read': ['all', 'all', 'all', 'team', 'none'],
  'usage.read': ['all', 'all', 'all', 'team', 'none'],
  'usage.rebuild': ['all', 'all', 'none', 'none', 'none'],
  'audit.read': ['all', 'all', 'all', 'none', 'none'],
  'content.read': ['all', 'all', 'none', 'none', 'none'],
  'events.read': ['all', 'all', 'all', 'none', 'none'],
  /** Health, and the metrics of the door that watches. */
  'system.read': ['all', 'all', 'all', 'none', 'none'],
  'system.backup': ['all', 'all', 'none', 'none', 'none'],
} as const satisfies Record<string, readonly [ReachName, ReachName, ReachName, ReachName, ReachName]>;

/** What a role may be given. */
export type Needed = keyof typeof TABLE;
/** What a route states. `public` routes need no credential. */
export type Permission = Needed | 'public';

/** How far this role reaches; a role that the table does not know reaches nothing. */
export function reachFor(role: Role, permission: Needed): ReachName {
  return TABLE[permission][ROLES.indexOf(role)] ?? 'none';
}

/** True where this role reaches everything. */
export function permits(role: Role, permission: Needed): boolean {
  return reachFor(role, permission) === 'all';
}

/**
 * For what is decided beside the routes of this door, such as who reads the metrics. The caller is verified, and its role the highest
 * that counts.
 *
 * @throws AdminProblem `role_required`
 */
export function mustPermit({ role }: Pick<Principal, 'role'>, permission: Needed): void {
  if (!permits(role, permission)) throw roleRequired(role, permission, ['all']);
}

/** The refusal, with the roles that would do: those that reach as far as one of `reaches`. */
export function roleRequired(role: Role, permission: Needed, reaches: readonly ReachName[]): AdminProblem {
  const roles = ROLES.filter((one) => reaches.includes(reachFor(one, permission))).map(nameOf);
  const wanted = roles.length === 1 ? `the ${roles[0]}` : `one of: ${roles.join(', ')}`;
  return new AdminProblem('role_required', `This is for ${wanted}. Your role is ${nameOf(role)}.`);
}

function nameOf(role: Role): string {
  return role.replace('_', ' ');
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required on every route below /api; the door refuses to start with a route that has none. */
    permission?: Permission;
    /** The handler shows and changes only what `reachOf` gives. Without it, whoever reaches less than everything is refused. */
    narrows?: boolean;
    /** A POST that changes nothing: what it is asked is too large for an address. It takes no idempotency key. */
    asks?: boolean;
    /** The handler compares `if-match`; elsewhere the header is refused rather than passed over. */
    matches?: boolean;
  }
}
