import { connect, type Socket } from 'node:net';
import { MessageReader } from '../http1.ts';

/** What becomes of one call. Exactly one of `end` and `fail` is called. */
export interface CallHandlers {
  /** A piece of the body. */
  body(piece: Buffer): void;
  end(status: number): void;
  fail(reason: string): void;
}

const NOTHING: CallHandlers = { body() {}, end() {}, fail() {} };
/** So much of the body of a refusal is kept, to say what went wrong. */
const KEPT = 300;

/** A kept-alive connection that carries one call at a time. */
export class Connection {
  readonly #socket: Socket;
  #call: CallHandlers = NOTHING;
  #busy = false;
  #status = 0;
  #text = '';
  /** Whether no further call can be sent on it. */
  closed = false;

  constructor(port: number) {
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const reader = new MessageReader({
      head: (text) => {
        this.#status = Number(text.slice(9, 12));
        if (/\r\nconnection: *close/i.test(text)) this.closed = true;
      },
      body: (piece) => {
        if (this.#status !== 200 && this.#text.length < KEPT) this.#text += piece.toString('utf8');
        this.#call.body(piece);
      },
      end: () => this.#ended(),
    });
    this.#socket.on('data', (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        this.#broken(error instanceof Error ? error.message : String(error));
      }
    });
    this.#socket.on('error', (error) => this.#broken(error.message));
    this.#socket.on('close', () => this.#broken('the connection was closed'));
  }

  send(request: Buffer, call: CallHandlers): void {
    this.#call = call;
    this.#busy = true;
    this.#text = '';
    this.#socket.write(request);
  }

  destroy(): void {
    this.#busy = false;
    this.closed = true;
    this.#socket.destroy();
  }

  #ended(): void {
    const call = this.#call;
    this.#busy = false;
    this.#call = NOTHING;
    if (this.closed) this.#socket.destroy();
    if (this.#status === 200) call.end(this.#status);
    else call.fail(`${this.#status} ${this.#text.slice(0, KEPT)}`);
  }

  #broken(reason: string): void {
    this.closed = true;
    if (!this.#busy) return;
    this.#busy = false;
    const call = this.#call;
    this.#call = NOTHING;
    this.#socket.destroy();
    call.fail(reason);
  }
}

/** The whole request in one buffer. */
export function requestBytes(options: {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}): Buffer {
  const { port, headers, body } = options;
  const all = {
    host: `127.0.0.1:${port}`,
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'claude-cli/2.1.330 (external, cli)',
    'anthropic-version': '2023-06-01',
    'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14',
    'x-app': 'cli',
    'x-claude-code-session-id': '7f7a7f0e-95d8-4a3b-9b46-0a8c4d8f7f11',
    'x-stainless-lang': 'js',
    'x-stainless-runtime': 'node',
    'x-stainless-retry-count': '0',
    ...headers,
    'content-length': String(body.length),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`POST /v1/messages HTTP/1.1\r\n${lines.join('')}\r\n`), body]);
}
