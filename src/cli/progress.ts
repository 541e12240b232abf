import type { Io } from './io.ts';

const FIRST_MS = 1_000;
const EVERY_MS = 1_000;

/** Says on standard error how far something is, once it takes more than a second and then once a second. */
export class Progress {
  readonly #io: Pick<Io, 'err' | 'now' | 'errIsTerminal'>;
  #next: number;
  #shown = false;

  constructor(io: Pick<Io, 'err' | 'now' | 'errIsTerminal'>) {
    this.#io = io;
    this.#next = io.now() + FIRST_MS;
  }

  at(text: string): void {
    const now = this.#io.now();
    if (now < this.#next) return;
    this.#next = now + EVERY_MS;
    this.#shown = true;
    // On a terminal one line is written over and over; a log file gets one line each.
    this.#io.err(this.#io.errIsTerminal ? `\r\u001b[K${text}` : `${text}\n`);
  }

  done(): void {
    if (this.#shown && this.#io.errIsTerminal) this.#io.err('\r\u001b[K');
  }
}
