import type { IncomingMessage } from 'node:http';
import { DONE, PieceQueue } from '../../kernel/piece-queue.ts';

/**
 * The pieces of a request's body, in order. Reading begins with the first `next`; whoever stops early leaves the request as it is:
 * destroying it would take the connection with it, and the answer could not be sent. The stream's own iterator does the same at
 * several times the cost.
 */
export class RequestBody implements AsyncIterableIterator<Buffer> {
  readonly #request: IncomingMessage;
  readonly #pieces = new PieceQueue();
  #state: 'unread' | 'open' | 'closed' = 'unread';

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#state === 'unread') this.#open();
    const next = this.#pieces.next();
    if (!this.#pieces.isFull && this.#request.isPaused()) this.#request.resume();
    return next;
  }

  return(): Promise<IteratorResult<Buffer, undefined>> {
    if (this.#state === 'open') this.#close();
    this.#request.pause();
    this.#pieces.clear();
    this.#pieces.end();
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

  #close(): void {
    this.#state = 'closed';
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('close', this.#onClose);
  }

  readonly #onData = (piece: Buffer): void => {
    this.#pieces.push(piece);
    if (this.#pieces.isFull) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.#close();
    this.#pieces.end();
  };

  readonly #onClose = (): void => {
    this.#close();
    this.#pieces.fail(new Error('the connection broke before the request was whole'));
  };
}
