import { z } from 'zod';
import { callerOf } from './auth.ts';
import { dropSession } from './browser.ts';
import { ROLES } from './permissions.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, isoOrNull } from './view.ts';

const tags = ['account'];

const OwnAccount = named(
  'OwnAccount',
  z.object({
    person: described(z.string(), 'Your id, `per_…`.'),
    email: z.string().nullable(),
    role: described(z.enum(ROLES), 'The highest that the directory, the policy and your groups give.'),
    role_reason: described(z.string(), 'Why you have it.'),
    team: described(z.string().nullable(), 'Id of the team that your calls are charged to where nothing else is said.'),
    team_name: z.string().nullable(),
    leads: described(z.array(z.object({ id: z.string(), name: z.string().nullable() })), 'Teams that you lead.'),
    credential: z.object({
      kind: described(z.enum(['admin', 'session']), 'What this request carried.'),
      id: described(z.string(), '`adm_…` or `ses_…`.'),
      expires_at: instant('When it ends.').nullable(),
    }),
    csrf: described(
      z.string().nullable(),
      'Of a session: send it as `x-gatehouse-csrf` with every change. Null with an admin token, which needs none.',
    ),
  }),
  'Who is calling.',
);

/** `/session`: who is calling, and the end of that in a browser. */
export function sessionRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/session',
    {
      config: { permission: 'account.read', narrows: true },
      schema: {
        operationId: 'getSession',
        tags,
        summary: 'Show who you are',
        description: 'With your role, why you have it, and the token that changes by this session must carry.',
        response: answers([200, OwnAccount]),
      },
    },
    async (request) => {
      const { principal, teams, roleReason, csrf } = callerOf(request);
      const view = new DirectoryView(await services.directory());
      const [team = null] = services.teamsOf(principal.id);
      const { id, kind, expires } = principal.credential;
      return {
        person: principal.id,
        email: view.nameOf(principal.id),
        role: principal.role,
        role_reason: roleReason,
        team,
        team_name: view.nameOf(team),
        leads: teams.map((led) => ({ id: led, name: view.nameOf(led) })),
        credential: { id, kind: kind === 'session' ? kind : 'admin', expires_at: isoOrNull(expires) } as const,
        csrf,
      };
    },
  );

  app.delete(
    '/session',
    {
      config: { permission: 'account.write', narrows: true },
      schema: {
        operationId: 'endSession',
        tags,
        summary: 'Sign out',
        description:
          'Ends the session of this request, and takes its cookie away. 409 with an admin token: revoke that.',
        response: answers([200, z.object({ session: described(z.string(), 'Id of the session that ended.') })], 409),
      },
    },
    async (request, reply) => {
      const { principal } = callerOf(request);
      const { id, kind } = principal.credential;
      if (kind !== 'session')
        throw new AdminProblem('change_refused', 'This request came with an admin token, not a session.');
      await services.changes.revokeSession({ actor: principal.id, session: id, reason: null });
      dropSession(request, reply, services.publicUrl);
      return { session: id };
    },
  );
}
