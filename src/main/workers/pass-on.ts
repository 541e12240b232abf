import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorBody } from '../../doors/messages/http-reply.ts';
import { Refusal } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { withoutForwarding, withoutHeader } from '../../upstream/headers.ts';

const LEDGERS = ['/api/*', '/healthz', '/readyz', '/metrics', '/signin', '/signin/*', '/account', '/account/*'];

/** Everything beside model calls is answered by the ledger process: what it says is passed on as it is. */
export function passOn(app: FastifyInstance, socketPath: string): void {
  const alone = { exposeHeadRoute: false } as object;
  const pass = (request: FastifyRequest, reply: FastifyReply): void => carry(request, reply, socketPath);
  for (const path of LEDGERS) app.all(path, alone, pass);
  // A probe of it is answered here.
  app.get('/', alone, pass);
}

function carry(request: FastifyRequest, reply: FastifyReply, socketPath: string): void {
  reply.hijack();
  const { raw } = request;
  // The ledger believes this header from this socket alone; what the caller said of itself there is dropped.
  const peer = ['X-Forwarded-For', request.ip];
  const framing = framingOf(raw);
  const headers = [...withoutHeader(withoutForwarding(raw.rawHeaders), 'content-length'), ...framing, ...peer];
  const out = httpRequest({ socketPath, method: raw.method ?? 'GET', path: raw.url ?? '/', headers }, (answer) => {
    reply.raw.writeHead(answer.statusCode ?? 502, withoutForwarding(answer.rawHeaders));
    answer.on('error', () => reply.raw.destroy());
    answer.pipe(reply.raw);
  });
  out.on('error', () => refuse(reply));
  reply.raw.on('close', () => out.destroy());
  raw.on('error', () => out.destroy());
  if (framing.length === 0) out.end();
  else raw.pipe(out);
}

/**
 * How the body is delimited on the way on, said anew. Node writes the body of a GET that says neither as it is: with both taken away as
 * hop-by-hop, or nominated by `Connection`, it would be read as the next request, of whoever its bytes name.
 */
function framingOf({ headers }: IncomingMessage): string[] {
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked'];
  const length = headers['content-length'];
  return length === undefined ? [] : ['Content-Length', length];
}

function refuse({ raw }: FastifyReply): void {
  if (raw.headersSent || raw.destroyed) return void raw.destroy();
  const { message, entry } = new Refusal('overloaded', { retryAfter: 1 });
  const body = errorBody({ type: entry.type, message: `${message} ${entry.remedy}`, record: newId('rec') });
  raw.writeHead(entry.status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
}
