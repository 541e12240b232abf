/** A server that a fetcher is sent to, and fetchers that may reach it. */
import type { LookupAddress } from 'node:dns';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { FetchFailure } from '../../src/net/failure.ts';
import { type FetcherOptions, type SafeFetcher, safeFetcher } from '../../src/net/fetcher.ts';
import { type Identity, issue } from './certificates.ts';

/** The authority of this run. */
export const CA = issue({ name: 'test authority', authority: true });
/** For the name of a provider, and for no other. */
export const IDP = issue({ name: 'idp.example.com', by: CA });

export interface Outside {
  readonly port: number;
  /** Connections that were opened. */
  connections(): number;
  /** Requests, `GET /path`. */
  readonly seen: string[];
}

/** Serves https, or http without an identity, until the test is over. */
export async function outside(
  t: TestContext,
  serve: RequestListener,
  identity: Identity | null = IDP,
): Promise<Outside> {
  const seen: string[] = [];
  const listener: RequestListener = (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    serve(request, response);
  };
  const server =
    identity === null
      ? createServer(listener)
      : createTlsServer({ cert: identity.certificate, key: identity.key }, listener);
  return { seen, ...(await listening(t, server)) };
}

/** Serves bytes as they are. */
export async function outsideRaw(t: TestContext, serve: (socket: Socket) => void): Promise<Omit<Outside, 'seen'>> {
  return listening(t, createTcpServer(serve));
}

async function listening(t: TestContext, server: Server): Promise<Omit<Outside, 'seen'>> {
  const sockets = new Set<Socket>();
  let count = 0;
  server.on('connection', (socket: Socket) => {
    count++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, connections: () => count };
}

export const at = (...addresses: string[]): LookupAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

/** A fetcher that may reach this machine, and to which every name is on it, unless told. */
export function fetcher(t: TestContext, options: Partial<FetcherOptions> = {}): SafeFetcher {
  const made = safeFetcher({
    allow: ['127.0.0.1'],
    plain: [],
    ca: CA.certificate,
    lookUp: async () => at('127.0.0.1'),
    ...options,
  });
  t.after(() => made.close());
  return made;
}

/** Why it cannot be fetched: `reason: message`. */
export async function failure(fetching: Promise<unknown>): Promise<string> {
  try {
    await fetching;
  } catch (error) {
    if (error instanceof FetchFailure) return `${error.reason}: ${error.message}`;
    throw error;
  }
  return 'it was fetched';
}
