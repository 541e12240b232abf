import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { actorOf, callerOf } from './auth.ts';
import { permits } from './permissions.ts';
import type { PolicyApplied, PolicyChange, PolicyProposed } from './policy-services.ts';
import { documentText, Finding, POLICY_VOLATILE, revisionNumber, showFinding, showPolicy } from './policy-views.ts';
import { changing } from './preconditions.ts';
import { Proposal, readProposal } from './proposal-view.ts';
import { type AdminApp, answers, DOCUMENT_LIMIT } from './routes.ts';
import { described, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

const tags = ['policy'];

export const Applied = z.object({
  revision: described(z.number().int(), 'The revision that is now in force.'),
  unchanged: described(z.boolean(), 'It had this text already; nothing was recorded.'),
  findings: z.array(Finding),
});

export function showApplied({ revision, unchanged, findings }: PolicyApplied): z.infer<typeof Applied> {
  return { revision, unchanged, findings: findings.map(showFinding) };
}

const expect = described(
  z.number().int().min(0).optional(),
  'Newest revision that you saw, 0 for none: 409 when somebody else was quicker.',
);
const SECOND =
  '202 with a proposal where the policy in force wants a second person for it (`two_people`). Prices, and budgets of the whole ' +
  'organization, are changed by the primary owner alone (403).';

/** `/policy/apply` and `/policy/rollback`. */
export function policyChangeRoutes(app: AdminApp, services: AdminServices): void {
  applyRoute(app, services);
  rollbackRoute(app, services);
}

function applyRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/apply',
    {
      config: { permission: 'policy.write', matches: true },
      bodyLimit: DOCUMENT_LIMIT,
      schema: {
        operationId: 'applyPolicy',
        tags,
        summary: 'Apply a policy document',
        description:
          'Answered once it is in force: what it denies is refused from then on, and running streams it no longer allows are ' +
          'ended. A document that is not valid changes nothing (400, with every fault in `errors`). 409 where a file is the ' +
          `source. ${SECOND}`,
        body: z.strictObject({ text: documentText, reason, expect }),
        response: { ...answers([200, Applied], 409, 413, 415), 202: Proposal },
      },
    },
    async (request, reply) => {
      const { text } = request.body;
      const change = changeOf(request, request.body);
      return answer(services, reply, await inTurn(services, request, () => services.policy.apply({ ...change, text })));
    },
  );
}

function rollbackRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/rollback',
    {
      config: { permission: 'policy.write', matches: true },
      schema: {
        operationId: 'rollbackPolicy',
        tags,
        summary: 'Go back to an earlier revision',
        description: `Applies its text again, as a new revision. ${SECOND}`,
        body: z.strictObject({ revision: described(revisionNumber, 'The one to go back to.'), reason, expect }),
        response: { ...answers([200, Applied], 404, 409, 413, 415), 202: Proposal },
      },
    },
    async (request, reply) => {
      const { revision } = request.body;
      const change = changeOf(request, request.body);
      const done = await inTurn(services, request, () => services.policy.rollback({ ...change, revision }));
      return answer(services, reply, done);
    },
  );
}

function changeOf(
  request: FastifyRequest,
  { reason: why, expect: seen }: { reason?: string | undefined; expect?: number | undefined },
): PolicyChange {
  const { role } = callerOf(request).principal;
  return {
    actor: actorOf(request),
    billing: permits(role, 'billing.write'),
    reason: why ?? null,
    expect: seen ?? null,
  };
}

function inTurn<T>(services: AdminServices, request: FastifyRequest, change: () => Promise<T>): Promise<T> {
  const shown = async (): Promise<object> => {
    const found = await services.policy.current();
    if (found === null) return {};
    return showPolicy(new DirectoryView(await services.directory()), found, services.policy.trouble());
  };
  return changing(request, { thing: 'policy', shown, volatile: POLICY_VOLATILE, change });
}

async function answer(services: AdminServices, reply: FastifyReply, done: PolicyApplied | PolicyProposed) {
  if (!('proposal' in done)) return showApplied(done);
  reply.code(202);
  return readProposal(services, done.proposal);
}
