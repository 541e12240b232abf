/**
 * A relay worker: takes callers' connections and does the byte work of their calls. It holds no policy, no directory, no money and
 * no journal; it begins when the ledger process says how and ends when that is gone.
 */
import { rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { Socket } from 'node:net';
import { dirname } from 'node:path';
import { messagesDoor } from '../../doors/messages/door.ts';
import { createServer } from '../../doors/server.ts';
import type { TlsMaterial } from '../../doors/tls.ts';
import { renewTls } from '../../doors/tls-server.ts';
import { watchLoop } from '../../kernel/loop-lag.ts';
import { anthropicUpstream } from '../../upstream/anthropic/upstream.ts';
import { Channel } from './channel.ts';
import { CHANNEL_FD, type ToLedger, type ToWorker, type WorkerOrders } from './messages.ts';
import { passOn } from './pass-on.ts';
import { WorkerCall } from './worker-call.ts';

const ALIVE_MS = 1000;

const calls = new Map<number, WorkerCall>();
let last = 0;
let folder: string | null = null;
let stop = async (): Promise<void> => undefined;
/** Until there is a server: its orders came before whatever renews them. */
let renew = (_material: TlsMaterial): void => undefined;

const channel = new Channel<ToWorker, ToLedger>(new Socket({ fd: CHANNEL_FD }), {
  message(message) {
    if ('call' in message) calls.get(message.call)?.hear(message);
    else if (message.is === 'begin') void begin(message.orders);
    else if (message.is === 'tls') renew(message.material);
    else void stop().then(() => channel.close());
  },
  // Without the ledger nothing may be decided, and nothing that runs could be recorded. One that was killed left its sockets behind.
  closed: () => {
    if (folder !== null) rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  },
});

// The terminal's Ctrl-C reaches every process of the group: when this one ends is for the ledger to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);

async function begin(orders: WorkerOrders): Promise<void> {
  try {
    await serve(orders);
    channel.send({ is: 'serving' });
    sayAlive();
  } catch (error) {
    channel.send({ is: 'unable', message: error instanceof Error ? error.message : String(error) });
  }
}

async function serve(orders: WorkerOrders): Promise<void> {
  const app = createServer(orders.server);
  renew = (material) => renewTls(app, material);
  const upstream = anthropicUpstream({ ...orders.upstream, url: new URL(orders.upstream.url) });
  const { pingMs, ledgerSocket } = orders;
  folder = dirname(ledgerSocket);
  const send = (message: ToLedger): void => channel.send(message);
  await messagesDoor(app, async (envelope) => {
    const call = ++last;
    const running = new WorkerCall({ call, envelope, upstream, pingMs, send });
    calls.set(call, running);
    await running.run().finally(() => calls.delete(call));
  });
  passOn(app, ledgerSocket);
  // Connections come from the ledger. Node looks after slow and idle ones only for a server that listens, so it does, privately.
  await app.listen({ path: `${ledgerSocket}.${process.pid}` });
  process.on('message', (connection, socket) => {
    // Where connections come from and never behind messages, so that the ledger hears of it before a byte is read. Else, when this
    // process dies, another would get the connection and take the rest of a request for a request (P4).
    process.send?.(connection);
    take(app.server, socket as Socket | undefined);
  });
  stop = async () => {
    const closing = app.close();
    app.server.closeIdleConnections();
    setTimeout(() => app.server.closeAllConnections(), 1000).unref();
    await closing;
    await upstream.close();
  };
}

/** A connection that was closed on its way does not arrive. */
function take(server: Server, socket: Socket | undefined): void {
  if (socket === undefined) return;
  // As a server of HTTP makes its own: a caller may end its side while it waits for the answer.
  socket.allowHalfOpen = true;
  server.emit('connection', socket);
  socket.resume();
}

function sayAlive(): void {
  const { lag } = watchLoop();
  setInterval(() => {
    channel.send({ is: 'alive', residentBytes: process.memoryUsage.rss(), lagSeconds: lag.p99() });
  }, ALIVE_MS);
}
