/** Idempotency keys (draft-ietf-httpapi-idempotency-key-header): a request that is sent again is done once. */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actorOf } from './auth.ts';
import { AdminProblem } from './problems.ts';
import type { AdminApp } from './routes.ts';
import type { AdminServices } from './services.ts';

/** A structured string (RFC 8941 §3.3.3) without escapes, or the same without its quotes. */
const KEY = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]{1,255}))$/;
/** What the next try may answer otherwise: who asks, how often, or a failure of ours. */
const NOT_KEPT = new Set([401, 403, 408, 429]);

interface Begun {
  readonly key: string;
  readonly request: string;
}

const bodies = new WeakMap<FastifyRequest, string>();
const begun = new WeakMap<FastifyRequest, Begun>();

/** Remembers a body as it came, for comparing it with that of a repetition. */
export function rememberBody(request: FastifyRequest, body: Uint8Array): void {
  bodies.set(request, hash(body));
}

/** Heeds the header on every POST that changes something. */
export function heedKeys(api: AdminApp, services: AdminServices): void {
  api.addHook('preHandler', async (request, reply) => beginOrRepeat(services, request, reply));
  api.addHook('onSend', async (request, reply, payload) => {
    await keep(services, { request, reply, payload });
    return payload;
  });
}

/** Whether this operation takes an idempotency key. */
export function takesKey(
  method: string | readonly string[],
  config: { permission?: string; asks?: boolean } = {},
): boolean {
  return method === 'POST' && config.permission !== 'public' && config.asks !== true;
}

async function beginOrRepeat(services: AdminServices, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const { method, routeOptions, headers, url } = request;
  const given = headers['idempotency-key'];
  if (given === undefined || request.is404 || !takesKey(method, routeOptions.config)) return undefined;
  const [, quoted, bare] = KEY.exec(String(given)) ?? [];
  const text = quoted ?? bare;
  if (text === undefined) throw new AdminProblem('invalid', 'idempotency-key is one text of 1 to 255 characters');
  const key = hash(JSON.stringify([actorOf(request), `${method} ${routeOptions.url}`, text]));
  const digest = hash(JSON.stringify([url, bodies.get(request) ?? '', headers['if-match'] ?? null]));
  const found = await services.answers.begin(key, digest);
  if (found.state === 'busy')
    throw new AdminProblem('idempotency_busy', 'The first request with this key has no answer yet.');
  if (found.state === 'other')
    throw new AdminProblem('idempotency_mismatch', 'Its address, body or if-match was another.');
  if (found.state === 'begun') {
    begun.set(request, { key, request: digest });
    return undefined;
  }
  const type = found.status < 400 ? 'application/json; charset=utf-8' : 'application/problem+json';
  return reply.code(found.status).header('idempotent-replayed', 'true').type(type).send(found.body);
}

/** Durable before the answer leaves: who heard that it was done is never told otherwise. */
async function keep(
  services: AdminServices,
  { request, reply, payload }: { request: FastifyRequest; reply: FastifyReply; payload: unknown },
): Promise<void> {
  const mine = begun.get(request);
  if (mine === undefined) return;
  begun.delete(request);
  const { statusCode: status } = reply;
  try {
    if (status >= 500 || NOT_KEPT.has(status)) await services.answers.drop(mine.key);
    else await services.answers.keep(mine.key, { request: mine.request, status, body: String(payload) });
  } catch (error) {
    // It was done and is answered. A repetition hears that nobody knows, which is not worse than before there were keys.
    const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    services.log.error({ operation: 'keep answer', detail }, 'an answer could not be kept for its repetition');
  }
}

function hash(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
