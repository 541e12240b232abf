import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Action } from '../../journal/bodies.ts';
import type { HeldEnvelope } from '../../steps/exchange.ts';
import { HttpReply } from './http-reply.ts';
import { RequestBody } from './request-body.ts';

/** Takes an envelope through the pipeline; injected so that the door knows nothing of what stands behind. */
export type Govern = (envelope: HeldEnvelope) => Promise<void>;

/**
 * The Messages door: `POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models`, `GET /v1/models/{id}`, the probes
 * `HEAD /` and `HEAD /api/hello`, and `GET /api/oauth/usage`, by which the client's `/usage` shows what is left. Matched on the
 * path alone: the client adds `?beta=true`.
 */
export async function messagesDoor(app: FastifyInstance, govern: Govern): Promise<void> {
  await app.register(async (scope) => {
    const serve = (
      action: Action,
      pathOf: (request: FastifyRequest) => string = ({ routeOptions }) => routeOptions.url ?? '',
    ) => ({
      exposeHeadRoute: false,
      // Taken over before Fastify looks for a body and validates: the pipeline does both itself, and in its own order.
      onRequest(request: FastifyRequest, reply: FastifyReply, _next: () => void): void {
        reply.hijack();
        void govern(envelopeOf(action, pathOf(request), { request, reply }));
      },
      handler: taken,
    });
    scope.post('/v1/messages', serve('model.call'));
    scope.post('/v1/messages/count_tokens', serve('model.count'));
    scope.get('/v1/models', serve('model.list'));
    scope.get(
      '/v1/models/:id',
      serve('model.list', ({ params }) => `/v1/models/${encodeURIComponent((params as { id: string }).id)}`),
    );
    scope.get('/api/oauth/usage', serve('usage.own'));
    scope.head('/', (_request, reply) => reply.send());
    scope.head('/api/hello', (_request, reply) => reply.send());
  });
}

/** Never reached: a governed message is taken over before. */
function taken(): never {
  throw new Error('a governed message was not taken over');
}

function envelopeOf(action: Action, path: string, io: { request: FastifyRequest; reply: FastifyReply }): HeldEnvelope {
  const { raw: request } = io.request;
  const response = io.reply.raw;
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new Error('the caller hung up'));
  });
  // A socket that breaks while its request is read is reported to the reader; nobody else needs to hear of it.
  request.on('error', () => undefined);
  const isPost = request.method === 'POST';
  return {
    action,
    path,
    query: queryOf(request.url ?? ''),
    method: isPost ? 'POST' : 'GET',
    rawHeaders: request.rawHeaders,
    headers: request.headers,
    contentLength: lengthOf(request.headers['content-length']),
    hasBody: isPost,
    body: isPost ? new RequestBody(request) : null,
    gone: gone.signal,
    peer: io.request.ip,
    reply: new HttpReply(request, response),
  };
}

function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

function lengthOf(header: string | undefined): number | null {
  return header === undefined ? null : Number(header);
}
