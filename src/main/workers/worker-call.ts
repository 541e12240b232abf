import { either } from '../../kernel/signals.ts';
import type { CarriedBody, Progress, Tally } from '../../steps/carrier.ts';
import { LocalCarrier } from '../../steps/carry/local.ts';
import type { HeldEnvelope } from '../../steps/exchange.ts';
import { NO_REPLY } from '../../upstream/anthropic/meter.ts';
import type { Upstream } from '../../upstream/ports.ts';
import { type Ask, base64, failureOf, type SentTally, type ToLedger, type ToWorker } from './messages.ts';

export interface WorkerCallParts {
  readonly call: number;
  readonly envelope: HeldEnvelope;
  readonly upstream: Pick<Upstream, 'send'>;
  readonly pingMs: number;
  readonly send: (message: ToLedger) => void;
}

/** Bytes of an answer after which the ledger hears of them; it looks at what an answer costs every 64 tokens. */
const TELL_EVERY = 128;
/** And how long it may hear nothing, milliseconds: silence costs money as well. */
const TELL_AT_LEAST = 900;
/** Tellings that the ledger has not heard yet, after which the answer waits for it. */
const MOST_UNHEARD = 4;
/** Bytes of a body without declared length that are claimed at a time. */
const CLAIM = 64 * 1024;

/** One call in its worker: does the byte work the ledger asks for, and nothing that decides. */
export class WorkerCall {
  readonly #parts: WorkerCallParts;
  readonly #carrier: LocalCarrier;
  readonly #cut = new AbortController();
  #unheard = 0;
  /** An answer that waits for the ledger. */
  #waiting: PromiseWithResolvers<void> | null = null;
  readonly #closed = Promise.withResolvers<void>();
  #body: CarriedBody | null = null;

  constructor(parts: WorkerCallParts) {
    this.#parts = parts;
    this.#carrier = new LocalCarrier(parts.envelope, parts);
  }

  /** Hands the call to the ledger; resolves when the ledger has done with it. */
  async run(): Promise<void> {
    const { call, send, envelope } = this.#parts;
    const { action, path, query, method, headers, contentLength, peer, hasBody } = envelope;
    send({ is: 'open', call, envelope: { action, path, query, method, headers, contentLength, peer, hasBody } });
    const gone = (): void => send({ is: 'gone', call });
    envelope.gone.addEventListener('abort', gone, { once: true });
    if (envelope.gone.aborted) gone();
    await this.#closed.promise;
  }

  hear(message: ToWorker & { readonly call: number }): void {
    try {
      this.#obey(message);
    } catch {
      // An answer that cannot be written ends its own connection, and nobody else's.
      this.#parts.envelope.reply.destroy();
    }
  }

  #obey(message: ToWorker & { readonly call: number }): void {
    const { reply } = this.#parts.envelope;
    if (message.is === 'ask') void this.#answer(message);
    else if (message.is === 'cut') {
      this.#cut.abort('permission_ended');
      this.#goOn();
    } else if (message.is === 'heard') {
      this.#unheard--;
      this.#goOn();
    } else if (message.is === 'start') reply.start(message.status, message.headers);
    else if (message.is === 'write') reply.write(Buffer.from(message.bytes, 'base64'));
    else if (message.is === 'end') reply.end();
    else if (message.is === 'destroy') reply.destroy();
    else if (message.is === 'fail') reply.fail(message.answer);
    else {
      this.#goOn();
      this.#closed.resolve();
    }
  }

  async #answer(ask: Ask): Promise<void> {
    const { call, send } = this.#parts;
    try {
      send({ is: 'done', call, answer: await this.#do(ask) });
    } catch (error) {
      send({ is: 'failed', call, failure: failureOf(error) });
    }
  }

  async #do(ask: Ask): Promise<unknown> {
    const cut = this.#cut.signal;
    if (ask.name === 'read') {
      const { body, fields } = await this.#carrier.read({ ...ask.orders, cut, claim: this.#claims() });
      this.#body = body;
      return { byteLength: body.byteLength, fields };
    }
    if (ask.name === 'bytes') return base64((await this.#body?.bytes(ask.orders.most)) ?? new Uint8Array(0));
    if (ask.name === 'send') {
      const { status, rawHeaders, contentType, requestId } = await this.#carrier.send({
        ...ask.orders,
        signal: either(this.#parts.envelope.gone, cut),
      });
      return { status, rawHeaders, contentType, requestId };
    }
    if (ask.name === 'collect') return base64(await this.#carrier.collect(ask.orders.max));
    return this.#relay(ask.orders);
  }

  async #relay({ keep, ...orders }: (Ask & { name: 'relay' })['orders']): Promise<null> {
    const tally: Tally = {
      meter: undefined,
      responseBytes: 0,
      capture: keep > 0 ? { parts: [], room: keep } : undefined,
    };
    const { call, send } = this.#parts;
    try {
      await this.#carrier.relay({ ...orders, cut: this.#cut.signal, progress: this.#telling(tally) }, tally);
      return null;
    } finally {
      const kept = base64(Buffer.concat(tally.capture?.parts ?? []));
      send({ is: 'tally', call, tally: sent(tally, tally.meter?.() ?? NO_REPLY), kept });
    }
  }

  /**
   * Tells the ledger what is seen of a stream, often enough for its money to be kept up with, and goes no further than a few such
   * pieces ahead of what the ledger has heard: an answer that must end at its cap ends there, however fast it comes.
   */
  #telling(tally: Tally): (meter: Progress) => Promise<void> | undefined {
    const { call, send } = this.#parts;
    let told = Number.NEGATIVE_INFINITY;
    let at = 0;
    return (meter) => {
      const now = performance.now();
      const isNews = meter.begun && (meter.visibleBytes - told >= TELL_EVERY || now - at >= TELL_AT_LEAST);
      // Full, it is told with the next part: what is not heard is worthless as soon as there is more.
      if (isNews && this.#unheard < MOST_UNHEARD) {
        told = meter.visibleBytes;
        at = now;
        this.#unheard++;
        send({ is: 'progress', call, tally: sent(tally, meter.report()) });
      }
      if (this.#unheard < MOST_UNHEARD) return undefined;
      this.#waiting ??= Promise.withResolvers();
      return this.#waiting.promise;
    };
  }

  #goOn(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }

  /** Claims a piece at a time, ahead of the bytes; a claim that is refused cuts the call. */
  #claims(): (bytes: number) => void {
    const { call, send } = this.#parts;
    let used = 0;
    let claimed = 0;
    return (bytes) => {
      used += bytes;
      if (used <= claimed) return;
      const more = Math.max(CLAIM, used - claimed);
      claimed += more;
      send({ is: 'claim', call, bytes: more });
    };
  }
}

function sent({ responseBytes }: Tally, report: SentTally['report']): SentTally {
  return { report, responseBytes };
}
