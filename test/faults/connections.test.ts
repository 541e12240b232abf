import assert from 'node:assert/strict';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { messagesDoor } from '../../src/doors/messages/door.ts';
import { createServer, type ServerOptions } from '../../src/doors/server.ts';
import type { Envelope } from '../../src/steps/exchange.ts';
import { until } from '../support/gateway.ts';

interface Served {
  readonly port: number;
  /** Calls that arrived and were not answered yet. */
  readonly calls: Envelope[];
  /** Connections that are open on the server's side. */
  readonly open: () => number;
}

/** The real server and door; the test answers the calls itself. */
async function serve(t: TestContext, options: Partial<ServerOptions>): Promise<Served> {
  const calls: Envelope[] = [];
  const app = createServer({ hosts: [], requestMs: 30_000, ...options });
  let connections = 0;
  app.server.on('connection', (socket) => {
    connections++;
    socket.once('close', () => connections--);
  });
  await messagesDoor(app, async (envelope) => void calls.push(envelope));
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(async () => {
    app.server.closeAllConnections();
    await app.close();
  });
  return { port: (app.server.address() as AddressInfo).port, calls, open: () => connections };
}

const CALL = 'GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n';

interface Caller {
  readonly socket: Socket;
  said: string;
}

async function open(t: TestContext, { port }: Served, first = ''): Promise<Caller> {
  const socket = connect(port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  const caller = { socket, said: '' };
  socket.on('data', (piece) => {
    caller.said += piece;
  });
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()));
  if (first !== '') socket.write(first);
  return caller;
}

function answer(call: Envelope | undefined): void {
  call?.reply.start(200, ['content-length', '2']);
  call?.reply.write(Buffer.from('ok'));
  call?.reply.end();
}

test('with too many connections the one that has waited longest gives way, never one that is being served', async (t) => {
  const served = await serve(t, { connections: 4 });
  const working = await open(t, served, CALL);
  await until(() => served.calls.length === 1);
  const silent = [
    await open(t, served),
    await open(t, served, 'GET /v1/models HTTP/1.1\r\nx-slow: '),
    await open(t, served),
  ];
  // Each further caller is served at the cost of the silent ones, in their order.
  for (const [at, { socket }] of silent.entries()) {
    const next = await open(t, served, CALL);
    await until(() => served.calls.length === 2 + at && socket.destroyed);
    assert.deepEqual(
      silent.slice(at + 1).map((one) => one.socket.destroyed),
      Array(2 - at).fill(false),
    );
    assert.equal(next.socket.destroyed, false);
  }
  // All four work now: the fifth has to come again.
  const fifth = await open(t, served, CALL);
  await until(() => fifth.socket.destroyed);
  assert.deepEqual([fifth.said, served.calls.length], ['', 4]);
  // Answered, the first waits like others and is the one to go.
  answer(served.calls[0]);
  await until(() => working.said.endsWith('ok'));
  await open(t, served, CALL);
  await until(() => served.calls.length === 5 && working.socket.destroyed);
});

test('what was closed makes room: nothing of a connection is kept behind it', async (t) => {
  const served = await serve(t, { connections: 2 });
  const stays = await open(t, served);
  for (let i = 0; i < 20; i++) {
    const caller = await open(t, served, CALL);
    await until(() => served.calls.length === i + 1);
    if (i % 2 === 0) {
      answer(served.calls[i]);
      await until(() => caller.said.endsWith('ok'));
    }
    caller.socket.destroy();
    await until(() => served.open() === 1);
  }
  assert.equal(stays.socket.destroyed, false);
});

test('a caller that takes nothing of its answer is broken off; who waits, or reads slowly, is not', async (t) => {
  const served = await serve(t, { stallMs: 400 });
  const begin = async (): Promise<[Caller, Envelope]> => {
    const caller = await open(t, served, CALL);
    const before = served.calls.length;
    await until(() => served.calls.length > before);
    return [caller, served.calls.at(-1)!];
  };
  const [, patient] = await begin();
  const [deaf, unheard] = await begin();
  const [slow, heard] = await begin();
  deaf.socket.pause();
  slow.socket.pause();
  const block = Buffer.alloc(64 * 1024);
  for (const call of [unheard, heard]) {
    call.reply.start(200, []);
    for (let i = 0; i < 200; i++) call.reply.write(block);
  }
  // Reads a piece now and then, for as long as the deaf one lasts and as long again.
  let pieces = 0;
  const reading = setInterval(() => {
    pieces++;
    slow.socket.resume();
    setTimeout(() => slow.socket.pause(), 10);
  }, 20);
  t.after(() => clearInterval(reading));
  await until(() => unheard.gone.aborted);
  const then = pieces;
  await until(() => pieces > 2 * then);
  assert.deepEqual([heard.gone.aborted, patient.gone.aborted], [false, false]);
});
