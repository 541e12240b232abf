import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { byDescriptors } from '../../doors/connections.ts';

/** Connections that wait while nobody takes them; more are broken, so that descriptors are left for the journal. */
const MOST_WAITING = Math.min(1000, byDescriptors());

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
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      this.deal(socket);
    });
    // A connection that cannot be taken for want of a descriptor is the caller's loss, not the end of this process.
    this.#server.on('error', () => undefined);
  }

  /** Rejects with the error of listening, such as EADDRINUSE. */
  async listen(at: { readonly host: string; readonly port: number }): Promise<AddressInfo> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(at, resolve);
    });
    return this.#server.address() as AddressInfo;
  }

  /** Somebody may have room again: deals out what waits, the longest first. */
  resume(): void {
    while (this.#waiting.length > 0) {
      const taker = this.#next();
      if (taker === null) return;
      const socket = this.#waiting.shift();
      if (socket?.destroyed === false) taker(socket);
    }
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
      if (this.#waiting.length >= MOST_WAITING || !this.#server.listening) socket.destroy();
      else this.#waiting.push(socket);
      return;
    }
    taker(socket);
  }
}
