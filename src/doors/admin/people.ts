import { z } from 'zod';
import { actorOf, callerOf } from './auth.ts';
import { personVerbRoutes } from './people-verbs.ts';
import { mustPermit } from './permissions.ts';
import { Person, PersonState, personParams, showPerson } from './person-view.ts';
import { tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, email, line, nextCursor, paging } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['people'];

/** `/people`: who may use Claude through this gateway. */
export function peopleRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  addRoute(app, services);
  personVerbRoutes(app, services);
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/people',
    {
      config: { permission: 'directory.read', narrows: true },
      schema: {
        operationId: 'listPeople',
        tags,
        summary: 'List people',
        description: 'Newest first, erased people included unless a state is asked for.',
        querystring: z.strictObject({
          ...paging(500),
          state: described(PersonState.optional(), 'Only people in this state.'),
          team: line(64, 'Only people of this team, by id or name.').optional(),
        }),
        response: answers([200, z.object({ people: z.array(Person), cursor: nextCursor })], 404),
      },
    },
    async (request) => {
      const { query } = request;
      const reach = reachOf(request);
      const view = new DirectoryView(await services.directory());
      const team = query.team === undefined ? undefined : view.team(query.team).id;
      const rows = view.people.filter(
        (row) =>
          reach.person(row.id) &&
          (team === undefined || row.team === team) &&
          (query.state === undefined || showPerson(view, row).state === query.state),
      );
      const page = pageOf(rows, query);
      return { people: page.rows.map((row) => showPerson(view, row)), cursor: page.cursor };
    },
  );

  app.get(
    '/people/:id',
    {
      config: { permission: 'directory.read', narrows: true },
      schema: {
        operationId: 'getPerson',
        tags,
        summary: 'Show a person',
        description: 'By id or e-mail address.',
        params: personParams,
        response: answers([200, Person], 404),
      },
    },
    async (request, reply) => {
      const view = new DirectoryView(await services.directory());
      const row = view.person(request.params.id);
      if (!reachOf(request).person(row.id)) {
        throw new AdminProblem('resource_unknown', 'There is no person with this id or e-mail address.');
      }
      return tagged(reply, showPerson(view, row));
    },
  );
}

function addRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/people',
    {
      config: { permission: 'directory.write' },
      schema: {
        operationId: 'addPerson',
        tags,
        summary: 'Add a person',
        description: 'A person needs a key (POST /api/keys) before they can call a model.',
        body: z.strictObject({
          email: email(),
          team: line(64, 'Team, by id or name.').optional(),
          role: described(
            z.enum(['admin', 'auditor', 'member']).default('member'),
            'What the directory gives them; the policy may give more.',
          ),
        }),
        response: answers([201, Person], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { email: address, team, role } = request.body;
      if (role !== 'member') mustPermit(callerOf(request).principal, 'roles.write');
      const teamId = team === undefined ? null : new DirectoryView(await services.directory()).team(team).id;
      const { id } = await services.changes.addPerson({ actor: actorOf(request), email: address, team: teamId, role });
      const view = new DirectoryView(await services.directory());
      return reply.code(201).send(showPerson(view, view.person(id)));
    },
  );
}
