import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Thrown to stop work on an answer whose caller is gone. */
export class HungUp extends Error {
  constructor() {
    super('the caller hung up');
    this.name = 'HungUp';
  }
}

/** The way out to one caller: waits for a slow one, stops when it hangs up. Everything throws HungUp after that. */
export class Outlet {
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();
  #cut = false;

  /** `onHangUp` is called when the caller leaves before the answer was written out, not when this side cuts. */
  constructor(response: ServerResponse, onHangUp: () => void) {
    this.#response = response;
    response.once('close', () => {
      if (!response.writableFinished && !this.#cut) onHangUp();
      this.#gone.abort();
    });
  }

  /** Status and headers; nothing is on the wire before the first write. */
  head(status: number, headers: Readonly<Record<string, string>>): void {
    this.#check();
    this.#response.writeHead(status, headers);
  }

  /** Sends headers at once, and a chunk; resolves when there is room for more. */
  async write(chunk: string | Buffer): Promise<void> {
    this.#check();
    if (this.#response.write(chunk)) return;
    await this.#orGone(once(this.#response, 'drain', { signal: this.#gone.signal }));
  }

  /** Waits so many milliseconds; 0 does not wait at all. */
  async pause(ms: number): Promise<void> {
    this.#check();
    if (ms > 0) await this.#orGone(sleep(ms, undefined, { signal: this.#gone.signal }));
  }

  /** Ends the answer properly. */
  end(chunk?: string): void {
    this.#check();
    this.#response.end(chunk);
  }

  /** Sends what is pending, then destroys the connection without ending the answer. */
  async cut(last: string | Buffer): Promise<void> {
    this.#check();
    this.#cut = true;
    await new Promise<void>((resolve) => {
      this.#response.once('close', resolve);
      this.#response.write(last, () => resolve());
    });
    this.#response.destroy();
  }

  #check(): void {
    if (this.#gone.signal.aborted) throw new HungUp();
  }

  async #orGone(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#check();
      throw error;
    }
  }
}
