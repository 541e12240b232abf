import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HttpAnswer, HttpRequest, Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/run.ts';
import { openDoor } from '../admin/fake.ts';

/** Runs commands without a process: output is kept, the network is a function, home is a temporary folder. */
export class Terminal {
  readonly home = mkdtempSync(join(tmpdir(), 'gatehouse-cli-'));
  out = '';
  err = '';
  now = Date.parse('2026-11-24T12:00:00Z');
  env: Record<string, string> = {};
  answerToAsk: string | null = null;
  requests: HttpRequest[] = [];
  exits: number[] = [];
  listeners = new Set<() => void>();
  isTerminal = false;
  columns = 80;
  http: (request: HttpRequest) => Promise<HttpAnswer> = async () => {
    throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
  };
  start: Io['start'] = async () => {
    throw new Error('no start in this test');
  };
  onSleep: () => void = () => undefined;

  io(): Io {
    return {
      out: (text) => {
        this.out += text;
      },
      err: (text) => {
        this.err += text;
      },
      outIsTerminal: this.isTerminal,
      errIsTerminal: this.isTerminal,
      columns: this.columns,
      env: this.env,
      home: this.home,
      cwd: this.home,
      command: 'gatehouse',
      now: () => this.now,
      sleep: async () => this.onSleep(),
      http: (request) => {
        this.requests.push(request);
        return this.http(request);
      },
      ask: async () => this.answerToAsk,
      onSignal: (listener) => {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
      },
      exitNow: (code) => void this.exits.push(code),
      start: (options) => this.start(options),
    };
  }

  /** Runs one command line; the output of earlier ones is forgotten. */
  async run(...argv: string[]): Promise<number> {
    this.out = '';
    this.err = '';
    return run(argv, this.io());
  }

  json(): Record<string, unknown> {
    return JSON.parse(this.out) as Record<string, unknown>;
  }

  close(): void {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** A terminal whose network is an admin door in memory; `token` is set as GATEHOUSE_TOKEN. */
export async function terminalWithDoor() {
  const door = await openDoor();
  const terminal = new Terminal();
  terminal.env.GATEHOUSE_TOKEN = door.token;
  terminal.http = async ({ method, url, headers, body }) => {
    const answer = await door.app.inject({
      method,
      url: url.pathname + url.search,
      headers: { ...headers },
      ...(body === null ? {} : { payload: body }),
    });
    return { status: answer.statusCode, headers: answer.headers as HttpAnswer['headers'], text: answer.body };
  };
  const close = async (): Promise<void> => {
    terminal.close();
    await door.app.close();
  };
  return { terminal, door, close };
}
