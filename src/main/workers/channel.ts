import type { Duplex } from 'node:stream';

/** The longest line: a kept body of the largest size in base64, with room to spare. Bytes. */
const MAX_LINE = 96 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface ChannelListener<In> {
  message(message: In): void;
  /** Once, when the other side is gone, or after it said what is no message or could not be dealt with: then with the error. */
  closed(error: Error | null): void;
}

/**
 * Messages over a stream between two of our own processes, one JSON object a line. What is said in one turn of the event loop leaves
 * in one write.
 */
export class Channel<In, Out> {
  readonly #stream: Duplex;
  #lines: string[] = [];
  #parts: Buffer[] = [];
  #held = 0;

  constructor(stream: Duplex, listener: ChannelListener<In>) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk, listener.message));
    let why: Error | null = null;
    stream.on('error', (error) => {
      why = error;
      stream.destroy();
    });
    stream.once('close', () => listener.closed(why));
    stream.once('end', () => stream.destroy());
  }

  send(message: Out): void {
    if (this.#lines.length === 0) queueMicrotask(() => this.#flush());
    this.#lines.push(JSON.stringify(message));
  }

  close(): void {
    this.#flush();
    this.#stream.end();
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    const text = `${this.#lines.join('\n')}\n`;
    this.#lines = [];
    if (!this.#stream.destroyed) this.#stream.write(text);
  }

  #take(chunk: Buffer, message: (message: In) => void): void {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = this.#joined(chunk.subarray(from, at));
      from = at + 1;
      try {
        message(JSON.parse(line) as In);
      } catch (error) {
        // Whatever the other side said, this process lives on: it is the only one that can record what becomes of the others' calls.
        this.#stream.destroy(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
    if (from === chunk.length) return;
    this.#parts.push(chunk.subarray(from));
    this.#held += chunk.length - from;
    if (this.#held > MAX_LINE) this.#stream.destroy();
  }

  #joined(rest: Buffer): string {
    if (this.#held === 0) return rest.toString();
    const line = Buffer.concat([...this.#parts, rest]).toString();
    this.#parts = [];
    this.#held = 0;
    return line;
  }
}
