import { z } from 'zod';
import { actorOf } from './auth.ts';
import { Person, personParams, readPerson } from './person-view.ts';
import { changing, tagged } from './preconditions.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

const tags = ['people'];

/** Disable, enable, erase and move: each is one change of one person. */
export function personVerbRoutes(app: AdminApp, services: AdminServices): void {
  const { changes } = services;
  teamRoute(app, services);
  const verb = (
    name: string,
    words: { readonly summary: string; readonly description: string },
    act: (actor: string, id: string, why: string | null) => Promise<void>,
  ) =>
    app.post(
      `/people/:id/${name}`,
      {
        config: { permission: 'directory.write', matches: true },
        schema: {
          operationId: `${name}Person`,
          tags,
          ...words,
          params: personParams,
          body: z.strictObject({ reason }),
          response: answers([200, Person], 404, 409, 413, 415),
        },
      },
      async (request, reply) => {
        const { id } = new DirectoryView(await services.directory()).person(request.params.id);
        await changing(request, {
          thing: id,
          shown: () => readPerson(services, id),
          change: () => act(actorOf(request), id, request.body.reason ?? null),
        });
        return tagged(reply, await readPerson(services, id));
      },
    );

  verb(
    'disable',
    {
      summary: 'Disable a person',
      description:
        'Answered once it is in force: the next call with any of the person’s keys is refused, running streams are cut.',
    },
    (actor, party, why) => changes.disableParty({ actor, party, reason: why }),
  );
  verb(
    'enable',
    { summary: 'Enable a person again', description: 'Keys that were not revoked or expired work again.' },
    (actor, party, why) => changes.enableParty({ actor, party, reason: why }),
  );
  verb(
    'erase',
    {
      summary: 'Erase a person',
      description:
        'Cannot be undone. Removes the name and the person’s content key: stored prompts and answers become unreadable ' +
        'and the name vanishes everywhere, while the audit trail stays whole.',
    },
    (actor, person, why) => changes.erasePerson({ actor, person, reason: why }),
  );
}

function teamRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/people/:id/team',
    {
      config: { permission: 'directory.write', matches: true },
      schema: {
        operationId: 'setPersonTeam',
        tags,
        summary: 'Put a person into a team',
        description: 'Calls from now on count for the new team; what was recorded stays with the old one.',
        params: personParams,
        body: z.strictObject({
          team: described(line(64, 'Team, by id or name.').nullable(), 'Team, by id or name; null for none.'),
          reason,
        }),
        response: answers([200, Person], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const before = new DirectoryView(await services.directory());
      const { id } = before.person(request.params.id);
      const team = request.body.team === null ? null : before.team(request.body.team).id;
      const why = request.body.reason ?? null;
      await changing(request, {
        thing: id,
        shown: () => readPerson(services, id),
        change: () => services.changes.setPersonTeam({ actor: actorOf(request), person: id, team, reason: why }),
      });
      return tagged(reply, await readPerson(services, id));
    },
  );
}
