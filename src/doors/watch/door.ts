import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { METRICS_CONTENT_TYPE } from '../../kernel/metrics.ts';

export interface WatchServices {
  readonly metrics: () => string;
  /** Null when calls can be served, else why not. */
  readonly ready: () => string | null;
  /** Rejects when these headers may not read the metrics; null lets everybody. */
  readonly mayReadMetrics: ((headers: IncomingHttpHeaders) => Promise<void>) | null;
}

/**
 * What watches a gateway: `GET /healthz` (the process lives: 200), `GET /readyz` (it can serve: 200, else 503 with the reason),
 * `GET /metrics` (Prometheus text; an admin token is needed unless the configuration opens it).
 */
export async function watchDoor(app: FastifyInstance, services: WatchServices): Promise<void> {
  app.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', async (_request, reply) => {
    const reason = services.ready();
    return reply
      .code(reason === null ? 200 : 503)
      .type('text/plain')
      .send(reason === null ? 'ready\n' : `not ready: ${reason}\n`);
  });
  app.get('/metrics', async (request, reply) => {
    try {
      await services.mayReadMetrics?.(request.headers);
    } catch {
      const hint = 'An admin token is needed: Authorization: Bearer gha_… (or set listen.open_metrics).\n';
      return reply.code(401).header('www-authenticate', 'Bearer').type('text/plain').send(hint);
    }
    return reply.header('content-type', METRICS_CONTENT_TYPE).send(services.metrics());
  });
}
