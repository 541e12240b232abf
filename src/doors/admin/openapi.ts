import type { SwaggerTransformObject } from '@fastify/swagger';
import { createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { type AdminApp, answers } from './routes.ts';
import { apiSchemas } from './schemas.ts';

const TAGS = {
  owner: 'How an installation gets its first owner.',
  people: 'Who may use Claude through this gateway.',
  teams: 'Whom calls and usage are counted for.',
  keys: 'Virtual keys for the model door and admin tokens for this API.',
  stops: 'What is stopped at once, over every policy.',
  grants: 'More than the policy gives, for a time.',
  policy: 'Who may what, and how much: one document, in revisions.',
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
        'Everything an administrator can do. Authenticate with an admin token: `Authorization: Bearer gha_…`. ' +
        'Every error is a problem document (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    components: {
      securitySchemes: {
        admin_token: { type: 'http' as const, scheme: 'bearer', description: 'An admin token, `gha_…`.' },
      },
    },
    security: [{ admin_token: [] }],
  };
}

const withComponents = createJsonSchemaTransformObject({ schemaRegistry: apiSchemas });

type Document = { components?: { schemas?: Record<string, { description?: string }> }; paths?: object };

/** Adds the named schemas, leaves out those nothing refers to, and describes each answer by what it holds. */
export const tidyDocument: SwaggerTransformObject = (input) => {
  const document = withComponents(input) as Document;
  const all = document.components?.schemas ?? {};
  const schemas = reachable(document.paths, all);
  const paths = JSON.parse(JSON.stringify(document.paths ?? {}), (_key, value: unknown) => {
    const answer = value as { description?: string; content?: { 'application/json'?: { schema?: { $ref?: string } } } };
    if (answer?.description !== 'Default Response') return value;
    const id = answer.content?.['application/json']?.schema?.$ref?.split('/').at(-1);
    return { ...answer, description: schemas[id ?? '']?.description ?? 'Done.' };
  });
  return { ...document, paths, components: { ...document.components, schemas } } as ReturnType<SwaggerTransformObject>;
};

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
