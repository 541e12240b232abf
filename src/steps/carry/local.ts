import { Refusal } from '../../kernel/errors.ts';
import type { Upstream, UpstreamReply } from '../../upstream/ports.ts';
import type { CarriedBody, Carrier, Head, ReadOrders, RelayOrders, SendOrders, Tally } from '../carrier.ts';
import type { HeldEnvelope, RequestFields } from '../exchange.ts';
import { bodyOf, fieldsIn } from './body.ts';
import { relayEvents, relayWhole } from './relay.ts';

interface Parts {
  readonly upstream: Pick<Upstream, 'send'>;
  /** Silence on a stream after which a ping is inserted, milliseconds. */
  readonly pingMs: number;
}

/** Carries the bytes of a call whose connection is held in this process. */
export class LocalCarrier implements Carrier {
  readonly #envelope: HeldEnvelope;
  readonly #parts: Parts;
  #body: Buffer | null = null;
  #reply: UpstreamReply | null = null;

  constructor(envelope: HeldEnvelope, parts: Parts) {
    this.#envelope = envelope;
    this.#parts = parts;
  }

  async read(orders: ReadOrders): Promise<{ body: CarriedBody; fields: RequestFields }> {
    const bytes = await bodyOf(this.#envelope, orders);
    this.#body = bytes;
    return {
      body: { byteLength: bytes.byteLength, bytes: (most) => this.#held().subarray(0, most) },
      fields: fieldsIn(bytes),
    };
  }

  async send({ ownHeaders, signal }: SendOrders): Promise<Head> {
    const { action, method, path, query, rawHeaders } = this.#envelope;
    const body = this.#body;
    const request = { action, method, path, query, rawHeaders, ownHeaders, body, signal };
    this.#reply = await this.#parts.upstream.send(request);
    // An answer may take minutes: what asked for it is not kept in memory meanwhile.
    this.#body = null;
    return this.#reply;
  }

  #held(): Uint8Array {
    if (this.#body === null) throw new Error('a body is held until it was sent');
    return this.#body;
  }

  async collect(max: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.#answer) {
      size += chunk.byteLength;
      if (size > max) throw new Refusal('upstream_broken', { fields: { reason: 'it is too large to be read' } });
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  async relay(orders: RelayOrders, tally: Tally): Promise<void> {
    const { reply } = this.#envelope;
    const relaying = { to: this.#envelope, body: this.#answer, orders, tally };
    reply.start(orders.status, orders.headers);
    await (orders.events ? relayEvents(relaying, this.#parts.pingMs) : relayWhole(relaying));
    reply.end();
  }

  get #answer(): AsyncIterable<Uint8Array> {
    if (this.#reply === null) throw new Error('there is no answer before the request was sent');
    return this.#reply.body;
  }
}
