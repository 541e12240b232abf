import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** Connections that wait while no worker serves; more are broken. */
const MOST_WAITING = 1000;

/** Takes a connection on. */
export type Taker = (socket: Socket) => void;

/**
 * Listens where callers come in and deals their connections out. The listening socket is here, not with those who take the
 * connections: while one of them is dead or all are, callers wait in line rather than being refused.
 */
export class Dealer {
  readonly #server: Server;
  readonly #next: () => Taker | null;
  #waiting: Socket[] = [];

  /** `next` says who takes the next connection; null when nobody can now. */
  constructor(next: () => Taker | null) {
    this.#next = next;
    // Not a byte is read here: what arrives is for whoever takes the connection.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.deal(socket);
    });
  }

  /** Rejects with the error of listening, such as EADDRINUSE. */
  async listen(at: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(at, resolve);
    });
    return this.#server.address() as AddressInfo;
  }

  /** Somebody serves again: deals out what waits. */
  resume(): void {
    for (const socket of this.#waiting.splice(0)) this.deal(socket);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }

  /** Also for a connection that did not reach its taker. */
  deal(socket: Socket): void {
    if (socket.destroyed) return;
    const taker = this.#next();
    if (taker === null) {
      if (this.#waiting.length >= MOST_WAITING) socket.destroy();
      else this.#waiting.push(socket);
      return;
    }
    taker(socket);
  }
}
