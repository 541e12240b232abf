import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

/** Stands between a proxy and the gateway, passes every byte on, and counts what the gateway answered. */
export interface Tap {
  readonly port: number;
  /** Final answers of the gateway (1xx are none), over all connections. */
  readonly answers: () => number;
  /** Connections that the proxy made. */
  readonly connections: () => number;
  /** Breaks the connection on which the gateway answers next, before a byte of that answer is through. */
  breakNext(): void;
  close(): Promise<void>;
}

/** No body in these tests holds such a line, so that heads can be counted without parsing what is under test. */
const HEAD = /HTTP\/1\.1 [2-5]\d\d /g;

export async function startTap(gatewayPort: number): Promise<Tap> {
  let answers = 0;
  let connections = 0;
  let breaking = false;
  const open = new Set<Socket>();
  const server = createServer((proxy) => {
    connections++;
    const gateway = connect(gatewayPort, '127.0.0.1');
    // A head may be cut in two by the network: the last bytes are looked at again.
    let tail = '';
    // First in line, before the bytes are passed on.
    gateway.on('data', (chunk) => {
      if (breaking) {
        breaking = false;
        gateway.unpipe(proxy);
        proxy.destroy();
        return;
      }
      const text = tail + chunk.toString('latin1');
      const found = [...text.matchAll(HEAD)];
      answers += found.length;
      const last = found.at(-1);
      tail = text.slice(Math.max(text.length - 13, last === undefined ? 0 : last.index + last[0].length));
    });
    proxy.pipe(gateway).pipe(proxy);
    for (const socket of [proxy, gateway]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        proxy.destroy();
        gateway.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    answers: () => answers,
    connections: () => connections,
    breakNext: () => {
      breaking = true;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
