/** Bytes kept for a reader that is behind; beyond it the sender is to wait. */
const MAX_WAITING = 64 * 1024;

type Result = IteratorResult<Buffer, undefined>;

/** The end of what is iterated. */
export const DONE: Result = { done: true, value: undefined };

/**
 * Pieces that arrive, for one reader that asks for the next when it had the one before: what a stream's own iterator is, at a part of
 * its cost.
 */
export class PieceQueue {
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #reader: PromiseWithResolvers<Result> | null = null;
  #end: { readonly error: unknown } | 'ended' | null = null;

  /** More waits than should: whoever sends is to be paused. */
  get isFull(): boolean {
    return this.#bytes > MAX_WAITING;
  }

  push(piece: Buffer): void {
    const reader = this.#reader;
    this.#reader = null;
    if (reader !== null) {
      reader.resolve({ done: false, value: piece });
      return;
    }
    this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** There is no more. What waits is still handed out. */
  end(): void {
    this.#end ??= 'ended';
    this.#reader?.resolve(DONE);
  }

  /** There is no more, because of this. What waits is still handed out. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#reader?.reject(error);
  }

  /** Nobody wants what waits. */
  clear(): void {
    this.#pieces.length = 0;
    this.#bytes = 0;
  }

  next(): Promise<Result> {
    const piece = this.#pieces.shift();
    if (piece !== undefined) {
      this.#bytes -= piece.length;
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#end === 'ended') return Promise.resolve(DONE);
    if (this.#end !== null) return Promise.reject(this.#end.error);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }
}
