import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A provider whose every byte the test chooses. */
export interface Double {
  readonly url: string;
  readonly seen: Seen[];
  /** Requests whose headers arrived, bodies or not. */
  readonly begun: () => number;
  /** Connections the other side gave up before the answer ended. */
  readonly aborted: () => number;
  answer: (seen: Seen, response: ServerResponse) => void | Promise<void>;
  close(): Promise<void>;
}

export async function startDouble(): Promise<Double> {
  let begun = 0;
  let aborted = 0;
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    begun++;
    response.on('close', () => {
      if (!response.writableFinished) aborted++;
    });
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const one: Seen = {
        method: request.method ?? '',
        url: request.url ?? '',
        rawHeaders: request.rawHeaders,
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      seen.push(one);
      void double.answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const double: Double = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    begun: () => begun,
    aborted: () => aborted,
    answer: (_seen, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"id":"msg_1","type":"message","model":"m","usage":{"input_tokens":1,"output_tokens":1}}');
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return double;
}
