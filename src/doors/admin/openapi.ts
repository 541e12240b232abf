import type { SwaggerTransformObject } from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { takesKey } from './idempotency.ts';
import { type AdminApp, answers, problem } from './routes.ts';
import { apiSchemas, described } from './schemas.ts';

const TAGS = {
  owner: 'How an installation gets its first owner, and who the primary owner is.',
  account: 'Who is calling.',
  sessions: 'Browsers that are signed in.',
  people: 'Who may use Claude through this gateway.',
  roles: 'Who may do what with Gatehouse itself, and why.',
  identities: 'Who people are at their identity providers.',
  invitations: 'Guests, with an end and somebody who answers for them.',
  'identity providers': 'Where people sign in.',
  teams: 'Whom calls and usage are counted for.',
  keys: 'Virtual keys for the model door and admin tokens for this API.',
  stops: 'What is stopped at once, over every policy.',
  grants: 'More than the policy gives, for a time.',
  policy: 'Who may what, and how much: one document, in revisions.',
  proposals: 'Changes of the policy that wait for a second person.',
  audit: 'The trail of everything that was asked, refused and changed.',
  usage: 'Who used how much.',
  system: 'How Gatehouse is, and its backups.',
};

/** The head of the OpenAPI document. */
export function documentInfo(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse admin API',
      version,
      description:
        'Everything an administrator can do. Authenticate with an admin token (`Authorization: Bearer gha_…`), or with the cookie of a ' +
        'session: then every change carries `x-gatehouse-csrf`. What a role may not do is refused; team leads see and change what belongs ' +
        'to their teams. Every error is a problem document (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    components: {
      securitySchemes: {
        admin_token: { type: 'http' as const, scheme: 'bearer', description: 'An admin token, `gha_…`.' },
        session: {
          type: 'apiKey' as const,
          in: 'cookie',
          name: '__Host-gatehouse-session',
          description: 'A browser that is signed in; over plain HTTP on this machine `gatehouse-session`.',
        },
      },
    },
    security: [{ admin_token: [] }, { session: [] }],
  };
}

const IDEMPOTENCY_KEY = described(
  z.string().min(1).max(257).optional(),
  'A new text for every new request. Sent again with the same key within 24 hours, a request is not done again and gets the same answer.',
);
const IF_MATCH = described(z.string().optional(), 'The `etag` of what you saw: 412 when it is another now.');

const transform = createJsonSchemaTransform({ schemaRegistry: apiSchemas });

/** A route as the document shows it: with the headers that hooks of this door heed, and what they answer. */
export const describeRoute: typeof transform = (input) => {
  const { method, config = {} } = input.route;
  const keyed = takesKey(method, config);
  const headers = {
    ...(keyed ? { 'idempotency-key': IDEMPOTENCY_KEY } : {}),
    ...(config.matches ? { 'if-match': IF_MATCH } : {}),
  };
  if (Object.keys(headers).length === 0) return transform(input);
  const more = {
    ...(keyed ? { 409: problem(409), 422: problem(422) } : {}),
    ...(config.matches ? { 412: problem(412) } : {}),
  };
  const schema = {
    ...input.schema,
    headers: z.object(headers),
    response: { ...more, ...(input.schema.response as object) },
  };
  return transform({ ...input, schema } as typeof input);
};

const withComponents = createJsonSchemaTransformObject({ schemaRegistry: apiSchemas });

type Document = { components?: { schemas?: Record<string, { description?: string }> }; paths?: object };

/** Adds the named schemas, leaves out those nothing refers to, and describes each answer by what it holds. */
export const tidyDocument: SwaggerTransformObject = (input) => {
  const document = withComponents(input) as Document;
  const all = document.components?.schemas ?? {};
  const schemas = reachable(document.paths, all);
  const paths = JSON.parse(JSON.stringify(document.paths ?? {}), (_key, value: unknown) => {
    if (isOptionalBody(value)) return { ...value, required: false };
    const answer = value as { description?: string; content?: { 'application/json'?: { schema?: { $ref?: string } } } };
    if (answer?.description !== 'Default Response') return value;
    const id = answer.content?.['application/json']?.schema?.$ref?.split('/').at(-1);
    return { ...answer, description: schemas[id ?? '']?.description ?? 'Done.' };
  });
  return { ...document, paths, components: { ...document.components, schemas } } as ReturnType<SwaggerTransformObject>;
};

/** A body without a field that must be there may be left out. */
function isOptionalBody(value: unknown): value is object {
  const body = value as { required?: unknown; content?: { 'application/json'?: { schema?: Record<string, unknown> } } };
  const schema = body?.required === true ? body.content?.['application/json']?.schema : undefined;
  return schema?.type === 'object' && schema.required === undefined;
}

/** The schemas that `from` refers to, and those that these refer to. */
function reachable<T>(from: unknown, all: Readonly<Record<string, T>>): Record<string, T> {
  const found: Record<string, T> = {};
  const open = [from];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const [, id = ''] of JSON.stringify(next).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const schema = all[id];
      if (schema === undefined || id in found) continue;
      found[id] = schema;
      open.push(schema);
    }
  }
  return found;
}

/** `/openapi.json`: this API's own description, for anybody. */
export function openapiRoutes(app: AdminApp): void {
  app.get(
    '/openapi.json',
    {
      config: { permission: 'public' },
      schema: {
        operationId: 'getOpenapi',
        tags: ['system'],
        summary: 'Show the OpenAPI document',
        description: 'OpenAPI 3.1, made from the schemas that validate the requests.',
        security: [],
        response: answers([200, z.looseObject({})]),
      },
    },
    async () => ({ ...app.swagger() }),
  );
}
