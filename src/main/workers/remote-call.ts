import { Refusal } from '../../kernel/errors.ts';
import type {
  CarriedBody,
  Carrier,
  Head,
  Progress,
  ReadOrders,
  RelayOrders,
  SendOrders,
  Tally,
} from '../../steps/carrier.ts';
import type { Answer, Envelope, Reply, RequestFields } from '../../steps/exchange.ts';
import {
  type AskName,
  type Asks,
  base64,
  errorOf,
  type SentEnvelope,
  type SentTally,
  type ToLedger,
  type ToWorker,
} from './messages.ts';

type About = ToLedger & { readonly call: number };

interface Pending {
  resolve(answer: unknown): void;
  reject(error: Error): void;
  /** For what is said while it is under way. */
  hear(message: About): void;
}

export interface RemoteCallParts {
  readonly call: number;
  readonly envelope: SentEnvelope;
  readonly send: (message: ToWorker) => void;
  /** The worker was told to end this call and does not answer. */
  readonly stuck: () => void;
}

/** How long a worker may take to end what it does for a call that was cut (P3: streams end within 5 s). */
const END_MS = 2000;

/** A call whose connection a relay worker holds, as the pipeline sees it: its envelope, and who does its byte work. */
export class RemoteCall implements Envelope, Carrier {
  readonly action: Envelope['action'];
  readonly path: string;
  readonly query: string;
  readonly method: Envelope['method'];
  readonly headers: Envelope['headers'];
  readonly contentLength: number | null;
  readonly hasBody: boolean;
  readonly gone: AbortSignal;
  readonly peer: string;
  readonly reply: Reply;
  readonly #parts: RemoteCallParts;
  readonly #gone = new AbortController();
  #pending: Pending | null = null;
  /** Ends the call from the moment its request is sent, also while its answer is collected (P3). */
  #cut: AbortSignal;
  #lost = false;

  constructor(parts: RemoteCallParts) {
    const { envelope } = parts;
    this.#parts = parts;
    this.action = envelope.action;
    this.path = envelope.path;
    this.query = envelope.query;
    this.method = envelope.method;
    this.headers = envelope.headers;
    this.contentLength = envelope.contentLength;
    this.hasBody = envelope.hasBody;
    this.peer = envelope.peer;
    this.gone = this.#gone.signal;
    this.#cut = this.gone;
    this.reply = new RemoteReply(parts);
  }

  /** The worker says something of this call. */
  hear(message: About): void {
    if (message.is === 'gone') this.#gone.abort(new Error('the caller hung up'));
    else if (message.is === 'done') this.#settled()?.resolve(message.answer);
    else if (message.is === 'failed') this.#settled()?.reject(errorOf(message.failure));
    else this.#pending?.hear(message);
  }

  /** The worker died, and with it the caller's connection. What is under way fails, and so does whatever is asked from now on. */
  lose(): void {
    this.#lost = true;
    this.#settled()?.reject(lost());
  }

  async read({ maxBytes, cut, claim }: ReadOrders): Promise<{ body: CarriedBody; fields: RequestFields }> {
    const hear = (message: About): void => {
      if (message.is === 'claim') claim(message.bytes);
    };
    const { byteLength, fields } = await this.#ask('read', { orders: { maxBytes }, cut, hear });
    const bytes = async (most: number): Promise<Buffer> =>
      Buffer.from(await this.#ask('bytes', { orders: { most }, cut }), 'base64');
    return { body: { byteLength, bytes }, fields };
  }

  send({ ownHeaders, signal }: SendOrders): Promise<Head> {
    this.#cut = signal;
    return this.#ask('send', { orders: { ownHeaders }, cut: signal });
  }

  async collect(max: number): Promise<Buffer> {
    return Buffer.from(await this.#ask('collect', { orders: { max }, cut: this.#cut }), 'base64');
  }

  async relay({ status, headers, events, cut, progress }: RelayOrders, tally: Tally): Promise<void> {
    const know = ({ report, responseBytes }: SentTally): void => {
      tally.meter = () => report;
      tally.responseBytes = responseBytes;
    };
    const hear = (message: About): void => {
      if (message.is === 'progress') {
        know(message.tally);
        void progress(seen(message));
        // After a cut, where that is its effect.
        this.#parts.send({ is: 'heard', call: this.#parts.call });
      } else if (message.is === 'tally') {
        know(message.tally);
        if (tally.capture === undefined) return;
        const kept = Buffer.from(message.kept, 'base64');
        tally.capture = { parts: kept.length === 0 ? [] : [kept], room: 0 };
      }
    };
    const orders = { status, headers, events, keep: tally.capture?.room ?? 0 };
    await this.#ask('relay', { orders, cut, hear });
  }

  async #ask<N extends AskName>(
    name: N,
    { orders, cut, hear = () => undefined }: { orders: Asks[N]['orders']; cut: AbortSignal; hear?: Pending['hear'] },
  ): Promise<Asks[N]['answer']> {
    if (this.#lost) throw lost();
    const { call, send, stuck } = this.#parts;
    let late: NodeJS.Timeout | undefined;
    let isOpen = true;
    const end = (): void => {
      send({ is: 'cut', call });
      // In another turn, after what the worker has said was read: it may be this process that was frozen for a while.
      late = setTimeout(() => setImmediate(() => isOpen && stuck()), END_MS);
    };
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#pending = { resolve, reject, hear: this.#guarded(hear) };
    });
    send({ is: 'ask', call, name, orders } as ToWorker);
    if (cut.aborted) end();
    else cut.addEventListener('abort', end);
    try {
      return (await answered) as Asks[N]['answer'];
    } finally {
      isOpen = false;
      cut.removeEventListener('abort', end);
      clearTimeout(late);
    }
  }

  /** What throws on hearing something, as a claim of too many bytes does, is why the whole fails. */
  #guarded(hear: Pending['hear']): Pending['hear'] {
    return (message) => {
      try {
        hear(message);
      } catch (error) {
        this.#parts.send({ is: 'cut', call: this.#parts.call });
        this.#settled()?.reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
  }

  #settled(): Pending | null {
    const pending = this.#pending;
    this.#pending = null;
    return pending;
  }
}

function seen({ tally: { report } }: About & { readonly is: 'progress' }): Progress {
  return { begun: true, visibleBytes: report.visibleBytes, report: () => report };
}

function lost(): Refusal {
  return new Refusal('relay_lost', { detail: 'the relay worker that held the connection died' });
}

class RemoteReply implements Reply {
  readonly #parts: RemoteCallParts;

  constructor(parts: RemoteCallParts) {
    this.#parts = parts;
  }

  start(status: number, headers: readonly string[]): void {
    this.#parts.send({ is: 'start', call: this.#parts.call, status, headers });
  }

  write(chunk: Uint8Array): boolean {
    this.#parts.send({ is: 'write', call: this.#parts.call, bytes: base64(chunk) });
    return true;
  }

  async drained(): Promise<void> {
    // What is written from here is small and whole: a listing, an error, what was used.
  }

  end(): void {
    this.#parts.send({ is: 'end', call: this.#parts.call });
  }

  destroy(): void {
    this.#parts.send({ is: 'destroy', call: this.#parts.call });
  }

  fail(answer: Answer): void {
    this.#parts.send({ is: 'fail', call: this.#parts.call, answer });
  }
}
