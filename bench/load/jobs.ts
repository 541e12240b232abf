import type { Spread } from '../statistics.ts';

/** What is sent, and where. */
export interface Target {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly kilobytes: number;
  readonly stream: boolean;
  /** Processes whose CPU time is measured: those of the server. */
  readonly pids: readonly number[];
  /** Processes of the benchmark itself, to tell their load from that of others. */
  readonly own: readonly number[];
}

export type LoadJob =
  /** Every connection sends its next call when it has the answer to the last: for capacity. */
  | { readonly kind: 'closed'; readonly target: Target; readonly connections: number; readonly seconds: number }
  /** A number of calls, for as long as they take. */
  | { readonly kind: 'calls'; readonly target: Target; readonly connections: number; readonly calls: number }
  /** Calls at times fixed beforehand: for latency. */
  | {
      readonly kind: 'open';
      readonly target: Target;
      readonly perSecond: number;
      readonly seconds: number;
      readonly poisson: boolean;
      readonly seed: number;
    }
  /** Opens streams, which then stay open. */
  | { readonly kind: 'open-streams'; readonly target: Target; readonly streams: number; readonly perSecond: number }
  /** Counts the chunks of the open streams for a time. */
  | { readonly kind: 'hold'; readonly target: Target; readonly seconds: number }
  /** Waits for the end of the open streams. */
  | { readonly kind: 'drain' };

/** CPU time and load of a measured stretch of time. */
export interface Stretch {
  readonly seconds: number;
  /** CPU time of the server, in ms. */
  readonly cpuMs: number;
  /** CPU time of generator and double, in ms. */
  readonly ownMs: number;
  /** Share of the time that each core was busy, by core, whoever used it. */
  readonly busy: readonly number[];
  readonly rssBytes: number;
}

export interface LoadAnswer {
  readonly stretch: Stretch;
  /** Calls, or streams, that ended well. */
  readonly done: number;
  readonly failed: number;
  /** The first failure, as text. */
  readonly failure: string | null;
  /** ms from the intended time to the last byte. */
  readonly whole: Spread;
  /** ms from the intended time to the first byte of the body. */
  readonly first: Spread;
  /** How much later than intended calls were really sent, in ms: the generator's own lateness. */
  readonly late: Spread;
  readonly chunks: number;
  /** ms from the double's write of a chunk to the client's read. */
  readonly chunkDelay: Spread;
}
