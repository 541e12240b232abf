import type { IncomingMessage } from 'node:http';

/** Bytes taken ahead of whoever reads; beyond it the caller waits. */
const MAX_WAITING = 64 * 1024;

interface Waiting {
  readonly resolve: (result: IteratorResult<Buffer, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const DONE: IteratorResult<Buffer, undefined> = { done: true, value: undefined };

/**
 * The pieces of a request's body, in order. Reading begins with the first `next`; whoever stops early leaves the request as it is:
 * destroying it would take the connection with it, and the answer could not be sent. The stream's own iterator does the same at
 * several times the cost.
 */
export class RequestBody implements AsyncIterableIterator<Buffer> {
  readonly #request: IncomingMessage;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #reader: Waiting | null = null;
  #state: 'unread' | 'open' | 'ended' | 'left' = 'unread';
  #error: Error | null = null;

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#state === 'unread') this.#open();
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bytes -= piece.length;
      if (this.#bytes <= MAX_WAITING && this.#request.isPaused()) this.#request.resume();
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#state !== 'open') return Promise.resolve(DONE);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#state === 'open') this.#close('left');
    this.#request.pause();
    this.#pieces.length = 0;
    return Promise.resolve(DONE);
  }

  #open(): void {
    this.#state = 'open';
    const request = this.#request;
    if (request.destroyed) this.#onClose();
    request.on('data', this.#onData);
    request.on('end', this.#onEnd);
    request.on('close', this.#onClose);
  }

  #close(state: 'ended' | 'left'): void {
    this.#state = state;
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('close', this.#onClose);
  }

  readonly #onData = (piece: Buffer): void => {
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) {
      reader.resolve({ done: false, value: piece });
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes > MAX_WAITING) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.#close('ended');
    this.#reader?.resolve(DONE);
  };

  readonly #onClose = (): void => {
    this.#close('ended');
    this.#error = new Error('the connection broke before the request was whole');
    this.#reader?.reject(this.#error);
  };
}
