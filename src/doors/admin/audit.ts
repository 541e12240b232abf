import { z } from 'zod';
import type { JournalRecord } from '../../journal/records.ts';
import { AdminProblem } from './problems.ts';
import { Kinds, kindsIn } from './record-kinds.ts';
import { type AdminApp, answers } from './routes.ts';
import { described, idParams, line, named, nextCursor, paging } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView } from './view.ts';

const AuditRecord = named(
  'AuditRecord',
  z.looseObject({
    seq: described(z.number().int(), 'Position in the chain.'),
    prev: described(z.string(), 'SHA-256 of the record before it.'),
    id: described(z.string(), 'Id, `rec_…`.'),
    at: described(z.string(), 'When it was written, ISO 8601, UTC.'),
    kind: described(z.string(), '`intent`, `outcome`, `refusal`, `change`, …'),
  }),
  'A record of the audit trail as it was written; further fields depend on its kind.',
);

const Names = named(
  'Names',
  z.record(z.string(), z.string()),
  'Names of the ids in the records, from today’s directory: the trail itself holds no names of people.',
);

const Head = named(
  'AuditHead',
  z.object({
    writer: described(z.string(), 'Which process writes this chain.'),
    seq: described(z.number().int(), 'Position of the newest record.'),
    hash: described(z.string(), 'SHA-256 of the newest record.'),
    segment: described(z.string(), 'File it stands in.'),
    durability: described(z.enum(['synced', 'written']), '`written` survives the process, not the power.'),
    trouble: described(z.string().nullable(), 'Why nothing can be recorded now, or null.'),
    verify: described(z.string(), 'The command that checks the chain.'),
  }),
  'Where the audit trail stands.',
);

const moment = (description: string) =>
  described(
    z
      .union([z.iso.datetime({ offset: true }), z.iso.date()], 'must be a date or an instant, such as 2026-11-24')
      .optional(),
    description,
  );

const Filters = z.strictObject({
  ...paging(500),
  order: described(z.enum(['newest', 'oldest']).default('newest'), 'Which record comes first.'),
  kind: Kinds.optional(),
  who: line(254, 'Only this person or service, by id or name.').optional(),
  key: line(60, 'Only this key, by id.').optional(),
  team: line(64, 'Only this team, by id or name.').optional(),
  model: line(200, 'Only this model.').optional(),
  session: line(200, 'Only this session of a client, as the client named it.').optional(),
  result: line(100, 'Only this result (`ok`, `error`, `refused`, …) or error code.').optional(),
  from: moment('Only from this time on: a date or an instant, ISO 8601.'),
  to: moment('Only up to this time; a date means its end, UTC.'),
  after_seq: described(z.coerce.number().int().min(0).optional(), 'Only records after this position.'),
});

/** `/audit`: the trail, read through its views. */
export function auditRoutes(app: AdminApp, services: AdminServices): void {
  searchRoute(app, services);
  readRoutes(app, services);
}

function searchRoute(app: AdminApp, services: AdminServices): void {
  app.get(
    '/audit',
    {
      config: { permission: 'audit.read' },
      schema: {
        operationId: 'searchAudit',
        tags: ['audit'],
        summary: 'Search the audit trail',
        description: 'Filters are combined with “and”. To follow the tail ask with `order=oldest` and `after_seq`.',
        querystring: Filters,
        response: answers([200, z.object({ records: z.array(AuditRecord), names: Names, cursor: nextCursor })], 404),
      },
    },
    async ({ query }) => {
      const [from, to] = periodOf(query);
      const mark = query.order === 'oldest' ? 'o' : 'n';
      if (query.cursor !== undefined && !new RegExp(`^${mark}\\d{1,15}$`).test(query.cursor)) {
        throw new AdminProblem('invalid', 'cursor is not one that this list gave out in this order');
      }
      const view = new DirectoryView(await services.directory());
      const page = await services.projections.audit({
        oldestFirst: query.order === 'oldest',
        limit: query.limit,
        cursor: query.cursor,
        kinds: query.kind === undefined ? undefined : kindsIn(query.kind),
        who: query.who === undefined ? undefined : idOf(view, query.who),
        key: query.key,
        team: query.team === undefined ? undefined : teamIdOf(view, query.team),
        model: query.model,
        session: query.session,
        result: query.result,
        from,
        to,
        afterSeq: query.after_seq,
      });
      return { records: [...page.records], names: namesIn(view, page.records), cursor: page.cursor };
    },
  );
}

function readRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/audit/head',
    {
      config: { permission: 'audit.read' },
      schema: {
        operationId: 'getAuditHead',
        tags: ['audit'],
        summary: 'Show where the trail stands',
        description: 'The newest record’s hash, to be kept elsewhere and compared later.',
        response: answers([200, Head]),
      },
    },
    async () => ({
      ...services.journal.head,
      durability: services.durability,
      trouble: services.journal.trouble,
      verify: 'gatehouse audit verify --journal <folder> --checkpoint <file kept elsewhere>',
    }),
  );

  app.get(
    '/audit/:id',
    {
      config: { permission: 'audit.read' },
      schema: {
        operationId: 'getAuditRecord',
        tags: ['audit'],
        summary: 'Show a record and what belongs to it',
        description: 'For a call: intent, attempts and outcome, oldest first.',
        params: idParams('Id of the record, `rec_…`, as shown to the caller in an error.'),
        response: answers([200, z.object({ records: z.array(AuditRecord), names: Names })], 404),
      },
    },
    async ({ params }) => {
      const records = await services.projections.show(params.id);
      if (records.length === 0) throw new AdminProblem('resource_unknown', 'There is no record with this id.');
      const view = new DirectoryView(await services.directory());
      return { records: [...records], names: namesIn(view, records) };
    },
  );
}

/** An id stays: the trail also holds ids that the directory no longer knows. A name must be known. */
function idOf(view: DirectoryView, idOrName: string): string {
  if (/^(per|svc)_/.test(idOrName)) return idOrName;
  const found = view.findParty(idOrName);
  if (!found) throw new AdminProblem('resource_unknown', 'There is no person or service with this name.');
  return found.id;
}

function teamIdOf(view: DirectoryView, idOrName: string): string {
  return /^tea_/.test(idOrName) ? idOrName : view.team(idOrName).id;
}

/** A period that ends before it begins would find nothing as well. */
function periodOf(query: { from?: string | undefined; to?: string | undefined }) {
  const from = query.from === undefined ? undefined : startOf(query.from);
  const to = query.to === undefined ? undefined : endOf(query.to);
  if (from !== undefined && to !== undefined && from > to) {
    throw new AdminProblem('invalid', '`from` is later than `to`.');
  }
  return [from, to] as const;
}

function startOf(text: string): string {
  return new Date(text).toISOString();
}

function endOf(text: string): string {
  return text.includes('T') ? new Date(text).toISOString() : `${text}T23:59:59.999Z`;
}

/** Fields of records that hold ids with a name. */
const NAMED_FIELDS = ['who', 'team', 'actor', 'subject'];

function namesIn(view: DirectoryView, records: readonly JournalRecord[]): Record<string, string> {
  const ids = new Set(records.flatMap((record) => NAMED_FIELDS.map((field) => record[field])));
  const names: [string, string][] = [];
  for (const id of ids) {
    const name = typeof id === 'string' ? view.nameOf(id) : null;
    if (typeof id === 'string' && name !== null) names.push([id, name]);
  }
  return Object.fromEntries(names);
}
