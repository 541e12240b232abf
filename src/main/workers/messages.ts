/**
 * What a relay worker and the ledger process say to each other, one JSON object a line. Only the bytes of a call stay with the
 * worker; who is calling, what is permitted, money and records are decided in the ledger, exactly as without workers.
 */

import type { ServerOptions } from '../../doors/server.ts';
import type { TlsMaterial } from '../../doors/tls.ts';
import { type ErrorCode, Refusal, type RefusalFields } from '../../kernel/errors.ts';
import type { Head } from '../../steps/carrier.ts';
import type { Answer, Envelope, RequestFields } from '../../steps/exchange.ts';
import type { MeterReport } from '../../upstream/anthropic/meter.ts';

/** The pipe for messages among a worker's open files. */
export const CHANNEL_FD = 3;

/** A call as its worker names it; unique while that worker lives. */
type Call = { readonly call: number };

/** What the ledger asks a worker to do for a call, with what comes back. One thing at a time. */
export interface Asks {
  read: { orders: { maxBytes: number }; answer: { byteLength: number; fields: RequestFields } };
  /** The first `most` bytes of the body that was read; base64. */
  bytes: { orders: { most: number }; answer: string };
  send: { orders: { ownHeaders: readonly (readonly [string, string])[] }; answer: Head };
  /** The provider's answer; base64. */
  collect: { orders: { max: number }; answer: string };
  relay: { orders: { status: number; headers: readonly string[]; events: boolean; keep: number }; answer: null };
}
export type AskName = keyof Asks;
export type Ask = {
  [N in AskName]: Call & { readonly is: 'ask'; readonly name: N; readonly orders: Asks[N]['orders'] };
}[AskName];

export type ToWorker =
  | Ask
  | (Call & { readonly is: 'cut' })
  /** What a worker told of a running answer has had its effect. */
  | (Call & { readonly is: 'heard' })
  | (Call & { readonly is: 'start'; readonly status: number; readonly headers: readonly string[] })
  /** base64 */
  | (Call & { readonly is: 'write'; readonly bytes: string })
  | (Call & { readonly is: 'end' | 'destroy' })
  | (Call & { readonly is: 'fail'; readonly answer: Answer })
  /** The ledger has done with this call. */
  | (Call & { readonly is: 'close' })
  | { readonly is: 'begin'; readonly orders: WorkerOrders }
  /** Renewed certificates, for connections from now on. */
  | { readonly is: 'tls'; readonly material: TlsMaterial }
  | { readonly is: 'stop' };

export type ToLedger =
  | (Call & { readonly is: 'open'; readonly envelope: SentEnvelope })
  | (Call & { readonly is: 'claim'; readonly bytes: number })
  | (Call & { readonly is: 'gone' })
  | (Call & { readonly is: 'done'; readonly answer: unknown })
  | (Call & { readonly is: 'failed'; readonly failure: Failure })
  /** What is seen of an answer that the provider has begun. */
  | (Call & { readonly is: 'progress'; readonly tally: SentTally })
  /** How a relayed answer ended, before `done` or `failed`. */
  | (Call & { readonly is: 'tally'; readonly tally: SentTally; readonly kept: string })
  | { readonly is: 'serving' }
  | { readonly is: 'unable'; readonly message: string }
  | { readonly is: 'alive'; readonly residentBytes: number; readonly lagSeconds: number };

export type SentEnvelope = Omit<Envelope, 'gone' | 'reply'>;

export interface SentTally {
  readonly report: MeterReport;
  readonly responseBytes: number;
}

/** What a worker needs to begin, private keys among it: nothing of it is on a command line or in a file. */
export interface WorkerOrders {
  readonly server: ServerOptions;
  readonly pingMs: number;
  readonly upstream: {
    readonly url: string;
    readonly key: string | null;
    readonly target: { readonly upstream: string; readonly simulated: boolean };
    readonly firstByteMs: number;
    readonly silenceMs: number;
    readonly connectMs: number;
  };
  /** Where the ledger serves everything that is no model call: a socket in a folder of ours alone. */
  readonly ledgerSocket: string;
}

/** Bytes as they stand in a message. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** A refusal, or the words of any other error. */
export type Failure =
  | {
      readonly code: ErrorCode;
      readonly fields: RefusalFields;
      readonly detail: string | null;
      readonly retryAfter: number | null;
    }
  | { readonly code: null; readonly detail: string };

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Refusal))
    return { code: null, detail: error instanceof Error ? error.message : String(error) };
  const { code, fields, detail = null, retryAfter = null } = error;
  return { code, fields, detail, retryAfter };
}

export function errorOf(failure: Failure): Error {
  if (failure.code === null) return new Error(failure.detail);
  const { code, fields, detail, retryAfter } = failure;
  return new Refusal(code, {
    fields,
    ...(detail === null ? {} : { detail }),
    ...(retryAfter === null ? {} : { retryAfter }),
  });
}
