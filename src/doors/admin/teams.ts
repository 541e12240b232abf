import { z } from 'zod';
import type { TeamRow } from '../../store/ports.ts';
import { actorOf } from './auth.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, instant, line, named, nextCursor, paging } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, pageOf } from './view.ts';

const Team = named(
  'Team',
  z.object({
    id: described(z.string(), 'Opaque id, `tea_…`.'),
    name: z.string(),
    people: described(z.number().int(), 'How many people are in it, erased ones not counted.'),
    created_at: instant('When the team was added.'),
  }),
  'A team: what usage is counted for.',
);

function showTeam(view: DirectoryView, row: TeamRow): z.infer<typeof Team> {
  const people = view.people.filter((person) => person.team === row.id && person.erasedAt === null).length;
  return { id: row.id, name: row.name, people, created_at: new Date(row.createdAt).toISOString() };
}

/** `/teams`: whom calls and usage are counted for. */
export function teamRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/teams',
    {
      config: { permission: 'directory.read', narrows: true },
      schema: {
        operationId: 'listTeams',
        tags: ['teams'],
        summary: 'List teams',
        description: 'Newest first.',
        querystring: z.strictObject(paging(500)),
        response: answers([200, z.object({ teams: z.array(Team), cursor: nextCursor })]),
      },
    },
    async (request) => {
      const { team } = reachOf(request);
      const view = new DirectoryView(await services.directory());
      const page = pageOf(
        view.teams.filter(({ id }) => team(id)),
        request.query,
      );
      return { teams: page.rows.map((row) => showTeam(view, row)), cursor: page.cursor };
    },
  );

  app.post(
    '/teams',
    {
      config: { permission: 'directory.write' },
      schema: {
        operationId: 'addTeam',
        tags: ['teams'],
        summary: 'Add a team',
        description: 'The name must be new.',
        body: z.strictObject({ name: line(64, 'Name of the team.') }),
        response: answers([201, Team], 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id } = await services.changes.addTeam({ actor: actorOf(request), name: request.body.name });
      const view = new DirectoryView(await services.directory());
      return reply.code(201).send(showTeam(view, view.team(id)));
    },
  );
}
