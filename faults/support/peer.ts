import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A provider that is nothing but a socket: the test says every byte of an answer, when it is said, and how it ends. */
export interface Peer {
  readonly url: string;
  /** Whole requests, as they came. */
  readonly requests: string[];
  /** Connections that were accepted. */
  readonly accepted: () => number;
  /** Connections that are open now. */
  readonly open: () => number;
  /** Called with each whole request. */
  answer: (socket: Socket, request: string) => void;
  close(): Promise<void>;
}

export async function startPeer(): Promise<Peer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  const server = createServer((socket) => {
    accepted++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let said = '';
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      for (let end = endOfRequest(said); end > 0; end = endOfRequest(said)) {
        const request = said.slice(0, end);
        said = said.slice(end);
        peer.requests.push(request);
        peer.answer(socket, request);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const peer: Peer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    accepted: () => accepted,
    open: () => sockets.size,
    answer: (socket) => socket.write(MESSAGE),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return peer;
}

/** Where the first request in `said` ends; 0 while it is not whole. */
function endOfRequest(said: string): number {
  const head = said.indexOf('\r\n\r\n');
  if (head < 0) return 0;
  const length = /\r\ncontent-length: *(\d+)/i.exec(said.slice(0, head))?.[1] ?? '0';
  const end = head + 4 + Number(length);
  return said.length >= end ? end : 0;
}

/** A status line with these header lines; ended as a head is. */
export function head(lines: readonly string[], status = '200 OK'): string {
  return `${[`HTTP/1.1 ${status}`, ...lines].join('\r\n')}\r\n\r\n`;
}

/** Bytes as one chunk of a chunked body. */
export function chunk(bytes: string): string {
  return `${Buffer.byteLength(bytes).toString(16)}\r\n${bytes}\r\n`;
}

export const JSON_ANSWER =
  '{"id":"msg_1","type":"message","model":"claude-haiku-4-5","stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":2}}';

/** A whole answer that leaves its connection open. */
export const MESSAGE = `${head(['content-type: application/json', `content-length: ${JSON_ANSWER.length}`])}${JSON_ANSWER}`;

/** The head of an event stream that ends when its connection does. */
export const STREAM = head(['content-type: text/event-stream', 'connection: close']);
/** The same in chunks. */
export const CHUNKED_STREAM = head(['content-type: text/event-stream', 'transfer-encoding: chunked']);

/**
 * Says `bytes` over and over, as fast as they are taken, until the other side is gone or `most` bytes were said.
 * Resolves with how many were.
 */
export async function flood(socket: Socket, bytes: Buffer, most = Number.POSITIVE_INFINITY): Promise<number> {
  let said = 0;
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  while (!socket.destroyed && said < most) {
    said += bytes.length;
    if (socket.write(bytes)) continue;
    await Promise.race([new Promise<void>((resolve) => socket.once('drain', () => resolve())), closed]);
  }
  return said;
}
