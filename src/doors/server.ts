import type { ServerOptions as HttpOptions, IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { Refusal } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { maskSecrets } from '../kernel/redact.ts';
import { Connections } from './connections.ts';
import { hostCheck } from './hosts.ts';
import { errorBody } from './messages/http-reply.ts';
import { peerReader } from './peer.ts';
import type { TlsMaterial } from './tls.ts';
import { tlsServer } from './tls-server.ts';
import { STRICT_LINE, StrictResponse } from './tls-strict.ts';
import { takeTurns } from './turns.ts';

export interface ServerOptions {
  /** Names under which callers reach this gateway, beside localhost and plain addresses. */
  readonly hosts: readonly string[];
  /** Longest time a request may take to arrive whole, milliseconds. */
  readonly requestMs: number;
  /** Open connections in all; 10,000 unless told. */
  readonly connections?: number;
  /** How long nothing of an answer may be taken before its connection is broken, milliseconds; two minutes unless told. */
  readonly stallMs?: number;
  /** Reached through our own relay workers alone, which say who the peer is. Default false. */
  readonly behindWorkers?: boolean;
  /** Networks of proxies that say who their caller is (`X-Forwarded-For`). Default none: that header is then anybody's claim. */
  readonly trustedProxies?: readonly string[];
  /** Serve TLS with these certificates. Default: plain HTTP. */
  readonly tls?: TlsMaterial | null;
  /** Tell browsers to come by https alone (`Strict-Transport-Security`, RFC 6797): where callers reach this by https. Default false. */
  readonly hsts?: boolean;
}

/** How often connections are looked at, for slow requests and slow readers. */
const LOOK_MS = 5000;
/** Where a page of another site may post to: a SAML provider answers through the browser, from an origin of its own. */
const FROM_ELSEWHERE = /^\/signin\/saml\/[A-Za-z0-9-]{1,32}$/;

/** The one HTTP server that every door is registered on. Runtime APIs of serving stay in this file and in http-reply.ts. */
export function createServer(options: ServerOptions): FastifyInstance {
  const isOurs = hostCheck(options.hosts);
  const { trustedProxies = [], behindWorkers = false, hsts = false, tls = null } = options;
  const peerOf = peerReader({ trustedProxies, behindWorkers });
  const inTurn = takeTurns();
  const http: HttpOptions = {
    headersTimeout: 20_000,
    // How often slow requests are looked for. Node's half a minute would let a head take twice the time above.
    connectionsCheckingInterval: LOOK_MS,
    maxHeaderSize: 32 * 1024,
    insecureHTTPParser: false,
    requireHostHeader: true,
    // Else Node keeps the first of two Authorization or Host headers, and a proxy in front may have checked the other.
    joinDuplicateHeaders: true,
    ...(hsts ? { ServerResponse: StrictResponse } : {}),
  };
  const patience = { requestTimeout: options.requestMs, keepAliveTimeout: 72_000 };
  const app = Fastify<Server>({
    logger: false,
    // No header says who or where a caller is, nor by which name or protocol it came, but as peer.ts reads it.
    trustProxy: false,
    ...patience,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 256 },
    http,
    ...(tls === null ? {} : { serverFactory: tlsServer(tls, { ...http, ...patience }) }),
    frameworkErrors: badPath,
    clientErrorHandler: badFraming(hsts),
  });
  // No body is read here, not even of a request for nothing: a door that wants one reads it when it knows who is calling.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  const { connections: most = 10_000, stallMs = 120_000 } = options;
  const connections = new Connections(app.server, { most, stallMs, lookMs: Math.min(LOOK_MS, stallMs / 4) });
  app.addHook('preClose', (done) => {
    connections.endHandshakes();
    done();
  });
  app.addHook('onRequest', (request, reply, done) => {
    connections.serving(request.raw.socket, reply.raw);
    Object.defineProperty(request, 'ip', { value: peerOf(request.raw), enumerable: true });
    inTurn(request.raw, reply.raw, () => {
      if (!isSpoken(request.raw)) {
        void reply
          .code(400)
          .header('connection', 'close')
          .type('application/json')
          .send(malformed('it is not HTTP/1.1'));
        return;
      }
      const { host, origin } = request.headers;
      const isAnswer = request.method === 'POST' && FROM_ELSEWHERE.test(request.url);
      if (isOurs(host, isAnswer ? undefined : origin)) return done();
      const refusal = new Refusal('host_unexpected');
      void reply.code(refusal.entry.status).send(plainError(refusal));
    });
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    // Clients log what they are told, and a key pasted into the base address stands in the path (P5).
    const fields = { path: /^[\w/.-]{1,200}$/.test(path) ? maskSecrets(path) : 'that path' };
    void reply.code(404).send(plainError(new Refusal('not_found', { fields })));
  });
  return app;
}

/** Node's parser takes `HTTP/2.0` and `HTTP/0.9` on a request line for versions that it then answers as 1.1. */
function isSpoken({ httpVersion }: IncomingMessage): boolean {
  return httpVersion === '1.1' || httpVersion === '1.0';
}

/** An error outside any governed message, in Anthropic's envelope. */
function plainError({ message, entry: { type, remedy } }: Refusal): object {
  return errorBody({ type, message: `${message} ${remedy}`, record: newId('rec') });
}

function malformed(reason: string): string {
  return JSON.stringify(plainError(new Refusal('request_malformed', { fields: { reason } })));
}

/** A path that the router cannot decode never reaches a door. */
function badPath(_error: unknown, _request: unknown, reply: Pick<FastifyReply, 'raw'>): void {
  reply.raw.writeHead(400, { 'content-type': 'application/json' }).end(malformed('its path is not valid'));
}

/** What the parser of HTTP gives up on, by its code; anything else is a 400. */
const FRAMING: Readonly<Record<string, readonly [status: string, reason: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'it did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'its headers are larger than 32 KiB'],
};

/**
 * Says once what was wrong and ends the connection. Only where nothing was said yet: behind the beginning of an answer these
 * bytes would be read as part of it.
 */
function badFraming(hsts: boolean): (error: Error & { readonly code?: string }, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    if (socket.writable && socket.bytesWritten === 0) {
      const [status, reason] = FRAMING[error.code ?? ''] ?? ['400 Bad Request', 'it is not valid HTTP'];
      const body = malformed(reason);
      const length = Buffer.byteLength(body);
      const type = `Content-Type: application/json\r\nContent-Length: ${length}\r\n${hsts ? STRICT_LINE : ''}`;
      socket.write(`HTTP/1.1 ${status}\r\n${type}Connection: close\r\n\r\n${body}`);
    }
    socket.destroy(error);
  };
}
