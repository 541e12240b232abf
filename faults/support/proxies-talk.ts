import type { Socket } from 'node:net';

/** What is heard on a connection that somebody said something odd on. */
export interface Talk {
  readonly heard: () => string;
  /** Resolves when the connection has closed, or nothing has come for a moment: most odd requests leave it open. */
  quiet(): Promise<void>;
  end(): void;
}

/** Too short only hides what happens later; the calls behind it look at the connection again. */
const MOMENT_MS = 120;

export function talk(socket: Socket, bytes: Buffer): Talk {
  let heard = '';
  let last = performance.now();
  let closed = false;
  socket.on('data', (chunk) => {
    heard += chunk.toString('latin1');
    last = performance.now();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    closed = true;
  });
  // In two writes: a proxy that reads what is there in one go may behave differently.
  socket.write(bytes.subarray(0, 10));
  socket.write(bytes.subarray(10), () => {
    last = performance.now();
  });
  return {
    heard: () => heard,
    async quiet() {
      while (!closed && performance.now() - last < MOMENT_MS) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    end: () => socket.destroy(),
  };
}

/** One request, and its one answer to the last byte; the connection stays. Rejects when it ends before. */
export function exchange(socket: Socket, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = '';
    const done = (result: () => void): void => {
      socket.off('data', hear);
      socket.off('close', ended);
      result();
    };
    const hear = (chunk: Buffer): void => {
      heard += chunk.toString('latin1');
      if (isWhole(heard)) done(() => resolve(heard));
    };
    const ended = (): void =>
      done(() => (heard === '' ? reject(new Error('closed without an answer')) : resolve(heard)));
    socket.on('data', hear);
    socket.on('close', ended);
    socket.on('error', () => undefined);
    socket.write(bytes, 'latin1');
  });
}

/** For answers with a length or in chunks, as the gateway and the proxies give them to a call. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= end + 4 + Number(length);
}
