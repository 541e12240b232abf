import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { parseDuration } from '../../kernel/units.ts';
import type { CredentialRow } from '../../store/ports.ts';
import { actorOf } from './auth.ts';
import { duration, parseExpiry } from './expiry.ts';
import { keyOwner } from './key-owner.ts';
import { IssuedKey, KEY_STATES, Key, readKey, showKey, VOLATILE } from './key-view.ts';
import { changing, tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { reachOf } from './reach.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, email, idParams, line, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['keys'];
const kind = z.enum(['key', 'admin']);
const keyId = idParams('Id of the key, `key_…` or `adm_…`.');

/** `/keys`: virtual keys for the model door and admin tokens for this one. */
export function keyRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  createRoute(app, services);
  changeRoutes(app, services);
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/keys',
    {
      config: { permission: 'keys.read', narrows: true },
      schema: {
        operationId: 'listKeys',
        tags,
        summary: 'List keys',
        description: 'Newest first. Secrets are never shown again; `hint` is how to recognise a key.',
        querystring: z.strictObject({
          ...paging(200),
          owner: line(254, 'Only keys of this person or service, by id or name.').optional(),
          kind: kind.optional(),
          state: described(z.enum(KEY_STATES).optional(), 'Only keys in this state.'),
        }),
        response: answers([200, z.object({ keys: z.array(Key), cursor: nextCursor })], 404),
      },
    },
    async (request) => {
      const { query } = request;
      const reach = reachOf(request);
      const view = new DirectoryView(await services.directory());
      const now = services.clock.now();
      const owner = query.owner === undefined ? undefined : view.findParty(query.owner);
      if (query.owner !== undefined && (!owner || !reach.person(owner.id))) {
        throw new AdminProblem('resource_unknown', 'There is no person or service with this id or name.');
      }
      const rows = (await services.credentials(owner?.id)).filter(
        (row) =>
          reach.key(row) &&
          (query.kind === undefined || row.kind === query.kind) &&
          (query.state === undefined || view.stateOf(row, now) === query.state),
      );
      const page = pageOf(rows, query);
      return { keys: page.rows.map((row) => showKey(view, row, now)), cursor: page.cursor };
    },
  );

  app.get(
    '/keys/:id',
    {
      config: { permission: 'keys.read', narrows: true },
      schema: {
        operationId: 'getKey',
        tags,
        summary: 'Show a key',
        description: 'By id.',
        params: keyId,
        response: answers([200, Key], 404),
      },
    },
    async (request, reply) => {
      const { id } = keyWithin(request, new DirectoryView(await services.directory()));
      return tagged(reply, await readKey(services, id), VOLATILE);
    },
  );
}

/** The key that a path names. One that is out of reach looks like one that is not there. Throws `resource_unknown`. */
function keyWithin(request: FastifyRequest, view: DirectoryView): CredentialRow {
  const { id } = request.params as { id: string };
  const row = view.credential(id);
  if (!reachOf(request).key(row)) throw new AdminProblem('resource_unknown', 'There is no key with this id.');
  return row;
}

const NewKey = z
  .strictObject({
    person: described(z.union([email(), line(254, 'Id.')]).optional(), 'Owner: a person, by id or e-mail address.'),
    service: line(64, 'Owner: a service, by name. Made on first use.').optional(),
    team: line(
      64,
      'Team that its calls are charged to while the owner belongs to it, by id or name. A service in no team is put into it.',
    ).optional(),
    kind: described(kind.default('key'), '`key` opens the model door only, `admin` opens this API only.'),
    label: line(100, 'What the key is for.').optional(),
    expires: line(40, 'A duration (`90 days`), a date (`2027-01-31`, its end in UTC), an instant, or `never`.').default(
      'never',
    ),
  })
  .refine(
    (body) => (body.person === undefined) !== (body.service === undefined),
    'name a person or a service, not both',
  )
  .refine((body) => body.team === undefined || body.kind === 'key', 'an admin token is charged to no team')
  .refine((body) => body.kind === 'key' || body.person !== undefined, 'an admin token belongs to a person');

function createRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/keys',
    {
      config: { permission: 'keys.write', narrows: true },
      schema: {
        operationId: 'createKey',
        tags,
        summary: 'Create a key',
        description: 'The answer holds the secret, once. Give exactly one of `person` and `service`.',
        body: NewKey,
        response: answers([201, IssuedKey], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { kind: wanted, label = '', expires } = request.body;
      const actor = actorOf(request);
      const expiresAt = parseExpiry(expires, services.clock.now());
      const { owner, team } = await keyOwner(services, request, request.body);
      const issued = await services.changes.createKey({ actor, owner, kind: wanted, label, expiresAt, team });
      const key = await readKey(services, issued.id);
      return reply.code(201).send({ key, secret: issued.secret });
    },
  );
}

function changeRoutes(app: AdminApp, services: AdminServices): void {
  app.post(
    '/keys/:id/rotate',
    {
      config: { permission: 'keys.write', narrows: true, matches: true },
      schema: {
        operationId: 'rotateKey',
        tags,
        summary: 'Replace a key by a new one',
        description: 'Both work until the overlap is over. The answer holds the new secret, once.',
        params: keyId,
        body: z.strictObject({ overlap: duration('How long the old key still works.').default('24 hours') }),
        response: answers([201, IssuedKey], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const overlapMs = parseDuration(request.body.overlap) ?? 0;
      const view = new DirectoryView(await services.directory());
      const { id: key, owner } = keyWithin(request, view);
      if (!reachOf(request).all && owner.startsWith('per_') && owner !== actorOf(request)) {
        throw new AdminProblem(
          'out_of_reach',
          'Its new secret would speak for somebody else: they or an admin replace it.',
        );
      }
      const issued = await changing(request, {
        thing: key,
        shown: () => readKey(services, key),
        volatile: VOLATILE,
        change: () => services.changes.rotateKey({ actor: actorOf(request), key, overlapMs }),
      });
      const shown = await readKey(services, issued.id);
      return reply.code(201).send({ key: shown, secret: issued.secret });
    },
  );

  app.post(
    '/keys/:id/revoke',
    {
      config: { permission: 'keys.write', narrows: true, matches: true },
      schema: {
        operationId: 'revokeKey',
        tags,
        summary: 'Revoke a key',
        description: 'Answered once it is in force: the next call with it is refused and running streams are cut.',
        params: keyId,
        body: z.strictObject({ reason }),
        response: answers([200, Key], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id: credential } = keyWithin(request, new DirectoryView(await services.directory()));
      const why = request.body.reason ?? null;
      await changing(request, {
        thing: credential,
        shown: () => readKey(services, credential),
        volatile: VOLATILE,
        change: () => services.changes.revokeCredential({ actor: actorOf(request), credential, reason: why }),
      });
      return tagged(reply, await readKey(services, credential), VOLATILE);
    },
  );
}
