import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Connections that a test holds open against a gateway, each saying as little as it can. */
export interface Slow {
  /** That are open now, as far as this side knows. */
  readonly open: () => number;
  /** What came back on all of them, by its status line or `nothing`. */
  readonly answers: () => Readonly<Record<string, number>>;
  /** Says this on every one that is open. */
  say(bytes: string): void;
  end(): Promise<void>;
}

interface Opening {
  readonly port: number;
  readonly count: number;
  /** Said at once. */
  readonly first: string | Buffer;
  /** Nothing is ever read. */
  readonly deaf?: boolean;
}

/** Opens `count` connections, a few hundred at a time, and resolves when all were opened, whatever became of them since. */
export async function openSlow({ port, count, first, deaf = false }: Opening): Promise<Slow> {
  const open = new Set<Socket>();
  const answers = new Map<Socket, string>();
  const begin = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1');
      answers.set(socket, '');
      socket.on('error', () => undefined);
      socket.once('connect', () => {
        open.add(socket);
        socket.write(first);
        resolve();
      });
      if (deaf) socket.pause();
      else socket.on('data', (piece) => answers.set(socket, (answers.get(socket) + piece.toString()).slice(0, 12)));
      socket.once('close', () => {
        open.delete(socket);
        resolve();
      });
    });
  for (let left = count; left > 0; left -= 250) await Promise.all(Array.from({ length: Math.min(250, left) }, begin));
  return {
    open: () => open.size,
    answers() {
      const sums: Record<string, number> = {};
      for (const answer of answers.values())
        sums[answer.slice(9) || 'nothing'] = (sums[answer.slice(9) || 'nothing'] ?? 0) + 1;
      return sums;
    },
    say(bytes) {
      for (const socket of open) socket.write(bytes);
    },
    async end() {
      for (const socket of open) socket.destroy();
      while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    },
  };
}

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
