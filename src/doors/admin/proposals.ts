import { z } from 'zod';
import { actorOf } from './auth.ts';
import { Applied, showApplied } from './policy-changes.ts';
import type { PolicyDecision } from './policy-services.ts';
import { changing, tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import {
  findProposal,
  PROPOSAL_STATES,
  Proposal,
  ProposalHeader,
  proposalParams,
  readProposal,
  showHeader,
} from './proposal-view.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView, pageOf } from './view.ts';

const tags = ['proposals'];
/** What time and other changes alter of it: whether it is still in time, and what it would mean today. */
const VOLATILE = ['state', 'lines', 'points', 'author_name', 'decided_by_name'];

/** `/proposals`: changes of the policy that wait for a second person. */
export function proposalRoutes(app: AdminApp, services: AdminServices): void {
  readRoutes(app, services);
  approveRoute(app, services);
  const { policy } = services;
  verbRoute(app, services, {
    name: 'reject',
    summary: 'Reject a proposal',
    description: 'Somebody else than its author says no. It is kept, and changes nothing.',
    act: (decision) => policy.reject(decision),
  });
  verbRoute(app, services, {
    name: 'withdraw',
    summary: 'Withdraw a proposal',
    description: 'Its author takes it back.',
    act: (decision) => policy.withdraw(decision),
  });
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/proposals',
    {
      config: { permission: 'policy.read' },
      schema: {
        operationId: 'listProposals',
        tags,
        summary: 'List proposals',
        description: `Newest first, without their text; the newest ${HISTORY}.`,
        querystring: z.strictObject({
          ...paging(500),
          state: described(z.enum(PROPOSAL_STATES).optional(), 'Only those in this state.'),
        }),
        response: answers([200, z.object({ proposals: z.array(ProposalHeader), cursor: nextCursor })]),
      },
    },
    async ({ query }) => {
      const view = new DirectoryView(await services.directory());
      const now = services.clock.now();
      const shown = (await services.policy.proposals(HISTORY)).map((row) => showHeader(view, row, now));
      const page = pageOf(
        shown.filter(({ state }) => query.state === undefined || state === query.state),
        query,
      );
      return { proposals: page.rows, cursor: page.cursor };
    },
  );

  app.get(
    '/proposals/:id',
    {
      config: { permission: 'policy.read' },
      schema: {
        operationId: 'getProposal',
        tags,
        summary: 'Show a proposal',
        description:
          'With its document, what it means for the people and services there are, and why it needs a second person.',
        params: proposalParams,
        response: answers([200, Proposal], 404),
      },
    },
    async ({ params }, reply) => tagged(reply, await readProposal(services, params.id), VOLATILE),
  );
}

function approveRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/proposals/:id/approve',
    {
      config: { permission: 'policy.write', matches: true },
      schema: {
        operationId: 'approveProposal',
        tags,
        summary: 'Approve a proposal, and apply it',
        description:
          'For somebody else than its author. Answered once it is in force. 409 when another policy came into force since it was ' +
          'proposed. Send `if-match` to approve what you looked at.',
        params: proposalParams,
        body: z.strictObject({ reason }),
        response: answers([200, Applied], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const { id } = request.params;
      const { row } = await findProposal(services, id);
      const actor = actorOf(request);
      if (row.author === actor) throw new AdminProblem('second_person_needed', 'You proposed this yourself.');
      const decision = { actor, proposal: id, reason: request.body.reason ?? null };
      const done = await changing(request, {
        // One lock with every other change of the policy.
        thing: 'policy',
        shown: () => readProposal(services, id),
        volatile: VOLATILE,
        change: () => services.policy.approve(decision),
      });
      return showApplied(done);
    },
  );
}

interface Verb {
  readonly name: 'reject' | 'withdraw';
  readonly summary: string;
  readonly description: string;
  readonly act: (decision: PolicyDecision) => Promise<void>;
}

function verbRoute(app: AdminApp, services: AdminServices, { name, summary, description, act }: Verb): void {
  app.post(
    `/proposals/:id/${name}`,
    {
      config: { permission: 'policy.write', matches: true },
      schema: {
        operationId: `${name}Proposal`,
        tags,
        summary,
        description,
        params: proposalParams,
        body: z.strictObject({ reason }),
        response: answers([200, Proposal], 404, 409, 413, 415),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const decision = { actor: actorOf(request), proposal: id, reason: request.body.reason ?? null };
      await changing(request, {
        thing: 'policy',
        shown: () => readProposal(services, id),
        volatile: VOLATILE,
        change: () => act(decision),
      });
      return tagged(reply, await readProposal(services, id), VOLATILE);
    },
  );
}
