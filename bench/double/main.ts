/** The upstream's double: a process that reads requests and answers at once, as the last message told it to. */

import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { MessageReader } from '../http1.ts';
import { monotonicMicros, replyBody, STAMP_DIGITS, streamPieces } from '../payloads.ts';

/** What the double is to do from now on. `finish` ends all streams that run. */
export type DoubleJob =
  | { readonly answer: 'whole' }
  | { readonly answer: 'stream'; readonly everyMs: number; readonly chunks: number | null }
  | { readonly answer: 'finish' };

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: ';
const body = replyBody();
const whole = Buffer.concat([
  Buffer.from(
    `${HEAD}application/json\r\nrequest-id: req_011CBench\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n`,
  ),
  body,
]);
const pieces = streamPieces();
const inChunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const streamHead = `${HEAD}text/event-stream; charset=utf-8\r\nrequest-id: req_011CBench\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n\r\n`;
const deltaSize = (pieces.before.length + STAMP_DIGITS + pieces.after.length).toString(16);
const before = `${deltaSize}\r\n${pieces.before}`;
const after = `${pieces.after}\r\n`;

let job: DoubleJob = { answer: 'whole' };
const running = new Set<() => void>();

function stamped(): string {
  return before + String(monotonicMicros()).padStart(STAMP_DIGITS, '0') + after;
}

function stream(socket: Socket, { everyMs, chunks }: { everyMs: number; chunks: number | null }): void {
  let left = chunks ?? Number.POSITIVE_INFINITY;
  socket.write(streamHead + inChunk(pieces.start) + stamped(), 'latin1');
  const stop = (): void => {
    clearInterval(timer);
    running.delete(finish);
    socket.off('close', stop);
  };
  const finish = (): void => {
    stop();
    socket.write(`${inChunk(pieces.end)}0\r\n\r\n`, 'latin1');
  };
  const timer = setInterval(() => {
    left -= 1;
    if (left <= 0) finish();
    else socket.write(stamped(), 'latin1');
  }, everyMs);
  running.add(finish);
  socket.on('close', stop);
}

const server = createServer({ noDelay: true }, (socket) => {
  const reader = new MessageReader({
    head: () => {},
    body: () => {},
    end() {
      if (job.answer === 'stream') stream(socket, job);
      else socket.write(whole);
    },
  });
  socket.on('data', (bytes) => reader.push(bytes));
  socket.on('error', () => socket.destroy());
});

process.on('message', (next: DoubleJob) => {
  if (next.answer === 'finish') for (const finish of [...running]) finish();
  else job = next;
  process.send?.({ ok: true });
});
process.on('disconnect', () => process.exit());
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  process.send?.({ port: (server.address() as AddressInfo).port });
});
