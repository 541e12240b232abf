import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { baseOf } from '../signin/base.ts';
import type { ProviderReport } from './identity-services.ts';
import { tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, line, named, nextCursor, paging } from './schemas.ts';
import type { AdminServices } from './services.ts';

const tags = ['identity providers'];
const params = z.strictObject({ name: line(64, 'Name of the provider, as in the policy.') });

const Provider = named(
  'IdentityProvider',
  z.object({
    name: described(z.string(), 'As in the policy.'),
    label: described(z.string(), 'On the button of the sign-in page.'),
    protocol: z.enum(['oidc', 'saml']),
    domains: described(z.array(z.string()), 'Domains of e-mail addresses that enter only here.'),
    issuer: described(z.string().nullable(), 'Issuer or entity id; null where only the metadata says it.'),
    callback: described(
      z.string().nullable(),
      'To be entered at the provider: where it sends browsers back to. Null while it is not known how browsers reach this gateway.',
    ),
    state: described(z.enum(['ok', 'failing', 'untried']), '`untried`: nobody signed in or tested it since the start.'),
    trouble: described(z.string().nullable(), 'Why it fails.'),
  }),
  'An identity provider of the policy in force.',
);

const Tested = named(
  'TestedProvider',
  z.object({
    ok: described(z.boolean(), 'No point failed.'),
    points: z.array(
      z.object({
        point: described(z.string(), 'What was looked at, such as `discovery`, `keys`, `clock`.'),
        state: z.enum(['ok', 'warning', 'failed']),
        message: described(z.string(), 'What was found, and what to do about it.'),
      }),
    ),
  }),
  'What was found without anybody signing in.',
);

/** `/identity-providers`: where people sign in. They stand in the policy; here is how they are. */
export function providerRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  testRoute(app, services);
}

function showProvider({ label, domains, ...report }: ProviderReport): z.infer<typeof Provider> {
  const { name, protocol, issuer, callback, state, trouble } = report;
  return { name, label: label ?? name, protocol, domains: [...domains], issuer, callback, state, trouble };
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/identity-providers',
    {
      config: { permission: 'identity.read' },
      schema: {
        operationId: 'listIdentityProviders',
        tags,
        summary: 'List identity providers',
        description: 'Those of the policy in force, in its order.',
        querystring: z.strictObject(paging(500)),
        response: answers([200, z.object({ providers: z.array(Provider), cursor: nextCursor })]),
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const all = reported(services, request);
      const at = cursor === undefined ? 0 : all.findIndex(({ name }) => name === cursor) + 1;
      if (cursor !== undefined && at === 0) {
        throw new AdminProblem('invalid', 'cursor is not one that this list gave out, or the policy changed');
      }
      const shown = all.slice(at, at + limit);
      const next = all.length > at + limit ? (shown.at(-1)?.name ?? null) : null;
      return { providers: shown.map(showProvider), cursor: next };
    },
  );

  app.get(
    '/identity-providers/:name',
    {
      config: { permission: 'identity.read' },
      schema: {
        operationId: 'getIdentityProvider',
        tags,
        summary: 'Show an identity provider',
        description: 'By name.',
        params,
        response: answers([200, Provider], 404),
      },
    },
    async (request, reply) => {
      const wanted = request.params.name.toLowerCase();
      const found = reported(services, request).find(({ name }) => name.toLowerCase() === wanted);
      if (found === undefined) throw unknownProvider();
      return tagged(reply, showProvider(found));
    },
  );
}

function reported({ providers, publicUrl }: AdminServices, { headers }: FastifyRequest): readonly ProviderReport[] {
  return providers(baseOf(headers, publicUrl));
}

function unknownProvider(): AdminProblem {
  return new AdminProblem('resource_unknown', 'The policy in force has no identity provider with this name.');
}

function testRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/identity-providers/:name/test',
    {
      config: { permission: 'identity.write', asks: true },
      schema: {
        operationId: 'testIdentityProvider',
        tags,
        summary: 'Test an identity provider',
        description: 'Asks the provider everything that can be asked without a person. Changes nothing.',
        params,
        body: z.strictObject({}),
        response: answers([200, Tested], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const base = baseOf(request.headers, services.publicUrl);
      if (base === null) {
        throw new AdminProblem('change_refused', 'It is not known how browsers reach this gateway: set listen.url.');
      }
      const points = await services.testProvider(request.params.name, base);
      if (points === null) throw unknownProvider();
      return {
        ok: points.every(({ state }) => state !== 'failed'),
        points: points.map(({ point, state, message }) => ({ point, state, message })),
      };
    },
  );
}
