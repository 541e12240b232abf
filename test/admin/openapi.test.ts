import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderOpenapi } from '../../src/doors/admin/describe.ts';

interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content: Record<string, { schema: object }> }>;
}

const file = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
const document = JSON.parse(file);
const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test('docs/openapi.json is what the schemas say today: else run node scripts/openapi.ts', async () => {
  assert.equal(file, await renderOpenapi());
});

test('the document is OpenAPI 3.1 and every operation is described', () => {
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title && document.info.version);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length, 'operationIds are unique');
  assert.ok(ids.length >= 65);
  const tags = new Set(document.tags.map((tag: { name: string }) => tag.name));
  for (const { path, method, operation } of operations) {
    const text = `${method} ${path}`;
    assert.match(path, /^\/api\//, text);
    assert.ok(operation.summary && operation.description, text);
    assert.ok(operation.tags.every((tag) => tags.has(tag)) && operation.tags.length === 1, text);
    const statuses = Object.keys(operation.responses);
    // Or with a proposal, where a second person is needed.
    const good = ['applyPolicy', 'rollbackPolicy'].includes(operation.operationId) ? 2 : 1;
    assert.equal(statuses.filter((status) => /^2\d\d$/.test(status)).length, good, text);
    for (const [status, answer] of Object.entries(operation.responses)) {
      assert.notEqual(answer.description, 'Default Response', text);
      const json = operation.operationId === 'followEvents' ? 'text/event-stream' : 'application/json';
      const wanted = status.startsWith('2') ? json : 'application/problem+json';
      assert.deepEqual(Object.keys(answer.content), [wanted], `${text} ${status}`);
    }
    for (const status of ['400', '401', '403', '500', '503']) assert.ok(statuses.includes(status), `${text} ${status}`);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const declared = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
    assert.deepEqual(
      declared.map((parameter) => parameter.name),
      inPath,
      text,
    );
    assert.ok(
      declared.every((parameter) => parameter.required),
      text,
    );
    if (method === 'get') assert.equal(operation.requestBody, undefined, text);
    const open = operation.security?.length === 0;
    assert.equal(open, ['claimOwner', 'getOpenapi'].includes(operation.operationId), text);
  }
});

test('headers that the door heeds are in the document where it heeds them, and what they lead to', () => {
  const asking = ['checkPolicy', 'diffPolicy', 'explainPolicy', 'replayPolicy', 'testIdentityProvider', 'claimOwner'];
  for (const { method, operation } of operations) {
    const names = (operation.parameters ?? []).filter((one) => one.in === 'header').map(({ name }) => name);
    const keyed = method === 'post' && !asking.includes(operation.operationId);
    assert.equal(names.includes('idempotency-key'), keyed, operation.operationId);
    if (keyed) assert.ok(operation.responses['422'] && operation.responses['409'], operation.operationId);
    assert.equal(names.includes('if-match'), operation.responses['412'] !== undefined, operation.operationId);
  }
  const matching = operations.filter(({ operation }) => operation.responses['412'] !== undefined);
  assert.ok(matching.length >= 17, String(matching.length));
});

test('every reference leads somewhere, and no schema is left over', () => {
  const schemas = Object.keys(document.components.schemas).sort();
  const used = [...file.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, id]) => id);
  assert.deepEqual([...new Set(used)].sort(), schemas);
});
