import fastify from 'fastify';
import { adminDoor } from './door.ts';
import type { AdminServices } from './services.ts';

/**
 * The OpenAPI document as text, keys sorted. The door is built without services: describing a route calls none of them.
 * The version is that of the API, not of a release, so that the text changes only when the API does.
 */
export async function renderOpenapi(): Promise<string> {
  const unused = new Proxy({ version: '1' } as AdminServices, {
    get: (target, name, receiver) =>
      name === 'version' || name === 'clock' ? Reflect.get(target, name, receiver) : {},
  });
  const app = fastify();
  await adminDoor(app, unused);
  const answer = await app.inject({ url: '/api/openapi.json' });
  await app.close();
  return `${print(answer.json(), '', 0)}\n`;
}

const WIDTH = 120;

/** JSON as this repository's formatter writes it, keys sorted. `column` is where the value starts. */
function print(value: unknown, indent: string, column: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items = value.map((item) => print(item, inner, inner.length));
    const oneLine = `[${items.join(', ')}]`;
    const scalars = value.every((item) => typeof item !== 'object');
    if (items.length === 0 || (scalars && column + oneLine.length + 1 <= WIDTH)) return oneLine;
    return `[\n${items.map((item) => inner + item).join(',\n')}\n${indent}]`;
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return '{}';
  const lines = entries.map(([name, item]) => {
    const key = `${inner}${JSON.stringify(name)}: `;
    return key + print(item, inner, key.length);
  });
  return `{\n${lines.join(',\n')}\n${indent}}`;
}
