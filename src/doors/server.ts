import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { ERRORS } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { hostCheck } from './hosts.ts';
import { envelope } from './messages/http-reply.ts';

export interface ServerOptions {
  /** Names under which callers reach this gateway, beside localhost and plain addresses. */
  readonly hosts: readonly string[];
  /** Longest time a request may take to arrive whole, milliseconds. */
  readonly requestMs: number;
}

/** The one HTTP server that every door is registered on. Runtime APIs of serving stay in this file and in http-reply.ts. */
export function createServer(options: ServerOptions): FastifyInstance {
  const isOurs = hostCheck(options.hosts);
  const app = Fastify({
    logger: false,
    // Forwarding headers are never believed unless an operator lists the proxy; none is listed by default.
    trustProxy: false,
    requestTimeout: options.requestMs,
    keepAliveTimeout: 72_000,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 256 },
    http: {
      headersTimeout: 20_000,
      maxHeaderSize: 32 * 1024,
      insecureHTTPParser: false,
      requireHostHeader: true,
      // Else Node keeps the first of two Authorization or Host headers, and a proxy in front may have checked the other.
      joinDuplicateHeaders: true,
    },
    frameworkErrors: badPath,
  });
  // No body is read here, not even of a request for nothing: a door that wants one reads it when it knows who is calling.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  app.addHook('onRequest', (request, reply, done) => {
    if (isOurs(request.headers.host, request.headers.origin)) return done();
    void reply.code(ERRORS.host_unexpected.status).send(plainError('host_unexpected', {}));
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    void reply.code(404).send(plainError('not_found', { path: /^[\w/.-]{1,200}$/.test(path) ? path : 'that path' }));
  });
  return app;
}

/** An error outside any governed message, in Anthropic's envelope. */
function plainError(code: keyof typeof ERRORS, fields: Record<string, string>): object {
  const { status, type, retry, sentence, remedy } = ERRORS[code];
  const filled = sentence.replace(/\{(\w+)\}/g, (_, name: string) => fields[name] ?? '?');
  const message = `${filled} ${remedy}`;
  return envelope({ status, type, message, retry, retryAfter: undefined, record: newId('rec') });
}

/** A path that the router cannot decode never reaches a door. */
function badPath(_error: unknown, _request: unknown, reply: Pick<FastifyReply, 'raw'>): void {
  const body = JSON.stringify(plainError('request_malformed', { reason: 'its path is not valid' }));
  reply.raw.writeHead(400, { 'content-type': 'application/json' }).end(body);
}
