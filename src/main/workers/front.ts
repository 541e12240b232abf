import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { GatehouseConfig } from '../../config.ts';
import { serverOptions } from '../../doors/config.ts';
import type { TlsMaterial } from '../../doors/tls.ts';
import type { Closers } from '../../kernel/closers.ts';
import type { Logger } from '../../kernel/log.ts';
import type { Arrival } from '../../steps/exchange.ts';
import type { AnthropicOptions } from '../../upstream/anthropic/upstream.ts';
import { Fleet } from './fleet.ts';

export interface FrontParts {
  readonly config: GatehouseConfig;
  readonly relay: AnthropicOptions;
  /** Certificates that the workers serve with; null where somebody else does TLS. */
  readonly tls: TlsMaterial | null;
  /** The server of every door but that for model calls. */
  readonly app: FastifyInstance;
  readonly govern: (arrival: Arrival) => Promise<void>;
  readonly log: Logger;
  readonly closers: Closers;
}

/** The address of a socket has 104 bytes on macOS and 108 on Linux; a folder for temporary files may take as many alone. */
const LONGEST_FOLDER = 64;

/**
 * Relay workers in front: they listen where callers come in, and this process serves the other doors to them alone, on a socket in
 * a folder that nobody else may enter.
 */
export async function openFront(parts: FrontParts): Promise<Fleet> {
  const { config, relay, tls, app, govern, log, closers } = parts;
  const folder = await mkdtemp(join(tmpdir().length > LONGEST_FOLDER ? '/tmp' : tmpdir(), 'gatehouse-'));
  closers.add('socket', () => rm(folder, { recursive: true, force: true }));
  const ledgerSocket = join(folder, 'ledger.sock');
  await app.listen({ path: ledgerSocket });
  const { host, port, workers, connections } = config.listen;
  // They divide the connections among them.
  const server = { ...serverOptions(config.listen), connections: Math.ceil(connections / workers), tls };
  const orders = { server, pingMs: config.upstream.ping, ledgerSocket };
  const upstream = { ...relay, url: relay.url.href };
  return new Fleet({
    count: workers,
    listen: { host, port },
    orders: { ...orders, upstream },
    govern,
    log,
    closers,
  });
}
