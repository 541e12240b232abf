import type { Command } from 'commander';
import { AdminClient } from './client.ts';
import { safeJson } from './fields.ts';
import type { Io } from './io.ts';
import { type Column, table } from './table.ts';
import { adminToken, type GlobalOptions, gatewayUrl, isUnprotected } from './target.ts';

/** What every command works with. */
export class Cli {
  readonly io: Io;
  readonly #program: Command;

  constructor(io: Io, program: Command) {
    this.io = io;
    this.#program = program;
  }

  get options(): GlobalOptions {
    return this.#program.opts();
  }

  get json(): boolean {
    return this.options.json === true;
  }

  url(): string {
    return gatewayUrl(this.io, this.options);
  }

  /** A client with the administrator's token. */
  api(): AdminClient {
    const url = this.url();
    const token = adminToken(this.io, this.options, url);
    if (isUnprotected(url)) this.note(`Warning: ${url} is not encrypted; your admin token can be read on the way.`);
    return new AdminClient(this.io, url, token);
  }

  /** A client without one, for the operations that are open. */
  openApi(): AdminClient {
    return new AdminClient(this.io, this.url(), null);
  }

  /** The answer of a command: the object with --json, else the lines, which must be safe to print. */
  answer(result: object, lines: () => readonly string[]): void {
    if (this.json) this.io.out(`${safeJson(result, 2)}\n`);
    else for (const line of lines()) this.io.out(`${line}\n`);
  }

  /** Lines of a table, cut to the terminal's width; a pipe gets every character. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
    return table(columns, rows, this.io.outIsTerminal ? this.io.columns : null);
  }

  /** Says something beside the answer. */
  note(text: string): void {
    this.io.err(`${text}\n`);
  }

  /** Colours a constant text where a terminal shows it. Never text from outside. */
  paint(colour: 'red' | 'yellow' | 'green' | 'bold', text: string): string {
    const { env, outIsTerminal } = this.io;
    if (!outIsTerminal || env.NO_COLOR || env.TERM === 'dumb') return text;
    const code = { red: 31, yellow: 33, green: 32, bold: 1 }[colour];
    return `\u001b[${code}m${text}\u001b[0m`;
  }
}
