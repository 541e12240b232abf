import { connect } from 'node:net';

export interface Flood {
  readonly port: number;
  readonly connections: number;
  /** Requests in all. */
  readonly total: number;
  /** Said again and again, on a connection for as long as that is kept open. */
  readonly request: string | Buffer;
}

/** How often each status came back; `closed` where the connection was closed instead of an answer. */
export type Came = Readonly<Record<string, number>>;

/**
 * Sends `total` requests over so many connections at once, each as soon as the one before was answered or dropped. What is said in one
 * `request` may be several: the first answer to it ends the wait.
 */
export async function floodCalls({ port, connections, total, request }: Flood): Promise<Came> {
  const came: Record<string, number> = {};
  let left = total;
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      let waits = false;
      const next = (): void => {
        if (left <= 0) return void socket.destroy();
        left--;
        waits = true;
        socket.write(request);
      };
      const got = (what: string): void => {
        if (!waits) return;
        waits = false;
        came[what] = (came[what] ?? 0) + 1;
      };
      socket.once('connect', next);
      socket.on('data', (piece) => {
        const text = piece.toString('latin1');
        const status = /HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
        if (status === undefined) return;
        got(status);
        if (!/\r\nconnection: close\r\n/i.test(text)) next();
      });
      socket.on('error', () => undefined);
      socket.once('close', () => {
        got('closed');
        resolve();
      });
    });
  const worker = async (): Promise<void> => {
    while (left > 0) await one();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  return came;
}
