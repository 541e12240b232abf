/** A server under test. */
export interface Server {
  readonly name: string;
  readonly port: number;
  /** What a call needs besides the usual headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** The root of its processes; null where nothing stands in between. */
  readonly pid: number | null;
  /** p99 of its event loop's lag in ms, where it tells. */
  lagMs(): Promise<number | null>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Port of the upstream's double. */
  readonly upstream: number;
  /** Cores to run on, as `taskset -c` takes them. */
  readonly cores: string | null;
  /** Worker processes of Gatehouse; null starts it without the option. */
  readonly workers: number | null;
}
