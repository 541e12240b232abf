import type { Dispatcher } from 'undici';
import { DONE, PieceQueue } from '../kernel/piece-queue.ts';

/** What a request is sent with, beside undici's own options. */
interface Sending {
  /** Ends request and answer, with its reason. */
  readonly signal: AbortSignal;
  /** Looks at every piece before anybody sees it, and gives what may pass now; throws to end the answer. */
  readonly screen: Screen;
  /** Called for each interim answer (RFC 9110 §15.2); may throw. */
  readonly onInterim: () => void;
  /** Why there is no answer, or not all of it, where it is not for the signal. */
  readonly failedCall: (error: unknown) => Error;
  readonly failedAnswer: (error: unknown) => Error;
}

/** A look at the pieces of an answer. Null for nothing to pass. */
export interface Screen {
  push(piece: Buffer): Buffer | null;
  /** The rest, when the answer has come to its end. */
  end(): Buffer | null;
}

/** The head of an answer, and its body as it arrives. */
export interface Answering {
  readonly status: number;
  /** Name, value, … as received. */
  readonly rawHeaders: readonly string[];
  readonly body: AnswerBody;
}

/**
 * Sends one request and resolves with the head of its answer. One object takes the pieces and hands them on: undici's own
 * `request` puts a stream, and with it several promises a piece, between the two.
 *
 * @throws the signal's reason, or what `failedCall` makes of the error
 */
export function dispatch(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  sending: Sending,
): Promise<Answering> {
  return new Promise((resolve, reject) => {
    dispatcher.dispatch(options, new AnswerBody(sending, { resolve, reject }));
  });
}

interface Waiting {
  readonly resolve: (value: Answering) => void;
  readonly reject: (error: unknown) => void;
}

/** The body of an answer, read once; whoever stops reading early ends the request. */
class AnswerBody implements Dispatcher.DispatchHandler, AsyncIterableIterator<Buffer> {
  readonly #sending: Sending;
  #head: Waiting | null;
  #controller: Dispatcher.DispatchController | null = null;
  readonly #pieces = new PieceQueue();
  #isOpen = true;
  #reason: unknown;
  readonly #onAbort = (): void => this.#abort(this.#sending.signal.reason);

  constructor(sending: Sending, head: Waiting) {
    this.#sending = sending;
    this.#head = head;
    sending.signal.addEventListener('abort', this.#onAbort);
    if (sending.signal.aborted) this.#onAbort();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Aborted while the connection was made: nothing is sent any more.
    if (!this.#isOpen) controller.abort(asError(this.#reason));
  }

  onResponseStart({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    if (status < 200) {
      this.#sending.onInterim();
      return;
    }
    const head = this.#head;
    this.#head = null;
    head?.resolve({ status, rawHeaders: ((rawHeaders ?? []) as readonly (Buffer | string)[]).map(latin1), body: this });
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    if (!this.#isOpen) return;
    const passed = this.#sending.screen.push(piece);
    if (passed !== null) this.#pieces.push(passed);
    if (this.#pieces.isFull) controller.pause();
  }

  onResponseEnd(): void {
    if (!this.#isOpen) return;
    const rest = this.#sending.screen.end();
    if (rest !== null) this.#pieces.push(rest);
    this.#settle();
    this.#pieces.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (!this.#isOpen) return;
    const { failedCall, failedAnswer } = this.#sending;
    this.#fail(this.#head === null ? failedAnswer(error) : failedCall(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Buffer, undefined>> {
    const next = this.#pieces.next();
    if (!this.#pieces.isFull) this.#controller?.resume();
    return next;
  }

  /** Nobody reads on. */
  return(): Promise<IteratorResult<Buffer, undefined>> {
    this.#pieces.clear();
    this.#abort(new Error('the answer is not read to its end'));
    return Promise.resolve(DONE);
  }

  #abort(reason: unknown): void {
    if (!this.#isOpen) return;
    this.#fail(reason);
    this.#controller?.abort(asError(reason));
  }

  #fail(error: unknown): void {
    this.#reason = error;
    this.#settle();
    this.#head?.reject(error);
    this.#pieces.fail(error);
  }

  #settle(): void {
    this.#isOpen = false;
    this.#sending.signal.removeEventListener('abort', this.#onAbort);
  }
}

/** Bytes as HTTP reads them (RFC 9110 §5.5), so that they go on as they came. */
function latin1(text: Buffer | string): string {
  return typeof text === 'string' ? text : text.toString('latin1');
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
