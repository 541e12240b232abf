import { z } from 'zod';
import { actorOf } from './auth.ts';
import { policyTrialRoutes } from './policy-trials.ts';
import {
  documentText,
  Fault,
  Finding,
  Policy,
  Revision,
  RevisionText,
  revisionNumber,
  showFault,
  showFinding,
  showPolicy,
  showRevision,
} from './policy-views.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers, DOCUMENT_LIMIT } from './routes.ts';
import { described, nextCursor, paging, reason } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { HISTORY } from './stop-view.ts';
import { DirectoryView } from './view.ts';

const tags = ['policy'];

/** `/policy`: who may what, and how much: one document, in revisions. */
export function policyRoutes(app: AdminApp, services: AdminServices): void {
  showRoute(app, services);
  historyRoutes(app, services);
  checkRoute(app, services);
  applyRoute(app, services);
  rollbackRoute(app, services);
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
    async () => {
      const found = await services.policy.current();
      const trouble = services.policy.trouble();
      if (found === null) {
        const detail = 'No policy is in force: every call is refused.';
        throw new AdminProblem('resource_unknown', trouble === null ? detail : `${detail} ${trouble}`);
      }
      return showPolicy(new DirectoryView(await services.directory()), found, trouble);
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
    async ({ params }) => {
      const row = await services.policy.revision(params.revision);
      if (row === undefined) throw new AdminProblem('resource_unknown', 'There is no revision with this number.');
      return { ...showRevision(new DirectoryView(await services.directory()), row), text: row.text };
    },
  );
}

function checkRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/check',
    {
      config: { permission: 'policy.read' },
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

const Applied = z.object({
  revision: described(z.number().int(), 'The revision that is now in force.'),
  unchanged: described(z.boolean(), 'It had this text already; nothing was recorded.'),
  findings: z.array(Finding),
});
const expect = described(
  z.number().int().min(0).optional(),
  'Newest revision that you saw, 0 for none: 409 when somebody else was quicker.',
);

function applyRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/apply',
    {
      config: { permission: 'policy.write' },
      bodyLimit: DOCUMENT_LIMIT,
      schema: {
        operationId: 'applyPolicy',
        tags,
        summary: 'Apply a policy document',
        description:
          'Answered once it is in force: what it denies is refused from then on, and running streams it no longer allows are ' +
          'ended. A document that is not valid changes nothing (400, with every fault in `errors`). 409 where a file is the source.',
        body: z.strictObject({ text: documentText, reason, expect }),
        response: answers([200, Applied], 409, 413, 415),
      },
    },
    async (request) => {
      const { text, reason: why = null, expect: seen = null } = request.body;
      const done = await services.policy.apply({ actor: actorOf(request), text, reason: why, expect: seen });
      return { ...done, findings: done.findings.map(showFinding) };
    },
  );
}

function rollbackRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/rollback',
    {
      config: { permission: 'policy.write' },
      schema: {
        operationId: 'rollbackPolicy',
        tags,
        summary: 'Go back to an earlier revision',
        description: 'Applies its text again, as a new revision.',
        body: z.strictObject({ revision: described(revisionNumber, 'The one to go back to.'), reason, expect }),
        response: answers([200, Applied], 404, 409, 413, 415),
      },
    },
    async (request) => {
      const { revision, reason: why = null, expect: seen = null } = request.body;
      const done = await services.policy.rollback({ actor: actorOf(request), revision, reason: why, expect: seen });
      return { ...done, findings: done.findings.map(showFinding) };
    },
  );
}
