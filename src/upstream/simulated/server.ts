import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { systemClock } from '../../kernel/clock.ts';
import { LARGEST_BODY, readBody } from './body.ts';
import { apiError } from './envelope.ts';
import { MessagesApi } from './messages.ts';
import { findModel, pageOfModels } from './models.ts';
import { HungUp, Outlet } from './outlet.ts';
import { type Pace, type Stage, sendError, sendJson } from './play.ts';
import { ReceivedLog, type ReceivedRequest } from './received.ts';

export type { ReceivedRequest } from './received.ts';

export interface SimulatedUpstream {
  /** `http://127.0.0.1:PORT`, no slash at the end. */
  readonly url: string;
  /** What arrived, oldest first: a live view, bounded to the last 1000 requests and 256 MiB of bodies. */
  readonly received: readonly ReceivedRequest[];
  /** Stops listening and destroys every connection. May be called again. */
  close(): Promise<void>;
}

export interface SimulatedUpstreamOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** `instant` (default) never waits unless a directive says so; `realistic` takes 300 ms to begin and 25 ms a delta. */
  readonly pace?: 'instant' | 'realistic';
  /** Default `simulated-key`; anything else is answered 401. */
  readonly requiredKey?: string;
  /** Default true. False keeps nothing, for long demos. */
  readonly keepReceived?: boolean;
}

const PACES: Readonly<Record<'instant' | 'realistic', Pace>> = {
  instant: { firstByte: 0, betweenDeltas: 0 },
  realistic: { firstByte: 300, betweenDeltas: 25 },
};

/**
 * Starts a deterministic stand-in for the Claude API on a loopback port, for the demo and for tests. It speaks
 * /v1/messages (JSON and stream), /v1/messages/count_tokens and /v1/models in Anthropic's wire format and says in every
 * answer that it is simulated. `[[sim:…]]` directives in the prompt choose what happens. Rejects when the port is taken.
 */
export async function startSimulatedUpstream(options: SimulatedUpstreamOptions = {}): Promise<SimulatedUpstream> {
  const host = options.host ?? '127.0.0.1';
  const log = new ReceivedLog(options.keepReceived ?? true);
  const simulation = new Simulation(log, PACES[options.pace ?? 'instant'], options.requiredKey ?? 'simulated-key');
  const server = createServer((request, response) => void simulation.serve(request, response));
  // Longer than the idle timeout of pooled clients, so that none of them writes into a connection being closed.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    received: log.requests,
    async close() {
      simulation.closing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

class Simulation {
  /** Set before connections are destroyed from this side, so that no caller is blamed for it. */
  closing = false;
  readonly #log: ReceivedLog;
  readonly #pace: Pace;
  readonly #key: string;
  readonly #messages = new MessagesApi();
  #requests = 0;

  constructor(log: ReceivedLog, pace: Pace, key: string) {
    this.#log = log;
    this.#pace = pace;
    this.#key = key;
  }

  /** Answers one request. Never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = `req_sim_${String(++this.#requests).padStart(8, '0')}`;
    const headers = { 'request-id': requestId, 'x-gatehouse-simulated': 'true' };
    const entry = this.#log.open(request, systemClock.now());
    const outlet = new Outlet(response, () => {
      if (!this.closing) entry.aborted = true;
    });
    const stage: Stage = { outlet, pace: this.#pace, headers, requestId };
    try {
      const body = await readBody(request);
      if (body === undefined) {
        // The rest of the body is still coming: this connection cannot carry another request.
        const closing = { ...stage, headers: { ...headers, connection: 'close' } };
        return sendError(closing, apiError(413, `Request exceeds the maximum size of ${LARGEST_BODY} bytes`));
      }
      this.#log.complete(entry, body);
      await this.#route(request, body, stage);
    } catch (error) {
      if (error instanceof HungUp || response.destroyed) return;
      const message = `The simulation failed: ${error instanceof Error ? error.message : 'unknown error'}`;
      if (response.headersSent) response.destroy();
      else sendError(stage, apiError(500, message));
    }
  }

  async #route(request: IncomingMessage, body: Buffer, stage: Stage): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '/').split('?', 2);
    const route = `${request.method} ${path}`;
    if (route === 'HEAD /') {
      stage.outlet.head(200, stage.headers);
      return stage.outlet.end();
    }
    const problem = keyProblem(request, this.#key);
    if (problem !== undefined) return sendError(stage, apiError(401, problem));
    if (route === 'POST /v1/messages') return this.#messages.create(body, stage);
    if (route === 'POST /v1/messages/count_tokens') return this.#messages.count(body, stage);
    if (route === 'GET /v1/models') {
      const page = pageOfModels(new URLSearchParams(query));
      return 'status' in page ? sendError(stage, page) : sendJson(stage, JSON.stringify(page));
    }
    const id = /^GET \/v1\/models\/([^/]+)$/.exec(route)?.[1];
    const model = id === undefined ? undefined : findModel(id);
    if (model !== undefined) return sendJson(stage, JSON.stringify(model));
    sendError(stage, apiError(404, id === undefined ? 'Not found' : `model: ${id.slice(0, 200)}`));
  }
}

/** What is wrong with the credential, undefined when it is right. An API key that is sent is what counts, as on the API. */
function keyProblem(request: IncomingMessage, key: string): string | undefined {
  const apiKey = request.headers['x-api-key'];
  if (apiKey !== undefined) return apiKey === key ? undefined : 'invalid x-api-key';
  const authorization = request.headers.authorization;
  if (authorization === undefined) return 'x-api-key header is required';
  return authorization === `Bearer ${key}` ? undefined : 'Invalid bearer token';
}
