import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { Refusal } from '../../kernel/errors.ts';
import { auditRoutes } from './audit.ts';
import { checkCaller, knownCallerOf } from './auth.ts';
import { backupRoutes } from './backup.ts';
import { budgetRoutes } from './budgets.ts';
import { contentRoutes } from './content.ts';
import { eventRoutes } from './events.ts';
import { grantRoutes } from './grants.ts';
import { guardAnswer } from './headers.ts';
import { healthRoutes } from './health.ts';
import { heedKeys, rememberBody } from './idempotency.ts';
import { identityRoutes } from './identities.ts';
import { invitationRoutes } from './invitations.ts';
import { keyRoutes } from './keys.ts';
import { describeRoute, documentInfo, openapiRoutes, tidyDocument } from './openapi.ts';
import { ownerRoutes } from './owner.ts';
import { ownershipRoutes } from './ownership.ts';
import { peopleRoutes } from './people.ts';
import { policyRoutes } from './policy.ts';
import { refuseUnheeded } from './preconditions.ts';
import { AdminProblem, BODY_LIMIT, toProblem } from './problems.ts';
import { proposalRoutes } from './proposals.ts';
import { providerRoutes } from './providers.ts';
import { roleRoutes } from './roles.ts';
import type { AdminApp } from './routes.ts';
import type { AdminServices } from './services.ts';
import { sessionRoutes } from './session.ts';
import { sessionListRoutes } from './sessions.ts';
import { spendingRoutes } from './spending.ts';
import { stopRoutes } from './stops.ts';
import { teamRoutes } from './teams.ts';
import { usageRoutes } from './usage.ts';
import { waitingRoutes } from './waiting.ts';

/**
 * Adds the admin API below `/api`. E-mail addresses stand in paths, their `@` encoded: the app's `maxParamLength` must be 256 at
 * least. Rejects when a route states no permission.
 */
export async function adminDoor(app: FastifyInstance, services: AdminServices): Promise<void> {
  await app.register(
    async (scope) => {
      const api: AdminApp = scope.withTypeProvider<ZodTypeProvider>();
      api.setValidatorCompiler(validatorCompiler);
      api.setSerializerCompiler(serializerCompiler);
      acceptJsonOnly(api);
      refuseInProblems(api, services);
      api.addHook('onRoute', (route) => {
        if (route.config?.permission === undefined)
          throw new Error(`${route.method} ${route.url} states no permission`);
        route.bodyLimit ??= BODY_LIMIT;
      });
      api.addHook('onRequest', async (request, reply) => {
        guardAnswer(reply);
        await checkCaller(services, request, reply);
        refuseUnheeded(request);
      });
      heedKeys(api, services);
      await api.register(swagger, {
        openapi: documentInfo(services.version),
        transform: describeRoute,
        transformObject: tidyDocument,
      });
      for (const routes of RESOURCES) routes(api, services);
    },
    { prefix: '/api' },
  );
}

const RESOURCES = [
  ownerRoutes,
  ownershipRoutes,
  sessionRoutes,
  sessionListRoutes,
  peopleRoutes,
  roleRoutes,
  identityRoutes,
  waitingRoutes,
  invitationRoutes,
  providerRoutes,
  teamRoutes,
  keyRoutes,
  stopRoutes,
  grantRoutes,
  policyRoutes,
  proposalRoutes,
  budgetRoutes,
  auditRoutes,
  contentRoutes,
  eventRoutes,
  usageRoutes,
  spendingRoutes,
  healthRoutes,
  backupRoutes,
  openapiRoutes,
];

/** Other media types would be parsed by other rules than those the schema was written for. */
function acceptJsonOnly(api: AdminApp): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(
    /^application\/json(;\s*charset="?utf-8"?)?$/i,
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      if (request.headers['content-encoding'] !== undefined) throw new Refusal('media_type_unsupported');
      rememberBody(request, body);
      if (body.length === 0) return {};
      const value = parseJson(body);
      // Nothing at all stands for no fields; a null that somebody sends does not.
      if (value === null) throw new AdminProblem('invalid', 'The body is null, not an object.');
      return value;
    },
  );
  // A POST whose fields are all optional may come without a body.
  api.addHook('preValidation', async (request) => {
    if (request.method === 'POST') request.body ??= {};
  });
}

function parseJson(bytes: Buffer): unknown {
  try {
    // `fatal`: bytes that are no UTF-8 must not turn into a name with replacement characters.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new AdminProblem('invalid', 'The body is not JSON in UTF-8.');
  }
}

function refuseInProblems(api: AdminApp, services: AdminServices): void {
  api.setErrorHandler(async (error, request, reply) => answerProblem(services, { request, reply, error }));
  api.setNotFoundHandler(async (request, reply) => {
    const error = new AdminProblem('resource_unknown', 'This API has no such path or method.');
    return answerProblem(services, { request, reply, error });
  });
}

/** Records the refusal before it is answered (P1), and names the record in the answer. */
async function answerProblem(
  services: AdminServices,
  { request, reply, error }: { request: FastifyRequest; reply: FastifyReply; error: unknown },
): Promise<FastifyReply> {
  const draft = toProblem(error);
  let { problem, retryAfter } = draft;
  const { code, status } = problem;
  const operation = `${request.method} ${request.routeOptions.url ?? 'unknown path'}`;
  if (status >= 500) services.log.error({ operation, code, detail: draft.logged }, 'admin request failed');
  try {
    const caller = knownCallerOf(request, error);
    const { headers, ip: peer } = request;
    const refused = { caller, code, status, detail: draft.recorded, operation, headers, peer };
    problem = { ...problem, record: await services.recordRefusal(refused) };
  } catch (failure) {
    // What cannot be recorded is not answered as if it had been.
    const refusal = failure instanceof Refusal ? failure : new Refusal('journal_unavailable');
    ({ problem, retryAfter } = toProblem(refusal));
  }
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer realm="gatehouse"');
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  // As a string: no response schema of the route may drop the fields that explain the refusal.
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}
