import { z } from 'zod';
import { policyChangeRoutes } from './policy-changes.ts';
import { policyTrialRoutes } from './policy-trials.ts';
import {
  documentText,
  Fault,
  Finding,
  POLICY_VOLATILE,
  Policy,
  Revision,
  RevisionText,
  revisionNumber,
  showFault,
  showFinding,
  showPolicy,
  showRevision,
} from './policy-views.ts';
import { tagged } from './preconditions.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers, DOCUMENT_LIMIT } from './routes.ts';
import { described, nextCursor, paging } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView } from './view.ts';

const tags = ['policy'];

/** `/policy`: who may what, and how much: one document, in revisions. */
export function policyRoutes(app: AdminApp, services: AdminServices): void {
  showRoute(app, services);
  historyRoutes(app, services);
  checkRoute(app, services);
  policyChangeRoutes(app, services);
  policyTrialRoutes(app, services);
}

function showRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/policy',
    {
      config: { permission: 'policy.read' },
      schema: {
        operationId: 'getPolicy',
        tags,
        summary: 'Show the policy in force',
        description: 'With its text and with remarks on it. 404 while none is in force: then every call is refused.',
        response: answers([200, Policy], 404),
      },
    },
    async (_request, reply) => {
      const found = await services.policy.current();
      const trouble = services.policy.trouble();
      if (found === null) {
        const detail = 'No policy is in force: every call is refused.';
        throw new AdminProblem('resource_unknown', trouble === null ? detail : `${detail} ${trouble}`);
      }
      const view = new DirectoryView(await services.directory());
      return tagged(reply, showPolicy(view, found, trouble), POLICY_VOLATILE);
    },
  );
}

function historyRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/policy/revisions',
    {
      config: { permission: 'policy.read' },
      schema: {
        operationId: 'listPolicyRevisions',
        tags,
        summary: 'List revisions of the policy',
        description: `Newest first, without their text; the newest ${HISTORY}.`,
        querystring: z.strictObject(paging(500)),
        response: answers([200, z.object({ revisions: z.array(Revision), cursor: nextCursor })]),
      },
    },
    async ({ query: { limit, cursor } }) => {
      if (cursor !== undefined && !/^[1-9]\d{0,14}$/.test(cursor)) {
        throw new AdminProblem('invalid', 'cursor is not one that this list gave out');
      }
      const view = new DirectoryView(await services.directory());
      const rows = await services.policy.history(HISTORY);
      const older = rows.filter((row) => cursor === undefined || row.number < Number(cursor));
      const shown = older.slice(0, limit);
      const next = older.length > limit ? String(shown.at(-1)?.number) : null;
      return { revisions: shown.map((row) => showRevision(view, row)), cursor: next };
    },
  );

  app.get(
    '/policy/revisions/:revision',
    {
      config: { permission: 'policy.read' },
      schema: {
        operationId: 'getPolicyRevision',
        tags,
        summary: 'Show a revision of the policy',
        description: 'With its text.',
        params: z.strictObject({ revision: described(z.coerce.number().pipe(revisionNumber), 'Its number.') }),
        response: answers([200, RevisionText], 404),
      },
    },
    async ({ params }, reply) => {
      const row = await services.policy.revision(params.revision);
      if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no revision with this number.');
      return tagged(reply, { ...showRevision(new DirectoryView(await services.directory()), row), text: row.text });
    },
  );
}

function checkRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/check',
    {
      config: { permission: 'policy.read', asks: true },
      bodyLimit: DOCUMENT_LIMIT,
      schema: {
        operationId: 'checkPolicy',
        tags,
        summary: 'Check a policy document',
        description: 'Changes nothing. Faults with their places; of a valid one, remarks and names that nobody has.',
        body: z.strictObject({ text: documentText }),
        response: answers(
          [200, z.object({ valid: z.boolean(), problems: z.array(Fault), findings: z.array(Finding) })],
          413,
          415,
        ),
      },
    },
    async ({ body }) => {
      const { valid, problems, findings } = await services.policy.check(body.text);
      return { valid, problems: problems.map(showFault), findings: findings.map(showFinding) };
    },
  );
}
