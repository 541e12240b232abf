/** What the path of a call asks of a provider. */
import type { Action } from '../journal/bodies.ts';

/** Where a call goes: an upstream by its configured name. */
export interface Target {
  readonly upstream: string;
  /** True for the built-in simulated provider: everything it answers is labelled so. */
  readonly simulated: boolean;
}

export interface UpstreamRequest {
  readonly action: Action;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly query: string;
  /** The caller's headers as received; credentials, hop-by-hop and forwarding headers are dropped by the upstream. */
  readonly rawHeaders: readonly string[];
  /** Headers of ours to add, such as `traceparent`; they replace the caller's of the same name. */
  readonly ownHeaders: readonly (readonly [string, string])[];
  /** Forwarded as it is, byte for byte. */
  readonly body: Uint8Array | null;
  readonly signal: AbortSignal;
}

export interface UpstreamReply {
  readonly status: number;
  /** Name, value, … as the provider sent them, less hop-by-hop headers and cookies. */
  readonly rawHeaders: readonly string[];
  readonly contentType: string;
  /** The provider's `request-id`. */
  readonly requestId: string | null;
  /** Throws Refusal upstream_timeout or upstream_broken where it does not come to its end. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface Upstream {
  readonly target: Target;
  /** Null when calls can be sent, else the code to refuse them with. */
  readonly unusable: 'upstream_unconfigured' | null;
  /** Resolves with the provider's status and headers. Throws Refusal upstream_unreachable, upstream_timeout or upstream_broken. */
  send(request: UpstreamRequest): Promise<UpstreamReply>;
  close(): Promise<void>;
}
