/** The one way to addresses that an outsider can name: discovery, keys, metadata, webhooks. */

export interface OutboundRequest {
  /** `https:` only, unless the operator named the address as reachable in the clear (`net.plain`: a provider on this machine). */
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Most bytes of the answer; more is a FetchFailure `too_large`. Default 1 MiB. */
  readonly maxBytes?: number;
  /** For everything from the lookup of the name to the last byte, milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface OutboundAnswer {
  readonly status: number;
  /** Names in lower case; of one that was sent more than once, the values joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Fetcher {
  /**
   * Sends one request and reads the whole answer. Redirects are not followed: their status is the answer. Rejects with a
   * FetchFailure (net/failure.ts).
   */
  fetch(request: OutboundRequest): Promise<OutboundAnswer>;
}
