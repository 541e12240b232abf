import type { Logger } from './log.ts';

/** What was opened, closed in reverse order. One that fails is logged and keeps none of the others from closing. */
export class Closers {
  readonly #log: Logger;
  readonly #open: { name: string; close: () => void | Promise<void> }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, close: () => void | Promise<void>): void {
    this.#open.push({ name, close });
  }

  /** Closes everything, last opened first. Never rejects. A second call finds nothing to do. */
  async close(): Promise<void> {
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      try {
        await next.close();
      } catch (error) {
        this.#log.error({ err: error, part: next.name }, 'a part could not be closed');
      }
    }
  }
}
