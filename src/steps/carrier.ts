/** The byte work of one call, done where the caller's connection is held: in this process, or in a relay worker in front of it. */

import type { MeterReport } from '../upstream/anthropic/meter.ts';
import type { UpstreamReply, UpstreamRequest } from '../upstream/ports.ts';
import type { RequestFields } from './exchange.ts';

export interface Carrier {
  /**
   * Reads the body whole and finds the fields that are decided on; once, before `send`.
   *
   * @throws Refusal for a body that is too large, malformed or ambiguous, what `claim` throws, or why the call was cut
   */
  read(orders: ReadOrders): Promise<{ readonly body: CarriedBody; readonly fields: RequestFields }>;
  /** Sends the bytes that were read, as they are. Resolves and throws as Upstream.send does. */
  send(request: SendOrders): Promise<Head>;
  /** The provider's answer whole, for one that is not simply passed on. Throws Refusal upstream_broken when it is larger than `max`. */
  collect(max: number): Promise<Buffer>;
  /** Passes the answer to the caller: bytes first, a copy to the meter. Rejects when it does not come to its end. */
  relay(orders: RelayOrders, tally: Tally): Promise<void>;
}

export interface ReadOrders {
  /** The largest body, bytes. */
  readonly maxBytes: number;
  /** Ends the waiting, also for a body that trickles (P3). */
  readonly cut: AbortSignal;
  /** Asked before further bytes are held of a body that declared no length; may throw. */
  readonly claim: (bytes: number) => void;
}

/** A body that was read and is held until it was sent. */
export interface CarriedBody {
  readonly byteLength: number;
  /** The first `most` bytes themselves, for a copy that is kept. */
  bytes(most: number): Uint8Array | Promise<Uint8Array>;
}

export type SendOrders = Pick<UpstreamRequest, 'ownHeaders' | 'signal'>;
export type Head = Omit<UpstreamReply, 'body'>;

export interface RelayOrders {
  readonly status: number;
  /** Name, value, … for the caller. */
  readonly headers: readonly string[];
  /** The answer is an event stream. */
  readonly events: boolean;
  readonly cut: AbortSignal;
  /**
   * Called after every part of a stream, and every second of its silence. Must not throw. What it gives is waited for before more of
   * the answer is read.
   */
  readonly progress: (meter: Progress) => Promise<void> | undefined;
}

/** What is seen of a running stream. */
export interface Progress {
  /** The provider has said what it read. */
  readonly begun: boolean;
  /** Bytes of text, thinking and tool input. */
  readonly visibleBytes: number;
  report(): MeterReport;
}

/** What is known of an answer so far, however it ends. */
export interface Tally {
  /** What the meter has seen; asked for once, at the end. */
  meter: (() => MeterReport) | undefined;
  responseBytes: number;
  /** The beginning of the answer, and how much more of it is kept; only where content is kept. */
  capture: { readonly parts: Uint8Array[]; room: number } | undefined;
}
