import { z } from 'zod';
import { actorOf } from './auth.ts';
import { AdminProblem } from './problems.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, idParams, named } from './schemas.ts';
import type { AdminServices } from './services.ts';

const Part = z.object({
  state: described(
    z.enum(['kept', 'erased', 'none']),
    'kept: `text` holds it. erased: its person was erased, nobody can read it. none: it was not kept.',
  ),
  text: described(
    z.string().nullable(),
    'As sent, cut at `journal.content_bytes`; bytes that are no UTF-8 are replaced.',
  ),
});

const Content = named('Content', z.object({ request: Part, response: Part }), 'What was said in one call.');

/** `/audit/{id}/content`: what was asked and answered. Whoever reads it is recorded. */
export function contentRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/audit/:id/content',
    {
      config: { permission: 'content.read' },
      schema: {
        operationId: 'getAuditContent',
        tags: ['audit'],
        summary: 'Read what was said in a call',
        description:
          'Only where the policy keeps it (`retention.content`). Each reading is recorded with who read what before it is answered.',
        params: idParams('Id of the call’s intent, `rec_…`.'),
        response: answers([200, Content], 404),
      },
    },
    async (request) => {
      const { id } = request.params;
      const content = await services.content(id);
      if (content === null) throw new AdminProblem('resource_unknown', 'There is no call with this id.');
      await services.recordAction({ actor: actorOf(request), action: 'content.read', subject: id, after: {} });
      return content;
    },
  );
}
