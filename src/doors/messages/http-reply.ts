import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer, Reply } from '../../steps/exchange.ts';

/** Of a refused upload, this much is read and thrown away so that the caller can finish sending and read the answer. */
const MAX_DISCARD = 1024 * 1024;
const NOTHING = new Uint8Array(0);

/** The caller's side of an HTTP exchange; errors in Anthropic's envelope, in a running event stream as its last event. */
export class HttpReply implements Reply {
  readonly #request: IncomingMessage;
  readonly #raw: ServerResponse;
  #isStream = false;

  constructor(request: IncomingMessage, raw: ServerResponse) {
    this.#request = request;
    this.#raw = raw;
  }

  start(status: number, headers: readonly string[]): void {
    if (this.#raw.destroyed) return;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (headers[i]?.toLowerCase() === 'content-type')
        this.#isStream = /^text\/event-stream/i.test(headers[i + 1] ?? '');
    }
    this.#raw.writeHead(status, [...headers]);
    // Sends the head of a stream at once, and byte for byte: flushHeaders would write it as UTF-8. Any other head goes with its body.
    if (this.#isStream) this.#raw.write(NOTHING);
  }

  write(chunk: Uint8Array): boolean {
    return this.#raw.destroyed ? true : this.#raw.write(chunk);
  }

  drained(cut: AbortSignal): Promise<void> {
    const raw = this.#raw;
    if (raw.destroyed || !raw.writableNeedDrain || cut.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        raw.off('drain', done);
        raw.off('close', done);
        cut.removeEventListener('abort', done);
        resolve();
      };
      raw.on('drain', done);
      raw.on('close', done);
      cut.addEventListener('abort', done);
    });
  }

  end(): void {
    if (!this.#raw.destroyed) this.#raw.end();
  }

  destroy(): void {
    this.#raw.destroy();
  }

  fail(answer: Answer): void {
    if (this.#raw.destroyed) return;
    const body = JSON.stringify(errorBody(answer));
    if (!this.#raw.headersSent) this.#refuse(answer, body);
    else if (!this.#isStream) this.destroy();
    else this.#raw.end(`event: error\ndata: ${body}\n\n`);
  }

  #refuse(answer: Answer, body: string): void {
    const headers: Record<string, string | number> = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'request-id': answer.record,
      'x-gatehouse-record': answer.record,
      'cache-control': 'no-store',
    };
    for (const [name, value] of answer.headers) headers[name] = value;
    if (!answer.retry) headers['x-should-retry'] = 'false';
    if (answer.retryAfter !== undefined) headers['retry-after'] = answer.retryAfter;
    // A body nobody will read ends the connection, so that it is not mistaken for the next request.
    if (!this.#request.complete) headers.connection = 'close';
    this.#raw.writeHead(answer.status, headers);
    this.#raw.end(body);
    discard(this.#request);
  }
}

/** Anthropic's error envelope; `request_id` is the record id, which is also in the `request-id` header. */
export function errorBody({ type, message, record }: Pick<Answer, 'type' | 'message' | 'record'>): object {
  return { type: 'error', error: { type, message }, request_id: record };
}

function discard(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let size = 0;
  request.on('data', (chunk: Uint8Array) => {
    size += chunk.byteLength;
    if (size > MAX_DISCARD) request.destroy();
  });
  request.resume();
}
