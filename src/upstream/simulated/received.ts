import type { IncomingMessage } from 'node:http';

/** A request as it arrived, for tests to look at. */
export interface ReceivedRequest {
  readonly method: string;
  /** Path with its query, as sent. */
  readonly path: string;
  /** Names in lower case; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[];
  /** Empty until the whole body is there. */
  readonly body: Buffer;
  /** When the headers arrived, milliseconds since the epoch. */
  readonly at: number;
  /** True when the caller hung up before the answer ended. */
  aborted: boolean;
}

const MOST_REQUESTS = 1000;
/** Bodies are up to 40 MB: a thousand of those would not fit. */
const MOST_BYTES = 256 * 1024 * 1024;

type Entry = { -readonly [K in keyof ReceivedRequest]: ReceivedRequest[K] };

/** The newest requests, oldest first. Bounded in number and in bytes; the oldest go first. */
export class ReceivedLog {
  readonly #entries: Entry[] = [];
  readonly #keep: boolean;
  #bytes = 0;

  constructor(keep: boolean) {
    this.#keep = keep;
  }

  /** A live view. */
  get requests(): readonly ReceivedRequest[] {
    return this.#entries;
  }

  /** Notes a request when its headers are there, so that one whose body never comes is seen too. */
  open(request: IncomingMessage, at: number): Entry {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headersDistinct)) headers[name] = value?.join(', ') ?? '';
    const entry: Entry = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers,
      rawHeaders: [...request.rawHeaders],
      body: Buffer.alloc(0),
      at,
      aborted: false,
    };
    if (this.#keep) this.#entries.push(entry);
    this.#trim();
    return entry;
  }

  /** Adds the body once it is whole. */
  complete(entry: Entry, body: Buffer): void {
    if (!this.#entries.includes(entry)) return;
    entry.body = body;
    this.#bytes += body.length;
    this.#trim();
  }

  #trim(): void {
    while (this.#entries.length > MOST_REQUESTS || (this.#bytes > MOST_BYTES && this.#entries.length > 1)) {
      this.#bytes -= this.#entries.shift()?.body.length ?? 0;
    }
  }
}
