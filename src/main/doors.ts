import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { adminDoor } from '../doors/admin/door.ts';
import { mustPermit } from '../doors/admin/permissions.ts';
import { serverOptions } from '../doors/config.ts';
import { messagesDoor } from '../doors/messages/door.ts';
import { createServer } from '../doors/server.ts';
import { signInDoor } from '../doors/signin/door.ts';
import { renewTls } from '../doors/tls-server.ts';
import { watchDoor } from '../doors/watch/door.ts';
import { govern } from '../pipeline.ts';
import { LocalCarrier } from '../steps/carry/local.ts';
import { metering } from '../steps/metering.ts';
import type { ContentKeeper, Services } from '../steps/services.ts';
import type { AnthropicOptions } from '../upstream/anthropic/upstream.ts';
import type { Upstream } from '../upstream/ports.ts';
import { adminServices } from './admin.ts';
import type { OpenGovernance } from './governance.ts';
import { adminCallers, callers } from './identity/callers.ts';
import { openIdentity } from './identity/open.ts';
import { signInServices } from './identity/services.ts';
import type { State, StateParts } from './state.ts';
import type { OpenTls } from './tls.ts';
import { measureWorkers, type Watch } from './watch.ts';
import { openFront } from './workers/front.ts';

export interface DoorParts extends StateParts {
  readonly state: State;
  readonly upstream: Upstream;
  /** What relay workers open the same upstream with. */
  readonly relay: AnthropicOptions;
  readonly watch: Watch;
  readonly governance: OpenGovernance;
  readonly version: string;
  /** Where references to secrets look. */
  readonly env: NodeJS.ProcessEnv;
  /** Null where somebody else does TLS. */
  readonly tls: OpenTls | null;
  readonly beforeStep?: Services['beforeStep'] | undefined;
}

export interface Doors {
  /** Resolves with the address once callers are served. */
  listen(): Promise<string>;
  /** Takes no new call; resolves when the running ones have ended, at the latest after `ms`, when they are cut. */
  drain(ms: number): Promise<void>;
}

/** Registers every door on one server. */
export async function openDoors(parts: DoorParts): Promise<Doors> {
  const { config, state, closers, watch, tls } = parts;
  let draining = false;
  const { workers } = config.listen;
  // Relay workers end TLS where callers come in; to this process they speak over a socket that nobody else may reach.
  const behindWorkers = workers > 0;
  const material = tls?.material ?? null;
  const app = createServer({ ...serverOptions(config.listen), behindWorkers, tls: behindWorkers ? null : material });
  closers.add('server', () => closeServer(app));
  const services = pathServices(parts, () => draining);
  const { upstream } = parts;
  const pingMs = config.upstream.ping;
  if (workers === 0) {
    await messagesDoor(app, (envelope) => {
      return govern({ envelope, carrier: new LocalCarrier(envelope, { upstream, pingMs }) }, services);
    });
  }
  await watchDoor(app, {
    metrics: () => watch.metrics.render(),
    ready: () => (draining ? 'draining' : watch.notReady()),
    mayReadMetrics: config.listen.open_metrics ? null : metricsReaders(parts),
  });
  const identity = openIdentity(parts);
  await signInDoor(app, signInServices(identity));
  await adminDoor(app, adminServices(identity));
  const fleet =
    workers === 0
      ? null
      : await openFront({ ...parts, tls: material, app, govern: (arrival) => govern(arrival, services) });
  if (fleet !== null) measureWorkers(watch.metrics, fleet);
  tls?.onRenewed((renewed) => (fleet === null ? renewTls(app, renewed) : fleet.renewTls(renewed)));
  return {
    listen: async () => {
      if (fleet === null) await app.listen({ host: config.listen.host, port: config.listen.port });
      const address = fleet === null ? (app.server.address() as AddressInfo) : await fleet.listen();
      return urlOf(address, tls === null ? 'http' : 'https');
    },
    async drain(ms) {
      draining = true;
      await idle(() => state.openCalls.count, ms);
      state.openCalls.cut(() => true, 'draining');
      // The cut calls say goodbye and settle; that takes no longer than a slow socket may.
      await idle(() => state.openCalls.count, 2000);
    },
  };
}

/** Machines read metrics with an admin token of somebody who may read them; sessions do not, they are for browsers. */
function metricsReaders(parts: DoorParts) {
  const identified = adminCallers(parts);
  return async (headers: IncomingHttpHeaders): Promise<void> => {
    const { principal } = await identified({ headers, session: null });
    mustPermit(principal, 'system.read');
  };
}

function pathServices(parts: DoorParts, draining: () => boolean): Services {
  const { config, state, upstream, clock, log, watch, governance } = parts;
  return {
    clock,
    log,
    metering: metering(watch.metrics),
    journal: state.journal,
    identify: callers(parts, 'key'),
    governance: () => governance.keeper.current,
    openCalls: state.openCalls,
    rates: state.rates,
    ledger: state.ledger,
    estimator: state.estimator,
    spendingUnknown: (facts) => governance.spending.isUnknown(facts),
    refusals: state.refusals,
    upstream,
    stranger: (code, x) => state.strangers.count(code, x.envelope.peer, x.client.user_agent),
    limits: { bodyBytes: config.limits.body },
    draining,
    content: contentKeeper(parts),
    ...(parts.beforeStep === undefined ? {} : { beforeStep: parts.beforeStep }),
  };
}

function contentKeeper({ config, state }: DoorParts): ContentKeeper {
  return {
    maxBytes: config.journal.content_bytes,
    seal: (part, x, body) =>
      state.vault.seal({ intent: x.id, who: x.principal.value.id, part, body }, config.journal.content_bytes),
  };
}

function urlOf({ address, port }: Pick<AddressInfo, 'address' | 'port'>, scheme: 'http' | 'https'): string {
  return `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Resolves when nothing is open any more, or after `ms`. */
async function idle(open: () => number, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (open() > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 25));
}

async function closeServer(app: FastifyInstance): Promise<void> {
  const closing = app.close();
  app.server.closeIdleConnections();
  // Whoever has been answered and keeps the connection, or never sent anything, does not hold up the end.
  setTimeout(() => app.server.closeAllConnections(), 1000).unref();
  await closing;
}
