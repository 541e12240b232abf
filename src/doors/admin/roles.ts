import { z } from 'zod';
import type { PartyRow } from '../../store/ports.ts';
import { actorOf } from './auth.ts';
import { ROLES } from './permissions.ts';
import { personParams } from './person-view.ts';
import { changing, tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, named, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, ERASED, isActive, pageOf } from './view.ts';

const tags = ['roles'];
const ASSIGNABLE = ['admin', 'auditor', 'member'] as const;

const RoleHeld = named(
  'RoleHeld',
  z.object({
    person: described(z.string(), 'Id of the person.'),
    email: z.string(),
    role: described(z.enum(ROLES), 'The highest that counts.'),
    reason: described(z.string(), 'What gives it: the directory, or a line of the policy.'),
    assigned: described(z.enum(['primary_owner', ...ASSIGNABLE]), 'What the directory gives by itself.'),
    leads: described(z.array(z.object({ id: z.string(), name: z.string().nullable() })), 'Teams that they lead.'),
    active: described(
      z.boolean(),
      'False while disabled, and for a guest whose time is over: nothing of theirs works.',
    ),
  }),
  'What somebody may do with Gatehouse, and why.',
);

/** `/roles`: who has which role, and why. */
export function roleRoutes(app: AdminApp, services: AdminServices): void {
  listRoute(app, services);
  showRoute(app, services);
  setRoute(app, services);
}

function showRole(services: AdminServices, view: DirectoryView, row: PartyRow): z.infer<typeof RoleHeld> {
  const { role, reason, leads } = services.standing(row.id);
  return {
    person: row.id,
    email: row.name ?? ERASED,
    role,
    reason,
    assigned: row.role,
    leads: [...leads].map((id) => ({ id, name: view.nameOf(id) })),
    active: isActive(row, services.clock.now()),
  };
}

function listRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/roles',
    {
      config: { permission: 'roles.read' },
      schema: {
        operationId: 'listRoles',
        tags,
        summary: 'List who has which role, and why',
        description: 'The people added last first. Members only when asked for; erased people never.',
        querystring: z.strictObject({
          ...paging(500),
          role: described(z.enum(ROLES).optional(), 'Only people whose highest role this is.'),
        }),
        response: answers([200, z.object({ roles: z.array(RoleHeld), cursor: nextCursor })]),
      },
    },
    async ({ query }) => {
      const view = new DirectoryView(await services.directory());
      const rows = view.people.filter(({ id, erasedAt }) => {
        if (erasedAt !== null) return false;
        const { role } = services.standing(id);
        return query.role === undefined ? role !== 'member' : role === query.role;
      });
      const page = pageOf(rows, query);
      return { roles: page.rows.map((row) => showRole(services, view, row)), cursor: page.cursor };
    },
  );
}

function showRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/people/:id/role',
    {
      config: { permission: 'roles.read' },
      schema: {
        operationId: 'getRole',
        tags,
        summary: 'Show what somebody may do, and why',
        description: 'By id or e-mail address.',
        params: personParams,
        response: answers([200, RoleHeld], 404),
      },
    },
    async ({ params }, reply) => tagged(reply, await readRole(services, params.id)),
  );
}

async function readRole(services: AdminServices, idOrEmail: string): Promise<z.infer<typeof RoleHeld>> {
  const view = new DirectoryView(await services.directory());
  return showRole(services, view, view.person(idOrEmail));
}

function setRoute(app: AdminApp, services: AdminServices): void {
  app.put(
    '/people/:id/role',
    {
      config: { permission: 'roles.write', matches: true },
      schema: {
        operationId: 'setRole',
        tags,
        summary: 'Assign a role',
        description:
          'In the directory; in force when it is answered. The policy can give a higher one, which this does not take away. The primary ' +
          'owner changes by POST /api/owner/transfer alone.',
        params: personParams,
        body: z.strictObject({ role: z.enum(ASSIGNABLE), reason }),
        response: answers([200, RoleHeld], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id: person } = new DirectoryView(await services.directory()).person(request.params.id);
      const { role, reason: why = null } = request.body;
      const actor = actorOf(request);
      // Whoever takes a role from themselves by mistake could not give it back.
      if (person === actor) throw new AdminProblem('second_person_needed', 'Nobody changes their own role.');
      await changing(request, {
        thing: person,
        shown: () => readRole(services, person),
        change: () => services.changes.setRole({ actor, person, role, reason: why }),
      });
      return tagged(reply, await readRole(services, person));
    },
  );
}
