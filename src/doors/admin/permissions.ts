import type { Role } from '../../identity/principal.ts';

/** What a route of this door may need. `public` routes need no token. */
export const PERMISSIONS = [
  'public',
  'directory.read',
  'directory.write',
  'keys.read',
  'keys.write',
  'stops.read',
  'stops.write',
  'grants.read',
  'grants.write',
  'policy.read',
  'policy.write',
  'budgets.read',
  'audit.read',
  'content.read',
  'usage.read',
  'usage.rebuild',
  'system.read',
  'system.backup',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** True when this role may do it. Only owners may use the admin API for now. */
export function permits(role: Role, permission: Permission): boolean {
  return permission === 'public' || role === 'owner';
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Required on every route below /api; the door refuses to start with a route that has none. */
    permission?: Permission;
  }
}
