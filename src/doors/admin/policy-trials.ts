import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { PolicyDiff, showDiff } from './policy-diff-view.ts';
import { PolicyExplanation, showExplanation } from './policy-explain-view.ts';
import { PolicyReplay, showReplay } from './policy-replay-view.ts';
import type { ExplainQuestion } from './policy-services.ts';
import { documentText, revisionNumber } from './policy-views.ts';
import { type AdminApp, answers, DOCUMENT_LIMIT } from './routes.ts';
import { described, line } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

const tags = ['policy'];

/** `/policy/diff`, `/policy/explain`, `/policy/replay`: what a policy means. They change nothing. */
export function policyTrialRoutes(app: AdminApp, services: AdminServices): void {
  diffRoute(app, services);
  explainRoute(app, services);
  replayRoute(app, services);
}

function diffRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/diff',
    {
      config: { permission: 'policy.read', asks: true },
      bodyLimit: DOCUMENT_LIMIT,
      schema: {
        operationId: 'diffPolicy',
        tags,
        summary: 'Show what a change would mean',
        description:
          'Who gains and who loses what, found by asking both policies for every person, service and model. Changes nothing.',
        body: z
          .strictObject({
            text: documentText.optional(),
            revision: described(revisionNumber.optional(), 'Instead of a text: an earlier revision.'),
            against: described(revisionNumber.optional(), 'Compare with this revision instead of what is in force.'),
          })
          .refine(
            (body) => (body.text === undefined) !== (body.revision === undefined),
            'give either text or revision',
          ),
        response: answers([200, PolicyDiff], 404, 413, 415),
      },
    },
    async ({ body: { text, revision, against } }) => {
      const candidate = text === undefined ? { revision: revision ?? 0 } : { text };
      return showDiff(await services.policy.diff(candidate, against ?? null));
    },
  );
}

const Question = z
  .strictObject({
    person: line(254, 'The person who calls, by e-mail address or id.').optional(),
    service: line(254, 'Or the service, by name or id.').optional(),
    team: line(64, 'The team it names, one of its own; without it the one that is charged by itself.').optional(),
    key: line(64, 'Id of the key it calls with; without it its only one, where it has one.').optional(),
    model: line(256, 'The model it asks for.').optional(),
    capability: line(64, 'Or what it asks the provider to run, such as `web_search`.').optional(),
    text: described(documentText.optional(), 'A candidate to ask instead of the policy in force.'),
  })
  .refine((body) => (body.person === undefined) !== (body.service === undefined), 'give either person or service')
  .refine((body) => (body.model === undefined) !== (body.capability === undefined), 'give either model or capability');

function explainRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/explain',
    {
      config: { permission: 'policy.read', asks: true },
      bodyLimit: DOCUMENT_LIMIT,
      schema: {
        operationId: 'explainPolicy',
        tags,
        summary: 'Explain a decision',
        description:
          'Whether a caller may use a model or capability now, which line decides and why the others do not, with the stops, ' +
          'approvals and budgets that count. Changes nothing.',
        body: Question,
        response: answers([200, PolicyExplanation], 404, 409, 413, 415),
      },
    },
    async ({ body }) => {
      const explained = await services.policy.explain(questionOf(body));
      return showExplanation(new DirectoryView(await services.directory()), explained, services.clock.now());
    },
  );
}

function questionOf(body: z.infer<typeof Question>): ExplainQuestion {
  return {
    kind: body.person === undefined ? 'service' : 'person',
    who: body.person ?? body.service ?? '',
    team: body.team ?? null,
    key: body.key ?? null,
    resource:
      body.model === undefined
        ? { kind: 'capability', name: body.capability ?? '' }
        : { kind: 'model', name: body.model },
    text: body.text ?? null,
  };
}

/** Aborts when the caller hangs up. Not the framework's own signal of a request: that aborts as soon as its body is read. */
function goneSignal(raw: ServerResponse): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}

function replayRoute(app: AdminApp, services: AdminServices): void {
  app.post(
    '/policy/replay',
    {
      config: { permission: 'policy.read', asks: true },
      bodyLimit: DOCUMENT_LIMIT,
      schema: {
        operationId: 'replayPolicy',
        tags,
        summary: 'Try a policy on the past',
        description:
          'What it would have refused and allowed of the calls of the last days, and which budgets and rates they would have ' +
          'passed. Takes minutes where there were millions; one at a time. Changes nothing.',
        body: z.strictObject({
          text: documentText,
          days: described(z.number().int().min(1).max(90).default(7), 'How many days back.'),
        }),
        response: answers([200, PolicyReplay], 409, 413, 415),
      },
    },
    async ({ body }, { raw }) => showReplay(await services.policy.replay({ ...body, gone: goneSignal(raw) })),
  );
}
